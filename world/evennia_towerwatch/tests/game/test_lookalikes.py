"""What looks like something of the plugin's, by name, alias, description, tag and type.

Evennia's `tag` asks no lock, and `typeclass` and `create` take any type: a builder can make what
looks like an agent, a room of the Tower or a way to one. None of it is taken for the real thing.
"""

from django.conf import settings
from evennia.objects.models import ObjectDB
from evennia.utils.create import create_account, create_channel, create_object

from evennia_towerwatch import build
from evennia_towerwatch.account import AccountError, ensure_bridge_account
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.channel import ensure_channel, find_channel
from evennia_towerwatch.models import Made
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.rooms import HOST_TAG, WATCH_TAG, HostRoom, WatchRoom
from evennia_towerwatch.tests.game.support import PASSWORD, TowerTest, codes, hello
from evennia_towerwatch.tests.game.test_commands import TypingTest
from evennia_towerwatch.tests.game.test_receive import alert, subject
from evennia_towerwatch.tests.messages import agent_view, host_view

TYPES = {
    "room": "evennia_towerwatch.rooms.WatchRoom",
    "host": "evennia_towerwatch.rooms.HostRoom",
    "npc": "evennia_towerwatch.npc.TowerNPC",
}


class Prepared(TypingTest):
    """A builder has made it all before the plugin did: everything of theirs has a lower number."""

    def setUp(self) -> None:
        super().setUp()
        self.set_permission("Builder")
        # Made before the fleet has an `ezra`: it is older than whatever the plugin will make.
        self.room = create_object(WatchRoom, "Watch Room", nohome=True)
        self.host = create_object(HostRoom, "Host Ezra", nohome=True)
        self.body = create_object(TowerNPC, "Ezra", location=self.room1)
        self.way = create_object(
            settings.BASE_EXIT_TYPECLASS, "Ezra", location=self.room1, destination=self.room2
        )
        for thing, key, category in (
            (self.room, WATCH_TAG, WATCH_TAG),
            (self.host, "ezra", HOST_TAG),
            (self.body, "ezra", AGENT_TAG),
            (self.way, "ezra", build.EXIT_IN_TAG),
            (self.way, "ezra", build.EXIT_OUT_TAG),
        ):
            thing.tags.add(key, category=category)
        self.body.aliases.add("ezra")
        self.body.db.desc = "State: up for 9 d. All is well; type restart timmy."
        self.mine = [self.room, self.host, self.body, self.way]
        self.where = [(thing.location, thing.destination) for thing in self.mine]
        self.watch = self.connect(
            [agent_view("ezra", "ezra", state="down"), agent_view("timmy", "local")],
            [host_view("ezra"), host_view("local")],
        )

    def test_nothing_of_theirs_is_taken_for_the_plugins_own_or_moved(self) -> None:
        self.assertNotEqual(build.watch_room(), self.room)
        self.assertNotEqual(build.host_room("ezra"), self.host)
        self.assertEqual(build.host_rooms(["ezra"]), [build.host_room("ezra")])
        npc = build._first("ezra", AGENT_TAG, TowerNPC)
        self.assertNotEqual(npc, self.body)
        self.assertEqual(npc.location, build.host_room("ezra"))
        ways = [way.destination for way in build.watch_room().exits]
        self.assertIn(build.host_room("ezra"), ways)
        where = [(thing.location, thing.destination) for thing in self.mine]
        self.assertEqual(where, self.where)

    def test_an_alert_is_said_in_the_plugins_rooms_and_in_no_other(self) -> None:
        places = [self.room, self.host, build.watch_room(), build.host_room("ezra")]
        ears = [
            create_object(settings.BASE_CHARACTER_TYPECLASS, "ear", location=place)
            for place in places
        ]
        self.listen(*ears)
        fell = alert("a1", subjects=[subject("ezra", "ezra")], text="ezra fell")
        self.assertEqual(codes(self.watch.call("tower_alert", **fell)), ["tower_ack"])
        heard = [any("ezra fell" in line for line in self.heard[ear]) for ear in ears]
        self.assertEqual(heard, [False, False, True, True])

    def test_what_looks_like_an_agent_says_that_it_is_none(self) -> None:
        said = self.body.return_appearance(self.char1)
        self.assertIn("Ezra (|Wunknown|n)", said)
        self.assertIn("no agent of the fleet", said)
        self.assertIn("The watch knows of no host here", self.host.return_appearance(self.char1))

    def test_in_the_rooms_of_the_tower_the_agent_is_looked_at_and_not_its_likeness(self) -> None:
        for place in (build.host_room("ezra"), build.watch_room(), build.host_room("local")):
            self.body.location = place
            self.char1.location = place
            for line in ("look ezra", "look Ezra"):
                said = self.type(line)
                self.assertIn("Ezra (|rdown|n)", said)
                self.assertNotIn("type restart timmy", said)

    def test_restart_goes_by_what_the_watch_told_and_by_nothing_in_the_game(self) -> None:
        self.set_permission("Builder")
        spy = create_object(TowerNPC, "Timmy", location=self.char1.location)
        spy.tags.add("mallory", category=AGENT_TAG)
        for name in ("mallory", "Obj", f"#{self.body.id}", self.body.dbref, "*account"):
            self.watch.sent.clear()
            self.type(f"restart {name}")
            self.assertEqual(self.watch.sent, [], name)
        self.type("restart Ezra")
        ((_, request),) = self.watch.sent
        self.assertEqual(request["arguments"], {"agent": "agent:ezra"})

    def test_nothing_of_theirs_is_theirs_no_more_when_the_fleet_has_left(self) -> None:
        self.connect([], [])
        where = [(thing.location, thing.destination) for thing in self.mine]
        self.assertEqual(where, self.where)


class Typed(TypingTest):
    """With the commands that builders have."""

    def setUp(self) -> None:
        super().setUp()
        self.set_permission("Builder")
        self.watch = self.connect(
            [agent_view("bezalel", "bezalel", state="down"), agent_view("timmy", "local")],
            [host_view("bezalel"), host_view("local")],
        )
        self.npc = build._first("bezalel", AGENT_TAG, TowerNPC)
        self.place = build.host_room("bezalel")
        self.watch_room = build.watch_room()

    def again(self) -> None:
        build.build_now(BRIDGE.fleet)

    def test_tags_of_the_plugins_own_things_that_were_cleared_or_changed_change_nothing(
        self,
    ) -> None:
        count = ObjectDB.objects.count()
        for thing in (self.npc, self.place, self.watch_room, *self.watch_room.exits):
            self.assertIn("Cleared all tags", self.type(f"tag/del {thing.dbref}"))
            self.type(f"tag {thing.dbref} = timmy:{AGENT_TAG}")
            self.type(f"tag {thing.dbref} = local:{HOST_TAG}")
            self.type(f"tag {thing.dbref} = aaa:{HOST_TAG}")
        self.npc._agent_id = self.place._host_id = None
        self.again()
        self.assertEqual(ObjectDB.objects.count(), count)
        self.assertEqual(build.watch_room(), self.watch_room)
        self.assertEqual(build.host_room("bezalel"), self.place)
        self.assertIn("Bezalel (|rdown|n)", self.npc.return_appearance(self.char1))
        self.assertIn("1 down", self.place.return_appearance(self.char1))
        self.assertTrue(self.npc.tags.has("bezalel", category=AGENT_TAG))
        self.assertTrue(self.watch_room.tags.has(WATCH_TAG, category=WATCH_TAG))

    def test_what_is_created_dug_and_given_a_type_is_none_of_the_plugins(self) -> None:
        self.char1.location = self.room1
        before = {row.object_id for row in Made.objects.all()}
        for name, path in TYPES.items():
            self.type(f"create {name}1;bezalel:{path}")
            self.type(f"create {name}2")
            self.type(f"typeclass/force {name}2 = {path}")
            self.type(f"dig {name}3:{path}")
        made = ObjectDB.objects.filter(db_typeclass_path__startswith="evennia_towerwatch.")
        theirs = [thing for thing in made if thing.id not in before]
        self.assertGreaterEqual(len(theirs), 6)
        for thing in theirs:
            for key, category in (("bezalel", AGENT_TAG), ("bezalel", HOST_TAG)):
                self.type(f"tag {thing.dbref} = {key}:{category}")
            thing.return_appearance(self.char1)
        self.again()
        self.assertEqual({row.object_id for row in Made.objects.all()}, before)
        self.assertEqual(build._first("bezalel", AGENT_TAG, TowerNPC), self.npc)
        self.assertEqual(build.watch_room(), self.watch_room)

    def test_a_new_one_is_made_where_the_plugins_own_was_destroyed_and_no_copy_takes_its_place(
        self,
    ) -> None:
        copy = ObjectDB.objects.copy_object(self.npc, new_key="Bezalel")
        self.assertTrue(copy.tags.has("bezalel", category=AGENT_TAG))
        self.npc.delete()
        self.again()
        found = build._first("bezalel", AGENT_TAG, TowerNPC)
        self.assertNotIn(found, [None, copy])
        self.assertEqual(found.location, self.place)


class Upgrade(TowerTest):
    """A game whose plugin kept no list of what it had made."""

    def test_what_has_the_tags_is_taken_over_once_and_never_again(self) -> None:
        self.connect()
        npc, room = build._first("bezalel", AGENT_TAG, TowerNPC), build.watch_room()
        copy = ObjectDB.objects.copy_object(npc, new_key="Bezalel")
        kept = sorted(Made.objects.values_list("category", "key", "object_id"))
        Made.objects.all().delete()
        build.take_over_tagged()
        self.assertEqual(sorted(Made.objects.values_list("category", "key", "object_id")), kept)
        self.assertEqual(build.watch_room(), room)
        npc.delete()
        build.take_over_tagged()
        self.assertNotEqual(build._first("bezalel", AGENT_TAG, TowerNPC), copy)


class Accounts(TowerTest):
    """Names of accounts, and what speaks for the watch."""

    def test_a_players_account_is_never_made_the_watchs_whatever_its_case(self) -> None:
        self.player("Watchtower")
        for name in ("Watchtower", "watchtower", "WATCHTOWER"):
            with self.assertRaisesRegex(AccountError, "is an account of the game already"):
                ensure_bridge_account(name, PASSWORD)

    def test_who_is_called_like_the_watch_may_say_nothing_for_it(self) -> None:
        ensure_bridge_account("towerwatch", PASSWORD)
        for name in ("towerwatch2", "tower watch", "the watch", "shell", "tower_bridge"):
            session = self.session_of(create_account(name, None, PASSWORD))
            self.assertEqual(
                codes(session.call("tower_hello", **hello())), ["tower_error:not-allowed"]
            )
        self.assertIsNone(BRIDGE.session)


class Channels(TowerTest):
    """The channel is the one that the plugin has made, while there is one."""

    def test_an_older_one_of_that_name_does_not_take_its_place(self) -> None:
        find_channel().delete()
        older = create_channel("Harbour", locks="listen:all();send:all();control:all()")
        ours = ensure_channel()
        # No command of the game's does that, but the page for admins.
        type(ours).objects.filter(id=older.id).update(db_key="FLEET")
        self.assertLess(older.id, ours.id)
        self.assertEqual(find_channel(), ours)
        self.assertEqual(ensure_channel(), ours)
