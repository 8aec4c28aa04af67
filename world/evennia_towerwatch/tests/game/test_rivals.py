"""Two watches for one game."""

from typing import Any
from unittest.mock import patch

from evennia_towerwatch import rivals
from evennia_towerwatch.account import ensure_bridge_account
from evennia_towerwatch.bridge import BRIDGE, TAKEN_OVER
from evennia_towerwatch.commands.overview import OverviewCommand
from evennia_towerwatch.tests.game.support import (
    PASSWORD,
    FakeSession,
    TowerTest,
    codes,
    hello,
)


class TwoWatches(TowerTest):
    """The newest gets the place, and keeps it as long as it answers."""

    def setUp(self) -> None:
        super().setUp()
        log = patch.object(rivals.logger, "log_warn")
        self.logged = log.start()
        self.addCleanup(log.stop)

    def say_hello(self, session: FakeSession, life: str, **more: Any) -> list[Any]:
        return session.call("tower_hello", **hello(life=life, **more))

    def displaced(self) -> tuple[FakeSession, FakeSession]:
        """One that has lost its place, and the one that has it."""
        first, second = self.bridge_session(), self.bridge_session()
        self.say_hello(first, "a", fleet="east")
        self.say_hello(second, "b", fleet="west")
        first.drop()
        return first, second

    def test_the_newer_gets_the_place_and_hears_of_the_other_in_its_welcome(self) -> None:
        first, second = self.bridge_session(), self.bridge_session()
        self.say_hello(first, "a", fleet="east")
        [(name, welcome)] = self.say_hello(second, "b", fleet="west")
        self.assertEqual(name, "tower_welcome")
        self.assertRegex(welcome["note"], "fleet west.*took the place of another.*fleet east")
        self.assertEqual(self.disconnected, [(first, TAKEN_OVER)])

    def test_who_has_lost_the_place_does_not_get_it_back_while_the_other_answers(self) -> None:
        _, second = self.displaced()
        for _ in range(3):
            self.time_s += 3
            second.call("tower_ping", v=1, id="p")
            again = self.bridge_session()
            answers = self.say_hello(again, "a", fleet="east")
            self.assertEqual(codes(answers), ["tower_error:not-allowed"])
            self.assertIn("another watch is connected to this game", answers[0][1]["text"])
            self.assertIn("west", answers[0][1]["text"])
        self.assertTrue(BRIDGE.speaks(second))
        self.assertEqual(len(self.disconnected), 1)

    def test_it_gets_the_place_back_when_the_other_has_gone(self) -> None:
        _, second = self.displaced()
        second.drop()
        again = self.bridge_session()
        self.assertEqual(codes(self.say_hello(again, "a")), ["tower_welcome"])
        self.assertTrue(BRIDGE.speaks(again))

    def test_it_gets_the_place_back_when_the_other_has_fallen_silent(self) -> None:
        self.displaced()
        self.time_s += 60
        again = self.bridge_session()
        self.assertEqual(codes(self.say_hello(again, "a")), ["tower_welcome"])

    def test_the_same_watch_over_a_new_connection_is_no_rival(self) -> None:
        first, second = self.bridge_session(), self.bridge_session()
        self.say_hello(first, "a")
        [(_, welcome)] = self.say_hello(second, "a")
        self.assertNotIn("note", welcome)
        self.assertIsNone(BRIDGE.taken_over)
        self.logged.assert_not_called()

    def test_a_watch_with_an_account_of_its_own_is_a_rival_all_the_same(self) -> None:
        first = self.bridge_session()
        self.say_hello(first, "a")
        other = self.session_of(ensure_bridge_account("other", PASSWORD))
        [(_, welcome)] = self.say_hello(other, "b")
        self.assertIn("account other", welcome["note"])
        self.assertIn("account watch", welcome["note"])

    def test_the_log_and_the_admins_who_are_there_hear_of_it_once_in_ten_minutes(self) -> None:
        player = self.player("somebody")
        self.session_of(self.account)
        self.session_of(player)
        self.listen(self.account, player)
        _, second = self.displaced()
        for _ in range(5):
            second.call("tower_ping", v=1, id="p")
            self.say_hello(self.bridge_session(), "a")
        self.assertEqual(self.logged.call_count, 1)
        self.assertEqual(len(self.heard[self.account]), 1)
        self.assertIn("two are running for this game", self.heard[self.account][0])
        self.assertEqual(self.heard[player], [])
        self.time_s += 601
        second.call("tower_ping", v=1, id="p")
        self.say_hello(self.bridge_session(), "a")
        self.assertEqual(self.logged.call_count, 2)

    def test_towerwatch_tells_of_both(self) -> None:
        _, second = self.displaced()
        self.say_hello(self.bridge_session(), "a")
        second.call("tower_ping", v=1, id="p")
        text = OverviewCommand().get_help(self.char1, None)
        self.assertIn("took the place of another watch", text)
        self.assertIn("was refused: 1 times", text)

    def test_hostile_names_of_fleets_are_text(self) -> None:
        first, second = self.bridge_session(), self.bridge_session()
        self.say_hello(first, "a", fleet="|lcquit|ltx|le\x1b[2J{x}$You()")
        [(_, welcome)] = self.say_hello(second, "b", fleet="<b>\n")
        for sign in "|{$<\x1b\n":
            self.assertNotIn(sign, welcome["note"])
