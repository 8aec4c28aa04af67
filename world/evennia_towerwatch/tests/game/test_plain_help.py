"""Help and overview, for who sees no colours."""

import re

from evennia.utils.ansi import parse_ansi, strip_raw_ansi

from evennia_towerwatch.fleet import AGENT_STATES
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.test_commands import TypingTest

# A colour of Evennia's that stands on nothing that can be read.
EMPTY_COLOUR = re.compile(r"\|[a-mo-zA-Z]\s*\|n")


class PlainHelpTest(TypingTest):
    """What is typed first by somebody new."""

    def setUp(self) -> None:
        """A screen on which everything fits."""
        super().setUp()
        self.session.protocol_flags["SCREENHEIGHT"] = {0: 500}

    def test_the_overview_names_every_state_every_command_and_whether_the_watch_is_there(
        self,
    ) -> None:
        for connect, link in (
            (lambda: None, "The watch is not connected"),
            (self.connect, "is connected since"),
        ):
            connect()
            said = self.type("towerwatch")
            plain = strip_raw_ansi(parse_ansi(said, strip_ansi=True))
            self.assertIn(link, " ".join(plain.split()))
            for state in AGENT_STATES:
                self.assertRegex(plain, rf"\b{state}\b")
            self.assertIsNone(EMPTY_COLOUR.search(said))
            self.assertNotIn("\x1b", plain)

    def test_the_help_of_every_command_is_the_same_without_its_colours(self) -> None:
        for operation in load_protocol().operations:
            if operation["answeredBy"] == "shell":
                continue
            said = self.type(f"help {operation['name']}")
            plain = strip_raw_ansi(parse_ansi(said, strip_ansi=True))
            self.assertIn(operation["summary"].split()[0], plain, operation["name"])
            self.assertIn("Usage:", plain, operation["name"])
