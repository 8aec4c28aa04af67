"""Rooms and bodies that follow the fleet."""

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from evennia.objects.models import ObjectDB
from evennia.utils.create import create_object

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.commands.words import game_words
from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.rooms import HostRoom
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot


class Building(TowerTest):
    """It may run at any time, any number of times."""

    def build(self, agents: list[dict], hosts: list[dict]) -> None:
        fleet = BRIDGE.fleet = Fleet()
        fleet.snapshot_part(snapshot(agents, hosts), 0)
        build.build_now(fleet)

    def npc(self, agent_id: str) -> TowerNPC:
        return build._first(agent_id, AGENT_TAG, TowerNPC)

    def small(self) -> None:
        self.build([agent_view("bezalel"), agent_view("timmy", "local")], self.hosts)

    hosts = (host_view("ezra"), host_view("local"))

    def test_there_is_a_room_per_host_and_a_body_per_agent_in_it(self) -> None:
        self.small()
        self.assertEqual(self.npc("bezalel").location, build.host_room("ezra"))
        self.assertEqual(self.npc("timmy").location, build.host_room("local"))
        self.assertEqual(self.npc("timmy").home, build.host_room("local"))

    def test_exits_lead_both_ways(self) -> None:
        self.small()
        watch, room = build.watch_room(), build.host_room("ezra")
        ways_in = [way for way in watch.exits if way.destination == room]
        ways_out = [way for way in room.exits if way.destination == watch]
        self.assertEqual((len(ways_in), len(ways_out)), (1, 1))
        self.assertEqual(ways_in[0].key, "Ezra")

    def test_running_it_again_makes_nothing_and_writes_nothing(self) -> None:
        self.small()
        count = ObjectDB.objects.count()
        with CaptureQueriesContext(connection) as queries:
            self.small()
        writes = [query["sql"] for query in queries if not query["sql"].startswith("SELECT")]
        self.assertEqual(writes, [])
        self.assertEqual(ObjectDB.objects.count(), count)

    def test_what_a_builder_wrote_stays(self) -> None:
        self.small()
        self.npc("bezalel").db.desc = "A smith with soot on his hands."
        build.host_room("ezra").db.desc = "Cold stone."
        self.build([agent_view("bezalel", name="Master Bezalel", state="down")], self.hosts)
        self.assertIn("soot", self.npc("bezalel").return_appearance(self.char1))
        self.assertIn("Cold stone.", build.host_room("ezra").return_appearance(self.char1))

    def test_a_new_name_is_followed_and_the_id_still_finds_it(self) -> None:
        self.small()
        self.build([agent_view("bezalel", name="The |rSmith")], [host_view("ezra", name="Forge")])
        npc = self.npc("bezalel")
        self.assertEqual(npc.key, "The ¦rSmith")
        self.assertIn("bezalel", npc.aliases.all())
        self.assertEqual(build.host_room("ezra").key, "Host Forge")
        self.assertIn("Forge", [way.key for way in build.watch_room().exits])

    def test_a_move_to_another_host_is_followed(self) -> None:
        self.small()
        before = self.npc("bezalel").id
        self.build([agent_view("bezalel", "local")], self.hosts)
        self.assertEqual(self.npc("bezalel").location, build.host_room("local"))
        self.assertEqual(self.npc("bezalel").id, before)

    def test_who_leaves_the_fleet_leaves_the_world_and_comes_back_as_before(self) -> None:
        self.small()
        self.npc("bezalel").db.desc = "A smith."
        before = self.npc("bezalel").id
        self.build([], self.hosts)
        self.assertIsNone(self.npc("bezalel").location)
        self.small()
        self.assertEqual(self.npc("bezalel").location, build.host_room("ezra"))
        self.assertEqual(
            (self.npc("bezalel").id, self.npc("bezalel").db.desc), (before, "A smith.")
        )

    def test_a_host_that_leaves_is_closed_and_people_in_it_are_led_out(self) -> None:
        self.small()
        room = build.host_room("ezra")
        room.db.desc = "Cold stone."
        self.char1.location = room
        self.build([agent_view("timmy", "local")], [host_view("local")])
        self.assertEqual(self.char1.location, build.watch_room())
        self.assertNotIn(room, [way.destination for way in build.watch_room().exits])
        self.small()
        self.assertEqual(build.host_room("ezra").db.desc, "Cold stone.")
        self.assertIn(room, [way.destination for way in build.watch_room().exits])

    def test_who_has_gone_is_gone_before_anything_else_is_done(self) -> None:
        self.small()
        room = build.host_room("ezra")
        fleet = Fleet()
        fleet.snapshot_part(snapshot([agent_view("timmy", "local")], [host_view("local")]), 0)
        steps = build.steps(fleet)
        next(steps), next(steps)
        self.assertIsNone(self.npc("bezalel").location)
        self.assertNotIn(room, [way.destination for way in build.watch_room().exits])

    def test_an_agent_without_a_known_host_stands_in_the_watch_room(self) -> None:
        self.build([agent_view("lost", "nowhere")], [])
        self.assertEqual(self.npc("lost").location, build.watch_room())

    def test_a_players_thing_of_the_same_name_is_no_agent(self) -> None:
        self.small()
        fake = create_object(settings.BASE_OBJECT_TYPECLASS, "Bezalel", location=self.room1)
        fake.tags.add("bezalel", category=AGENT_TAG)
        self.build([agent_view("bezalel", "local")], self.hosts)
        self.assertEqual(fake.location, self.room1)
        self.assertNotEqual(self.npc("bezalel"), fake)

    def test_a_copy_of_a_body_is_left_alone(self) -> None:
        self.small()
        copy = create_object(TowerNPC, "Copy", location=self.room1)
        copy.tags.add("bezalel", category=AGENT_TAG)
        self.build([agent_view("bezalel", "local")], self.hosts)
        self.assertEqual(copy.location, self.room1)
        self.assertEqual(self.npc("bezalel").location, build.host_room("local"))

    def test_a_host_named_like_a_command_does_not_take_its_place(self) -> None:
        self.build([], [host_view("health", name="Restart"), host_view("fleet")])
        words = {name for way in build.watch_room().exits for name in [way.key, *way.aliases.all()]}
        self.assertEqual(words & {"health", "restart", "Restart", "fleet", "Fleet"}, set())
        self.assertLessEqual({"to Restart", "to Fleet"}, words)

    def test_nor_does_one_named_like_a_command_of_the_game(self) -> None:
        self.assertLessEqual({"home", "look", "who", "dig"}, game_words())
        self.build([], [host_view("home")])
        (way,) = build.watch_room().exits
        self.assertEqual((way.key, way.aliases.all()), ("to Home", []))
        (out,) = build.host_room("home").exits
        self.assertEqual((out.key, out.aliases.all()), ("Watch Room", ["out"]))

    def test_a_name_of_nothing_visible_becomes_the_id(self) -> None:
        self.build([agent_view("bezalel", name="\u202e\n")], self.hosts)
        self.assertEqual(self.npc("bezalel").key, "bezalel")
        self.assertTrue(self.npc("bezalel").get_display_name().startswith("bezalel ("))

    def test_it_goes_in_small_steps_so_that_the_game_goes_on(self) -> None:
        fleet = Fleet()
        fleet.snapshot_part(
            snapshot([agent_view(f"a{n}") for n in range(20)], [host_view("ezra")]), 0
        )
        self.assertEqual(sum(1 for _ in build.steps(fleet)), 21)

    def test_the_first_room_of_a_new_game_can_become_the_watch_room(self) -> None:
        self.room1.db.desc = "Limbo."
        adopted = build.adopt_watch_room(self.room1)
        self.assertEqual(adopted.id, self.room1.id)
        self.assertEqual(build.ensure_watch_room(), adopted)
        self.assertEqual(adopted.key, "Watch Room")
        self.assertNotIn("Limbo", adopted.return_appearance(self.char1))
        self.assertEqual(build.adopt_watch_room(self.room2), adopted)


class Looking(TowerTest):
    """`look`."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect(
            [agent_view("bezalel", "bezalel", state="down", cause="process-gone")],
            [host_view("bezalel"), host_view("ezra")],
        )

    def look(self, where: object, line: str) -> str:
        self.char1.location = where
        self.listen(self.char1)
        self.heard[self.char1].clear()
        self.char1.execute_cmd(line)
        return "\n".join(self.heard[self.char1])

    def test_the_room_names_the_agent_with_its_state(self) -> None:
        said = self.look(build.host_room("bezalel"), "look")
        self.assertIn("Bezalel (|rdown|n)", said)
        self.assertIn("|r1 down|n", said)

    def test_an_agent_is_found_in_its_room_by_name_and_by_id(self) -> None:
        for line in ("look bezalel", "look Bezalel", "l bezalel"):
            said = self.look(build.host_room("bezalel"), line)
            self.assertIn("process-gone", said, line)
            self.assertIn("pane fleet:bezalel", said, line)

    def test_every_agent_can_be_seen_from_the_watch_room(self) -> None:
        said = self.look(build.watch_room(), "look bezalel")
        self.assertIn("pane fleet:bezalel", said)

    def test_an_agent_elsewhere_can_be_looked_at_from_each_room_of_the_tower(self) -> None:
        said = self.look(build.host_room("ezra"), "look bezalel")
        self.assertIn("Bezalel (|rdown|n)", said)

    def test_who_is_called_like_an_agent_is_not_looked_at_in_its_place(self) -> None:
        room = build.host_room("bezalel")
        create_object("evennia.objects.objects.DefaultObject", key="bezalel", location=room)
        self.assertIn("Bezalel (|rdown|n)", self.look(room, "look bezalel"))

    def test_a_description_of_an_agent_is_read_where_it_stands(self) -> None:
        room = build.host_room("bezalel")
        next(one for one in room.contents if isinstance(one, TowerNPC)).db.desc = "A brass golem."
        self.assertIn("A brass golem.", self.look(room, "look bezalel"))

    def test_the_watch_room_shows_the_fleet_and_still_looks_at_other_things(self) -> None:
        self.assertIn("Bezalel (|rdown|n)", self.look(build.watch_room(), "look"))
        self.obj1.location = build.watch_room()
        self.obj1.db.desc = "A lamp."
        self.assertIn("A lamp.", self.look(build.watch_room(), "look Obj"))

    def test_the_age_is_as_of_the_moment_of_looking(self) -> None:
        room = build.host_room("bezalel")
        self.assertIn("1 s ago", self.look(room, "look bezalel"))
        self.time_s += 20
        self.assertIn("21 s ago", self.look(room, "look bezalel"))

    def test_looking_writes_nothing(self) -> None:
        npc = build._first("bezalel", AGENT_TAG, TowerNPC)
        for thing in (npc, build.host_room("bezalel"), build.watch_room()):
            thing.return_appearance(self.char1)
            with self.assertNumQueries(0):
                thing.return_appearance(self.char1)

    def test_without_a_watch_the_state_is_unknown_and_it_is_said_since_when(self) -> None:
        self.watch.drop()
        said = self.look(build.host_room("bezalel"), "look")
        self.assertIn("Bezalel (|Wunknown|n)", said)
        self.assertIn("The watch is not connected since", said)
        self.assertIn("last heard: down", self.look(build.host_room("bezalel"), "look bezalel"))

    def test_after_a_restart_of_the_game_nothing_is_known_yet(self) -> None:
        room = build.host_room("bezalel")
        BRIDGE.__init__(later=self.clock.callLater)
        self.assertIn("Bezalel (|Wunknown|n)", self.look(room, "look"))
        self.assertIn("has not called since the game started", self.look(room, "look bezalel"))

    def test_nobody_can_take_or_play_an_agent(self) -> None:
        npc = build._first("bezalel", AGENT_TAG, TowerNPC)
        for access in ("get", "puppet", "delete"):
            self.assertFalse(npc.access(self.char2, access), access)
        self.assertIsInstance(build.host_room("bezalel"), HostRoom)
