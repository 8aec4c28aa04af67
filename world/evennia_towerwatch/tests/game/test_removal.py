"""Taking the plugin out of a game again."""

import json
import socket
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.core import serializers
from django.core.management import CommandError, call_command
from evennia.accounts.models import AccountDB
from evennia.comms.models import ChannelDB
from evennia.objects.models import ObjectDB
from evennia.typeclasses.attributes import Attribute
from evennia.typeclasses.tags import Tag
from evennia.utils.create import create_object

from evennia_towerwatch import build, removal
from evennia_towerwatch.channel import ensure_channel, join_once
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.rooms import HOST_TAG, HostRoom, WatchRoom
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.verbosity import choose


def dump() -> dict[str, list[Any]]:
    """All that Evennia has of things, accounts and channels, without ids of rows and dates."""
    found: dict[str, list[Any]] = {}
    for model in (ObjectDB, AccountDB, ChannelDB):
        rows = json.loads(serializers.serialize("json", model.objects.order_by("pk")))
        for row in rows:
            fields = row["fields"]
            for date in ("db_date_created", "last_login", "date_joined"):
                fields.pop(date, None)
            fields["db_attributes"] = sorted(
                [str(one) for one in contents(Attribute, pk__in=fields["db_attributes"])]
            )
            fields["db_tags"] = sorted(
                [str(one) for one in contents(Tag, pk__in=fields["db_tags"])]
            )
        found[model.__name__] = rows
    for model in (Attribute, Tag):
        found[model.__name__] = sorted(str(one) for one in contents(model))
    return found


def contents(model: Any, **which: Any) -> list[dict[str, Any]]:
    """Rows without their ids and dates."""
    rows = model.objects.filter(**which).values()
    return [
        {name: value for name, value in row.items() if name not in ("id", "db_date_created")}
        for row in rows
    ]


class Removing(TowerTest):
    """`towerwatch_remove`."""

    def setUp(self) -> None:
        super().setUp()
        self.logs = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(self.settings(DEFAULT_HOME=self.room1.dbref, LOG_DIR=self.logs))
        # Its table can't be dropped in the middle of a test's transaction.
        migrate = patch("evennia_towerwatch.removal.call_command")
        self.migrate = migrate.start()
        self.addCleanup(migrate.stop)
        running = patch(
            "evennia_towerwatch.management.commands.towerwatch_remove._is_running", lambda: False
        )
        running.start()
        self.addCleanup(running.stop)

        # At their logins the accounts have joined the channel.
        removal.remove(everything=True)
        self.migrate.reset_mock()

    def connect(self, *args: Any) -> Any:
        """The session of the watch does not stay: there are none while the game is stopped."""
        session = super().connect(*args)
        session.drop()
        return session

    def run_it(self, *words: str) -> str:
        out = StringIO()
        call_command("towerwatch_remove", *words, stdout=out)
        return out.getvalue()

    def test_a_game_is_afterwards_what_it_was_before(self) -> None:
        self.char2.home = self.room2
        before = dump()
        self.connect()
        join_once(self.account)
        ensure_channel().mute(self.account)
        choose(self.account, "quiet")
        self.char1.location = build.host_room("bezalel")
        self.obj1.location = build.host_room("local")
        self.obj2.location = build._first("bezalel", AGENT_TAG, TowerNPC)
        self.char2.location = build.watch_room()
        self.assertNotEqual(dump(), before)
        self.run_it("--yes")
        self.char2.location = self.room1
        self.assertEqual(dump(), before)
        self.migrate.assert_called_once()

    def test_who_left_the_game_in_a_room_of_the_plugin_comes_back_at_home(self) -> None:
        self.connect()
        self.char1.db.prelogout_location = build.host_room("bezalel")
        self.char1.location = None
        self.run_it("--yes")
        self.assertEqual(self.char1.attributes.get("prelogout_location"), self.char1.home)

    def test_without_yes_it_lists_and_changes_nothing(self) -> None:
        self.connect()
        before = dump()
        listed = self.run_it("--dry-run")
        for line in (
            "NPC Bezalel",
            "room Host Local",
            "exit Local",
            "account watch",
            "told alerts",
        ):
            self.assertIn(line, listed)
        with self.assertRaisesRegex(CommandError, "--yes"):
            self.run_it()
        self.assertIn("Would be removed", self.run_it("--yes", "--dry-run"))
        self.assertEqual(dump(), before)

    def test_a_game_that_runs_is_left_alone(self) -> None:
        self.connect()
        before = dump()
        with (
            patch(
                "evennia_towerwatch.management.commands.towerwatch_remove._is_running", lambda: True
            ),
            self.assertRaisesRegex(CommandError, "Stop it first"),
        ):
            self.run_it("--yes")
        self.assertEqual(dump(), before)

    def test_a_second_time_there_is_nothing_left(self) -> None:
        self.connect()
        self.run_it("--yes")
        with patch.object(removal, "_table_is_there", lambda: False):
            self.assertIn("Nothing of evennia_towerwatch", self.run_it("--yes"))

    def test_a_room_that_a_builder_has_described_or_connected_stays_as_a_plain_one(self) -> None:
        self.connect()
        described, connected = build.host_room("bezalel"), build.host_room("local")
        described.db.desc = "Cold stone."
        way = create_object(
            settings.BASE_EXIT_TYPECLASS, "hatch", location=self.room1, destination=connected
        )
        lamp = create_object(settings.BASE_OBJECT_TYPECLASS, "lamp", location=connected)
        self.assertIn("a builder has worked on it", self.run_it("--yes"))
        for room in (described, connected):
            self.assertEqual(room.typeclass_path, settings.BASE_ROOM_TYPECLASS)
            self.assertEqual(room.tags.all(), [])
            self.assertFalse(room.db_cmdset_storage)
        self.assertEqual(described.db.desc, "Cold stone.")
        self.assertEqual((way.location, way.destination), (self.room1, connected))
        self.assertEqual(lamp.location, connected)
        self.assertEqual(ObjectDB.objects.filter(db_key="Watch Room").count(), 0)

    def test_with_all_such_rooms_go_too_and_what_is_in_them_goes_home(self) -> None:
        self.connect()
        room = build.host_room("bezalel")
        room.db.desc = "Cold stone."
        lamp = create_object(settings.BASE_OBJECT_TYPECLASS, "lamp", location=room, home=room)
        self.run_it("--yes", "--all")
        self.assertFalse(ObjectDB.objects.filter(id=room.id).exists())
        self.assertEqual((lamp.location, lamp.home), (self.room1, self.room1))

    def test_what_a_builder_wrote_of_an_agent_is_shown_once_more(self) -> None:
        self.connect()
        build._first("bezalel", AGENT_TAG, TowerNPC).db.desc = "A smith."
        self.assertIn("description was: A smith.", self.run_it("--yes"))

    def test_what_only_looks_like_the_plugins_own_stays_as_a_plain_thing_without_its_tags(
        self,
    ) -> None:
        self.connect()
        copy = create_object(TowerNPC, "Copy", location=self.room1)
        copy.tags.add("bezalel", category=AGENT_TAG)
        copy.db.desc = "Carved by hand."
        room = create_object(HostRoom, "Host Ezra", nohome=True)
        room.tags.add("ezra", category=HOST_TAG)
        way = create_object(
            settings.BASE_EXIT_TYPECLASS, "gate", location=self.room1, destination=self.room2
        )
        for category in (build.EXIT_IN_TAG, build.EXIT_OUT_TAG):
            way.tags.add("bezalel", category=category)
        fake = create_object(settings.BASE_OBJECT_TYPECLASS, "Bezalel", location=self.room1)
        fake.tags.add("bezalel", category=AGENT_TAG)
        self.run_it("--yes", "--all")
        kinds = {
            copy: settings.BASE_OBJECT_TYPECLASS,
            room: settings.BASE_ROOM_TYPECLASS,
            way: settings.BASE_EXIT_TYPECLASS,
            fake: settings.BASE_OBJECT_TYPECLASS,
        }
        for thing, kind in kinds.items():
            found = ObjectDB.objects.filter(id=thing.id).first()
            self.assertEqual(found and found.db_typeclass_path, kind, thing)
        self.assertEqual(copy.db.desc, "Carved by hand.")
        self.assertEqual((way.location, way.destination), (self.room1, self.room2))
        self.assertFalse(Tag.objects.filter(db_category__startswith="tower").exists())
        self.assertFalse(ObjectDB.objects.filter(db_key="Bezalel").exclude(id=fake.id).exists())

    def test_a_room_that_only_a_tagged_exit_of_a_builder_connects_stays(self) -> None:
        self.connect()
        room = build.host_room("bezalel")
        way = create_object(
            settings.BASE_EXIT_TYPECLASS, "hatch", location=self.room1, destination=room
        )
        way.tags.add("bezalel", category=build.EXIT_IN_TAG)
        self.run_it("--yes")
        self.assertEqual(way.destination, room)

    def test_the_room_where_players_start_becomes_again_what_it_was(self) -> None:
        self.room1.db.desc = "Limbo."
        before = dump()
        build.adopt_watch_room(self.room1)
        with self.settings(START_LOCATION=self.room1.dbref):
            self.assertIn("players start there", self.run_it("--yes"))
        self.assertEqual(dump(), before)
        self.assertNotIsInstance(self.room1, WatchRoom | HostRoom)

    def test_a_channel_that_was_there_before_stays(self) -> None:
        mine = ChannelDB.objects.create(
            db_key="Fleet", db_typeclass_path=settings.BASE_CHANNEL_TYPECLASS
        )
        self.connect()
        self.assertEqual(ensure_channel().id, mine.id)
        self.run_it("--yes")
        self.assertTrue(ChannelDB.objects.filter(id=mine.id).exists())

    def test_the_history_of_the_channel_goes_with_it_and_no_other(self) -> None:
        name = ensure_channel().get_log_filename()
        files = [Path(self.logs, one) for one in (name, f"{name}.1", "channel_public.log")]
        for file in files:
            file.write_text("x", "utf-8")
        self.run_it("--yes")
        self.assertEqual([file.exists() for file in files], [False, False, True])


class Running(TowerTest):
    """Whether the game runs is seen by its own port."""

    def test_a_portal_that_listens_is_a_game_that_runs(self) -> None:
        from evennia_towerwatch.management.commands.towerwatch_remove import _is_running

        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            with self.settings(AMP_HOST="127.0.0.1", AMP_PORT=port):
                self.assertFalse(_is_running())
                listener.listen()
                self.assertTrue(_is_running())
