"""A set of the history is whole or not shown at all."""

import unittest

from evennia_towerwatch.history import Histories
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.histories import agent_history, history, past_incident


class HistoriesTest(unittest.TestCase):
    """Parts come in any order, twice, or not at all."""

    def setUp(self) -> None:
        """Nothing has been told."""
        self.histories = Histories()

    def test_the_messages_of_these_tests_are_valid_on_the_wire(self) -> None:
        message = history([agent_history("ezra", [1, 2, 3])], incidents=[past_incident(1)])
        self.assertIsNone(load_protocol().watch["tower_history"](message, ""))

    def test_one_part_that_is_all_is_shown_at_once(self) -> None:
        self.assertIsNone(
            self.histories.part(history([agent_history("ezra", [86_400, 43_200, 0])]))
        )
        ezra = self.histories.latest.agents["ezra"]
        self.assertAlmostEqual(ezra.availability(), 0.5)
        self.assertEqual([ezra.availability_of(day) for day in range(3)], [1.0, 0.5, 0.0])

    def test_a_set_is_shown_when_its_last_part_has_come_in_any_order(self) -> None:
        second = history([agent_history("timmy", [1, 2, 3])], part=2, parts=2)
        first = history([agent_history("ezra", [1, 2, 3])], parts=2, incidents=[past_incident(4)])
        self.histories.part(second)
        self.histories.part(second)
        self.assertIsNone(self.histories.latest)
        self.histories.part(first)
        self.assertEqual(set(self.histories.latest.agents), {"ezra", "timmy"})
        self.assertEqual([one.number for one in self.histories.latest.incidents], [4])

    def test_a_part_of_another_set_forgets_those_before_and_keeps_what_is_shown(self) -> None:
        self.histories.part(history([agent_history("ezra", [1, 2, 3])]))
        self.histories.part(history([agent_history("lost", [1, 2, 3])], history="h2", parts=2))
        self.histories.part(history([agent_history("timmy", [1, 2, 3])], history="h3"))
        self.assertEqual(set(self.histories.latest.agents), {"timmy"})

    def test_lists_that_do_not_belong_together_are_refused_in_a_sentence(self) -> None:
        for wrong in (
            history([agent_history("ezra", [1, 2])]),
            history([], days=0),
            history([], fleet={**history([])["fleet"], "up": [1.0]}),
            history([], part=3, parts=2),
            history([], part=1, parts=5_000),
        ):
            self.assertIn("tower_history", self.histories.part(wrong))
        self.assertIsNone(self.histories.latest)

    def test_a_day_of_which_nothing_was_seen_has_no_share(self) -> None:
        unseen = agent_history("ezra", [0], downS=[0], unknownS=[86_400])
        self.histories.part(history([unseen], days=1))
        ezra = self.histories.latest.agents["ezra"]
        self.assertIsNone(ezra.availability_of(0))
        self.assertIsNone(ezra.availability())
