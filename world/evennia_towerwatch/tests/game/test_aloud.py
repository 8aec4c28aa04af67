"""The fleet for who has it read aloud."""

from evennia_towerwatch.tests.game.test_commands import TypingTest


class Aloud(TypingTest):
    """Evennia's own option `screenreader`."""

    def test_fleet_is_sentences_instead_of_columns(self) -> None:
        self.connect()
        self.assertIn("Agent  ", self.type("fleet").replace("|w", ""))
        self.session.protocol_flags["SCREENREADER"] = True
        said = self.type("fleet")
        self.assertIn("Bezalel on Bezalel: up, heartbeat 1 s ago.", said)
        self.assertNotIn("   ", said)
