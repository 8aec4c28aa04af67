"""What somebody tries who has never been here."""

from evennia_towerwatch import build
from evennia_towerwatch.cmdset import TowerCmdSet
from evennia_towerwatch.tests.game.test_commands import TypingTest


class Helping(TypingTest):
    """The canonical form is a topic of the game's help like the short one."""

    def test_the_help_of_an_operation_is_found_by_its_canonical_form(self) -> None:
        said = self.type("help tower/fleet")
        self.assertIn("Help for |wfleet", said)
        self.assertIn("A table of all agents", said)
        self.assertEqual(said, self.type("help tower/FLEET"))
        self.assertEqual(self.type("help towerwatch/roll-back"), self.type("help tower/roll-back"))

    def test_the_help_of_what_is_mistyped_says_what_was_meant(self) -> None:
        said = self.type("help tower/helth")
        self.assertIn("There is no command tower/helth. Did you mean tower/health?", said)
        self.assertIn("There is no command tower/.", self.type("help tower/"))

    def test_it_is_found_where_there_is_no_short_form(self) -> None:
        with self.settings(TOWERWATCH_CANONICAL_ONLY=True, TOWERWATCH_PREFIX="ops"):
            self.char1.cmdset.add_default(TowerCmdSet)
            said = self.type("help ops/restart")
        self.assertIn("Help for |wops/restart", said)
        self.assertIn("ops/restart bezalel", said)

    def test_the_rest_of_help_is_the_games_own(self) -> None:
        self.assertIn("Help for |wtowerwatch", self.type("help tower"))
        self.assertIn("Help for |wlook", self.type("help look"))

    def test_the_overview_says_what_helps_who_has_it_read_aloud(self) -> None:
        self.assertIn("option/save screenreader = on", self.type("help towerwatch"))
        self.session.protocol_flags["SCREENREADER"] = True
        self.assertNotIn("screenreader", self.type("help towerwatch"))
        # Evennia would leave `dry-run`, which is no flag.
        self.assertIn("restart <agent> [-dry-run]", self.type("help restart"))


class Looking(TypingTest):
    """From the rooms of the Tower."""

    def test_an_agent_is_found_by_the_beginning_of_its_name_where_nothing_else_is_meant(
        self,
    ) -> None:
        self.connect()
        self.char1.location = build.watch_room()
        self.assertIn("Bezalel (", self.type("look beza").replace("|r", ""))
        self.assertIn("Could not find 'zzz'", self.type("look zzz"))
        here = self.obj1
        here.key, here.location = "bezant", self.char1.location
        self.assertNotIn("Last beat", self.type("look beza"))
