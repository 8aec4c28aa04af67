"""What is wrong with an installation is said to whoever starts the game."""

import io
import sys
from unittest.mock import patch

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from evennia import default_cmds
from evennia.comms.models import ChannelDB
from evennia.utils.create import create_channel

from evennia_towerwatch import boot
from evennia_towerwatch.channel import FleetChannel, ensure_channel, find_channel
from evennia_towerwatch.cmdset import TowerCmdSet
from evennia_towerwatch.commands.fleet import FleetCommand
from evennia_towerwatch.installation import faults
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.support import TowerTest

HERE = __name__
NAMES = {operation["name"] for operation in load_protocol().operations}


class WithoutIt(default_cmds.CharacterCmdSet):
    """A game's command set that has not been told of the plugin."""


class WithOneOfItsOwn(default_cmds.CharacterCmdSet):
    """A game that has a `health` of its own, and adds it last."""

    def at_cmdset_creation(self) -> None:
        super().at_cmdset_creation()
        self.add(TowerCmdSet)
        self.add(Health())


class WithABetterFleet(default_cmds.CharacterCmdSet):
    """A game that has made more of one of the plugin's commands."""

    def at_cmdset_creation(self) -> None:
        super().at_cmdset_creation()
        self.add(TowerCmdSet)
        (fleet,) = (one for one in self.commands if isinstance(one, FleetCommand))
        self.add(type("BetterFleet", (type(fleet),), {"__module__": "commands.own"})())


class Health(default_cmds.MuxCommand):
    """how one feels"""

    key = "health"
    __module__ = "commands.own"


class Faults(TowerTest):
    """Each is a sentence that names what to change."""

    def test_a_game_that_has_taken_it_as_the_readme_says_has_none(self) -> None:
        self.assertEqual(faults(), [])

    def test_a_command_set_without_it_is_named(self) -> None:
        for setting in ("CMDSET_CHARACTER", "CMDSET_ACCOUNT"):
            with self.settings(**{setting: f"{HERE}.WithoutIt"}):
                (fault,) = faults()
            self.assertIn(f"TowerCmdSet is not in {HERE}.WithoutIt ({setting})", fault)

    def test_a_command_of_the_game_that_took_the_place_of_one_is_named(self) -> None:
        with self.settings(CMDSET_CHARACTER=f"{HERE}.WithOneOfItsOwn"):
            (fault,) = faults()
        self.assertRegex(fault, r"in the place of the plugin's health: .*TOWERWATCH_CANONICAL_ONLY")

    def test_a_command_made_from_one_of_the_plugins_is_as_good(self) -> None:
        with self.settings(CMDSET_CHARACTER=f"{HERE}.WithABetterFleet"):
            self.assertEqual(faults(), [])

    def test_a_table_that_was_not_made_is_told_with_the_command_that_makes_it(self) -> None:
        MigrationRecorder(connection).record_unapplied("evennia_towerwatch", "0002_made")
        (fault,) = faults()
        self.assertIn("run `evennia migrate`", fault)

    def test_a_channel_of_that_name_whose_listeners_could_not_type_fleet_is_told(self) -> None:
        find_channel().delete()
        create_channel("fleet", typeclass="evennia.comms.comms.DefaultChannel")
        (fault,) = faults()
        self.assertIn("There is a channel Fleet of another type", fault)

    def test_a_channel_of_another_type_whose_name_is_no_command_is_none(self) -> None:
        create_channel("Alarms", typeclass="evennia.comms.comms.DefaultChannel")
        with self.settings(TOWERWATCH_CHANNEL="Alarms"):
            self.assertEqual(faults(), [])

    def test_a_channel_made_before_the_game_had_a_type_for_it_gets_that_type(self) -> None:
        find_channel().delete()
        with self.settings(BASE_CHANNEL_TYPECLASS="evennia.comms.comms.DefaultChannel"):
            made = ensure_channel()
            locks = str(made.locks)
            self.assertEqual(made.typeclass_path, FleetChannel.path)
        again = ensure_channel()
        self.assertEqual((again.id, str(again.locks)), (made.id, locks))
        self.assertEqual(ChannelDB.objects.get(id=made.id).typeclass_path, type(again).path)
        self.assertNotEqual(type(again).path, FleetChannel.path)


class Booting(TowerTest):
    """Who is told, in which process."""

    def setUp(self) -> None:
        super().setUp()
        self.err = io.StringIO()
        for change in (
            patch.object(sys, "stderr", self.err),
            patch.dict(sys.modules, {boot._LAUNCHER: boot}),
            patch.object(checks, "register"),
        ):
            change.start()
            self.addCleanup(change.stop)

    def look(self, *words: str) -> list:
        with (
            patch.object(sys, "argv", ["evennia", *words]),
            patch.object(boot.reactor, "callWhenRunning") as when_running,
        ):
            boot.look(NAMES)
        return [call.args[0] for call in when_running.call_args_list]

    def test_the_launcher_refuses_a_bad_setting_in_a_sentence_and_ends(self) -> None:
        for words in (["start"], ["reload"], ["migrate"], ["--settings", "x.py", "start"]):
            with (
                self.settings(TOWERWATCH_CHANNEL=""),
                self.assertRaises(SystemExit) as end,
            ):
                self.look(*words)
            self.assertEqual(end.exception.code, 1)
        lines = self.err.getvalue().splitlines()
        self.assertEqual(len(lines), 8)
        self.assertRegex(lines[0], r"^Towerwatch: TOWERWATCH_CHANNEL must be .*\.$")

    def test_a_game_whose_settings_were_broken_while_it_ran_can_be_stopped(self) -> None:
        with self.settings(TOWERWATCH_CHANNEL=""):
            self.assertEqual(self.look("stop"), [])

    def test_elsewhere_it_is_djangos_own_error(self) -> None:
        del sys.modules[boot._LAUNCHER]
        with (
            self.settings(TOWERWATCH_CHANNEL=""),
            self.assertRaises(ImproperlyConfigured),
        ):
            self.look("start")

    def test_before_a_start_the_launcher_looks_at_the_installation_and_may_end(
        self,
    ) -> None:
        (look,) = self.look("start")
        with (
            self.settings(CMDSET_ACCOUNT=f"{HERE}.WithoutIt"),
            patch.object(boot.os, "_exit") as leave,
        ):
            look()
        leave.assert_called_once_with(1)
        self.assertIn("TowerCmdSet is not in", self.err.getvalue())

    def test_a_start_without_faults_goes_on(self) -> None:
        (look,) = self.look("start")
        with patch.object(boot.os, "_exit") as leave:
            look()
        leave.assert_not_called()
        self.assertEqual(self.err.getvalue(), "")

    def test_what_starts_nothing_is_not_looked_at(self) -> None:
        for words in (["stop"], ["migrate"], ["shell"], []):
            self.assertEqual(self.look(*words), [])

    def test_evennia_check_tells_them_and_migrate_does_not(self) -> None:
        with self.settings(CMDSET_ACCOUNT=f"{HERE}.WithoutIt"):
            self.assertEqual([one.id for one in boot._system_check()], ["towerwatch.E001"])
            for databases in (["default"], set()):
                self.assertEqual(boot._system_check(databases=databases), [])

    def test_the_games_server_writes_them_to_its_log(self) -> None:
        with (
            self.settings(CMDSET_ACCOUNT=f"{HERE}.WithoutIt"),
            patch.object(boot.logger, "log_err") as log,
        ):
            boot.log_faults()
        self.assertIn("TowerCmdSet is not in", log.call_args.args[0])
