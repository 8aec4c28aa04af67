"""Rooms and bodies over random lives of fleets, with builders at work meanwhile."""

import os
import random
from typing import Any

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from evennia.objects.models import ObjectDB
from evennia.utils.create import create_object

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.models import Made
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.rooms import HOST_TAG, WATCH_TAG, TowerRoom
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

LIVES = int(os.environ.get("TOWERWATCH_RUNS", "5000")) // 1000
STEPS = 12
HOSTS = ["ezra", "local", "health", "gpu-1"]
AGENTS = ["bezalel", "timmy", "ezra", "allegro", "gemini"]
NAMES = ["Ezra", "Restart", "fleet", "The Smith", "|rred", "\u202e\n", "x" * 63]
MAKES = [WATCH_TAG, HOST_TAG, AGENT_TAG, build.EXIT_IN_TAG, build.EXIT_OUT_TAG]


class ManyLives(TowerTest):
    """Whatever happens, the world is the fleet's, nothing piles up, and builders' work stays."""

    def setUp(self) -> None:
        super().setUp()
        self.ours: list[tuple[Any, str, Any]] = []
        self.made = 0

    def test_many_lives(self) -> None:
        for seed in range(LIVES):
            with self.subTest(seed=seed):
                self.live(random.Random(seed))

    def live(self, chance: random.Random) -> None:
        before = ObjectDB.objects.count() - self.made
        for _ in range(STEPS):
            fleet = self.some_fleet(chance)
            build.build_now(fleet)
            self.world_is(fleet)
            self.builders_work_is_there()
            count = ObjectDB.objects.count()
            self.assertLessEqual(count, self.bound(before))
            with CaptureQueriesContext(connection) as queries:
                build.build_now(fleet)
            self.assertEqual([q["sql"] for q in queries if not q["sql"].startswith("SELECT")], [])
            for _ in range(chance.randint(0, 3)):
                does = [self.describe, self.dig, self.drop, self.copy, self.delete, self.tag]
                chance.choice(does)(chance)

    def bound(self, before: int) -> int:
        """A room and two ways for each host there ever was, a body for each agent."""
        return before + self.made + 1 + 3 * len(HOSTS) + len(AGENTS)

    def some_fleet(self, chance: random.Random) -> Fleet:
        hosts = chance.sample(HOSTS, chance.randint(0, len(HOSTS)))
        agents = chance.sample(AGENTS, chance.randint(0, len(AGENTS)))
        fleet = BRIDGE.fleet = Fleet()

        def named() -> dict[str, str]:
            return {"name": chance.choice(NAMES)} if chance.random() < 0.4 else {}

        fleet.snapshot_part(
            snapshot(
                [agent_view(agent, chance.choice(HOSTS), **named()) for agent in agents],
                [host_view(host, **named()) for host in hosts],
            ),
            0,
        )
        return fleet

    def world_is(self, fleet: Fleet) -> None:
        watch = build.watch_room()
        for host in HOSTS:
            room = build.host_room(host)
            ways_in = [way for way in self.tagged(build.EXIT_IN_TAG, host) if way.location]
            # A way that somebody has copied stands beside the plugin's own.
            if host not in fleet.hosts:
                self.assertEqual([way for way in ways_in if self.is_plugins(way)], [])
                continue
            self.assertTrue(room.tags.has(host, category=HOST_TAG))
            (way,) = (way for way in ways_in if self.is_plugins(way))
            self.assertEqual((way.location, way.destination), (watch, room))
            (way,) = filter(self.is_plugins, self.tagged(build.EXIT_OUT_TAG, host))
            self.assertEqual((way.location, way.destination), (room, watch))
        for agent_id in AGENTS:
            body = build._first(agent_id, AGENT_TAG, TowerNPC)
            agent = fleet.agents.get(agent_id)
            if agent is None:
                self.assertTrue(body is None or body.location is None)
            else:
                wanted = build.host_room(agent.host) if agent.host in fleet.hosts else None
                self.assertIn(body.location, [wanted] if wanted else self.without_host(agent.host))

    def without_host(self, host: str) -> list[Any]:
        """An agent of a host that left stands in its room, or where there was never one, up."""
        return [build.host_room(host) or build.watch_room()]

    def is_plugins(self, way: Any) -> bool:
        return Made.objects.filter(object_id=way.id).exists()

    def tagged(self, category: str, key: str | None = None) -> list[Any]:
        which = {"db_tags__db_category": category}
        if key:
            which["db_tags__db_key"] = key
        return list(ObjectDB.objects.filter(**which).order_by("id"))

    def builders_work_is_there(self) -> None:
        for thing, what, value in self.ours:
            self.assertEqual(getattr(thing.db, what, None) or getattr(thing, what, None), value)

    def some(self, chance: random.Random) -> Any:
        things = [thing for tag in MAKES for thing in self.tagged(tag)]
        return chance.choice(things) if things else None

    def some_room(self, chance: random.Random) -> Any:
        return chance.choice([self.room1, build.watch_room(), *self.tagged(HOST_TAG)])

    def describe(self, chance: random.Random) -> None:
        """`desc`."""
        thing = self.some(chance)
        if thing is not None:
            self.ours = [one for one in self.ours if one[:2] != (thing, "desc")]
            thing.db.desc = f"text {chance.random()}"
            self.ours.append((thing, "desc", thing.db.desc))

    def dig(self, chance: random.Random) -> None:
        """`open`."""
        here, there = self.some_room(chance), self.some_room(chance)
        way = create_object(settings.BASE_EXIT_TYPECLASS, "gap", location=here, destination=there)
        self.made += 1
        self.ours += [(way, "location", here), (way, "destination", there)]

    def drop(self, chance: random.Random) -> None:
        """`create/drop`."""
        room = self.some_room(chance)
        thing = create_object(settings.BASE_OBJECT_TYPECLASS, "lamp", location=room, home=room)
        self.made += 1
        self.ours.append((thing, "location", room))

    def copy(self, chance: random.Random) -> None:
        """`copy`, which takes the tags along."""
        thing = self.some(chance)
        if thing is not None:
            copy = ObjectDB.objects.copy_object(thing, new_key="Copy")
            self.made += 1
            self.assertTrue(copy.tags.all())

    def tag(self, chance: random.Random) -> None:
        """`tag`, which asks no lock, and `tag/del`."""
        thing, category = self.some(chance), chance.choice(MAKES)
        if thing is not None:
            thing.tags.clear()
            if chance.random() < 0.5:
                thing.tags.add(chance.choice([*HOSTS, *AGENTS]), category=category)

    def delete(self, chance: random.Random) -> None:
        """`destroy`; with a room its exits go, and what is in it goes home."""
        thing = self.some(chance)
        if thing is None:
            return
        if isinstance(thing, TowerRoom):
            touched = {thing, *thing.contents, *thing.exits}
            touched.update(ObjectDB.objects.filter(db_destination=thing))
        else:
            touched = {thing}
        self.ours = [one for one in self.ours if one[0] not in touched and one[2] not in touched]
        thing.delete()
