"""The last 30 days, as the page shows them."""

import json
import unittest

from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.history import Histories
from evennia_towerwatch.tests.histories import agent_history, history, past_incident
from evennia_towerwatch.tests.messages import agent_view, host_view
from evennia_towerwatch.tests.pure.test_page import told
from evennia_towerwatch.web.data import data_of
from evennia_towerwatch.web.days import LANES, budget_by_day, over
from evennia_towerwatch.web.page import Told, page_of

DAY_MS = 86_400_000


def days_of(moment: Told) -> dict:
    """What the page shows of the history."""
    return page_of(moment, 1)["history"]


class PlotsTest(unittest.TestCase):
    """Three plots over the days, each with its words."""

    def test_each_plot_says_in_words_what_it_draws(self) -> None:
        uptime, capacity, budget = days_of(told([agent_view("ezra")]))["plots"]
        self.assertEqual((uptime["value"], uptime["asked"]), ("94.9 %", "95 %"))
        self.assertEqual(uptime["summary"], "3 of 3 days seen at 95 % or more")
        self.assertEqual((capacity["value"], capacity["asked"]), ("61 %", "60 %"))
        self.assertEqual(capacity["summary"], "0 of 3 days seen above 60 %; from 50 % to 50 %")
        self.assertEqual((budget["value"], budget["asked"]), ("1.38 %", "all of it"))
        self.assertEqual(budget["summary"], "1.38 % used at the end")

    def test_the_budget_ends_where_the_watch_says_it_is_and_grows_by_what_was_lost(self) -> None:
        agents = [
            agent_history("a", [86_400, 85_400, 86_400]),
            agent_history("b", [86_000, 86_400, 84_400]),
        ]
        fleet = {"budget": {"totalS": 10_000, "usedS": 3_400}}
        moment = past(agents, **fleet)
        self.assertEqual(budget_by_day(moment.history), [0.04, 0.14, 0.34])

    def test_who_overspends_his_budget_is_told_when(self) -> None:
        agents = [agent_history("a", [86_400, 80_000, 80_000])]
        fleet = {"budget": {"totalS": 10_000, "usedS": 12_800}}
        shown = days_of(past(agents, **fleet))
        plot = shown["plots"][2]
        self.assertEqual(set(plot["paths"]), {"spent-part", "bad"})
        self.assertEqual(plot["summary"], "128 % used at the end; all of it was used on 2026-11-03")
        self.assertTrue(shown["budget"]["spent"])
        self.assertIn("too much", shown["budget"]["left"])

    def test_without_a_budget_nothing_is_divided_by_it(self) -> None:
        fleet = {"budget": {"totalS": 0, "usedS": 0}}
        shown = days_of(past([agent_history("a", [1, 2, 3])], **fleet))
        self.assertEqual(shown["plots"][2]["summary"], "There is no budget.")

    def test_days_that_nobody_saw_are_flat_and_said(self) -> None:
        fleet = {"up": [-1, -1, -1], "busy": [-1, -1, -1]}
        shown = days_of(past([], **fleet))
        self.assertEqual(set(shown["plots"][0]["paths"]), {"none"})
        self.assertEqual(shown["plots"][0]["summary"], "Nothing was seen in 30 days.")
        self.assertEqual(shown["plots"][1]["summary"], "0 of 0 days seen above 60 %")
        self.assertEqual([one["up"] for one in shown["days"]], ["-"] * 3)

    def test_a_gauge_is_full_only_where_its_requirement_is_met(self) -> None:
        requirements = [
            {"name": "uptime_30d_percent", "value": 94.999, "target": 95, "met": False},
            {"name": "<b>|rodd", "value": 5, "target": 0, "met": True},
        ]
        fleet = {"requirements": requirements}
        first, second = days_of(past([], **fleet))["requirements"]
        self.assertEqual((first["reached"], second["reached"]), (99, 100))
        self.assertNotIn("<", second["name"])

    def test_only_more_than_all_is_too_much(self) -> None:
        self.assertEqual([over(None), over(1.0), over(1.01)], [False, False, True])


class LanesTest(unittest.TestCase):
    """Who had trouble when."""

    def lanes(self, incidents: list, agents: list | None = None) -> list[dict]:
        return days_of(told(agents or [], incidents=incidents))["lanes"]

    def test_who_lost_most_time_is_first_and_who_is_still_in_it_counts_to_now(self) -> None:
        now = 1_795_000_060_000
        lanes = self.lanes(
            [
                past_incident(1, durationMs=60_000),
                {
                    "number": 2,
                    "subject": {"kind": "host", "id": "ezra"},
                    "cause": "no connection",
                    "openedAt": now - 3_600_000,
                },
            ],
            [agent_view("ezra")],
        )
        self.assertEqual([lane["name"] for lane in lanes], ["host Ezra", "Ezra"])
        self.assertEqual(lanes[0]["summary"], "1 incident, 1 h in all")
        self.assertTrue(lanes[0]["path"].startswith("M598.0"), lanes[0]["path"])

    def test_of_many_the_last_lane_is_for_all_others(self) -> None:
        incidents = [
            past_incident(
                number, subject={"kind": "agent", "id": f"a{number}"}, durationMs=number * 1000
            )
            for number in range(1, 31)
        ]
        lanes = self.lanes(incidents)
        self.assertEqual(len(lanes), LANES)
        self.assertEqual(lanes[-1]["name"], f"{30 - LANES + 1} others")

    def test_what_ended_before_these_days_has_no_lane(self) -> None:
        self.assertEqual(
            self.lanes([past_incident(1, openedAt=1_795_000_060_000 - 31 * DAY_MS)]), []
        )

    def test_names_are_those_of_today_and_clean(self) -> None:
        (lane,) = self.lanes([past_incident(1)], [agent_view("ezra", name="<b>|rEz")])
        self.assertNotIn("<", lane["name"])
        (gone,) = self.lanes([past_incident(1)])
        self.assertEqual(gone["name"], "ezra")


class DataTest(unittest.TestCase):
    """The same for programs: numbers."""

    def test_it_is_json_with_numbers_and_nulls(self) -> None:
        agents = [agent_view("ezra"), agent_view("newcomer", state="new")]
        del agents[1]["beatAgeMs"]
        data = json.loads(json.dumps(data_of(told(agents, incidents=[past_incident(6)]), 1)))
        ezra, newcomer = data["agents"]
        self.assertEqual((ezra["beatAgeMs"], ezra["forMs"]), (6_000, 70_000))
        self.assertEqual(ezra["days"]["upS"], [86_400, 80_000, 40_000])
        self.assertIsNone(newcomer["beatAgeMs"])
        self.assertEqual(data["counts"], {"up": 1, "new": 1})
        self.assertEqual(data["history"]["up"], [1.0, 1.0, 1.0])
        self.assertEqual(data["history"]["incidents"][0]["durationMs"], 60_000)
        self.assertEqual(data["hosts"][0]["state"], "up")

    def test_without_the_watch_nobody_is_anything_but_unknown(self) -> None:
        data = data_of(told([agent_view("ezra", cause="x")], "gone", [host_view("ezra")]), 1)
        self.assertEqual((data["watched"], data["counts"]), (False, {"unknown": 1}))
        self.assertEqual(
            (data["agents"][0]["state"], data["agents"][0]["cause"]), ("unknown", None)
        )
        self.assertEqual(data["hosts"][0]["state"], "unknown")


def past(agents: list, **fleet: object) -> Told:
    """A history of these agents and of a fleet with this."""
    histories = Histories()
    usual = history([])["fleet"]
    assert histories.part(history(agents, fleet={**usual, **fleet})) is None
    return Told(Fleet(), histories.latest, None, 0, 1_795_000_060_000)
