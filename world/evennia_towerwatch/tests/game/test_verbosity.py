"""How much of the fleet a player hears."""

from unittest.mock import patch

from evennia_towerwatch import build
from evennia_towerwatch.channel import ensure_channel
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.game.test_commands import TypingTest
from evennia_towerwatch.tests.game.test_receive import alert, subject
from evennia_towerwatch.verbosity import LEVELS, choose, level_of


class Hearing(TowerTest):
    """`char1` of `account` stands in the room of bezalel; the account is on the channel, too."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.channel = ensure_channel()
        self.channel.connect(self.account)
        self.char1.account = self.account
        self.char1.location = build.host_room("bezalel")
        self.listen(self.char1, self.account)
        online = patch("evennia.comms.models.SubscriptionHandler.online", lambda _: [self.account])
        online.start()
        self.addCleanup(online.stop)

    def heard_of(self, kind: str) -> tuple[int, int]:
        """How often an alert of this kind is heard in the room, and on the channel."""
        self.number = getattr(self, "number", 0) + 1
        for lines in self.heard.values():
            lines.clear()
        self.watch.call("tower_alert", **alert(f"a{self.number}", kind=kind))
        return len(self.heard[self.char1]), len(self.heard[self.account])

    def test_everything_is_heard_once_where_one_stands(self) -> None:
        for kind in ("problem", "recovery", "reminder", "acknowledged", "notice"):
            self.assertEqual(self.heard_of(kind), (1, 0), kind)

    def test_who_stands_elsewhere_hears_it_on_the_channel(self) -> None:
        self.char1.location = self.room2
        self.assertEqual(self.heard_of("reminder"), (0, 1))

    def test_who_wants_all_hears_it_in_both(self) -> None:
        choose(self.account, "all")
        self.assertEqual(self.heard_of("reminder"), (1, 1))

    def test_who_wants_quiet_hears_only_that_somebody_fell_or_is_back(self) -> None:
        choose(self.account, "quiet")
        self.assertEqual([self.heard_of(kind) for kind in ("problem", "recovery")], [(1, 0)] * 2)
        for kind in ("reminder", "acknowledged", "notice"):
            self.assertEqual(self.heard_of(kind), (0, 0), kind)

    def test_a_hundred_deaths_on_ten_hosts_are_one_line_for_who_wants_it_quiet(self) -> None:
        choose(self.account, "quiet")
        subjects = [subject(f"a{number}", f"h{number % 10}") for number in range(99)]
        for kind in ("problem", "recovery"):
            self.watch.call(
                "tower_alert",
                **alert(
                    kind, kind=kind, subjects=[*subjects, subject("bezalel")], text="100 agents"
                ),
            )
        self.assertEqual((len(self.heard[self.char1]), len(self.heard[self.account])), (2, 0))

    def test_a_level_that_nobody_knows_counts_as_the_usual_one_and_can_not_be_chosen(self) -> None:
        self.account.attributes.add("towerwatch_verbosity", {"odd": 1})
        self.assertEqual(level_of(self.account), "normal")
        with self.assertRaises(ValueError):
            choose(self.account, "loud")


class Choosing(TypingTest):
    """`verbosity`."""

    def test_it_says_what_one_hears_and_changes_it_by_the_beginning_of_a_word(self) -> None:
        self.assertIn("You hear normal", self.plain("verbosity"))
        for level in LEVELS:
            self.assertIn(f"You hear {level}", self.plain(f"verbosity {level[0]}"))
            self.assertEqual(level_of(self.account), level)
        self.assertIn("You hear all", self.plain("tower/verbosity"))

    def test_what_it_does_not_know_changes_nothing(self) -> None:
        for odd in ("loud", "|rall", "a l l", "x" * 500):
            self.assertIn("Say which", self.plain(f"verbosity {odd}"))
        self.assertEqual(level_of(self.account), "normal")

    def test_out_of_character_it_works_too(self) -> None:
        self.out_of_character()
        self.assertIn("You hear quiet", self.plain("verbosity quiet"))

    def plain(self, line: str) -> str:
        """The answer without its colours."""
        return self.type(line).replace("|w", "").replace("|n", "")
