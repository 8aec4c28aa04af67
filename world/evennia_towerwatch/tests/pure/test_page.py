"""What the page shows, without a game and without a browser."""

import re
import unittest

from evennia_towerwatch.fleet import AGENT_STATES, Fleet
from evennia_towerwatch.history import Histories
from evennia_towerwatch.tests.histories import agent_history, history, past_incident
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot
from evennia_towerwatch.web import charts
from evennia_towerwatch.web.data import data_of
from evennia_towerwatch.web.page import SIGNS, Told, page_of
from evennia_towerwatch.web.words import floor, moment, percent, some


def told(
    agents: list, problem: str | None = None, hosts: list | None = None, **more: object
) -> Told:
    """A fleet of these agents, with a history."""
    fleet, histories = Fleet(), Histories()
    fleet.snapshot_part(snapshot(agents, [host_view("ezra")] if hosts is None else hosts), 0)
    days = [agent_history(agent["id"], [86_400, 80_000, 40_000]) for agent in agents]
    histories.part(history(days, **more))
    return Told(fleet, histories.latest, problem, 5_000, 1_795_000_060_000)


class PageTest(unittest.TestCase):
    """The data of a page."""

    def test_says_of_each_agent_how_it_is_and_how_its_days_were(self) -> None:
        page = page_of(told([agent_view("ezra", state="down", cause="its pane is dead")]), 1)
        (agent,) = page["agents"]
        self.assertEqual((agent["state"], agent["sign"]), ("down", "✕"))
        self.assertEqual(agent["for"], "1 min 10 s")
        self.assertEqual(agent["notes"], ["its pane is dead"])
        self.assertEqual(agent["days"]["up"], "79.62 %")
        self.assertIn("1 of 3 days", agent["days"]["summary"])
        self.assertIn("the worst was 2026-11-03", agent["days"]["summary"])
        self.assertEqual(set(agent["days"]["bars"]), {"good", "fair", "bad"})

    def test_calls_everybody_unknown_while_the_watch_is_not_there(self) -> None:
        page = page_of(told([agent_view("ezra")], "The watch is not connected."), 1)
        self.assertEqual(page["agents"][0]["state"], "unknown")
        self.assertEqual([one["state"] for one in page["counts"]["states"]], ["unknown"])
        self.assertEqual([one["state"] for one in page["hosts"]["states"]], ["unknown"])
        self.assertEqual(page["troubles"], {"shown": [], "more": 0})
        self.assertEqual(page["problem"], "The watch is not connected.")

    def test_has_a_hundred_agents_a_page_and_no_page_beyond_the_last(self) -> None:
        everybody = told([agent_view(f"a{number:03}") for number in range(101)])
        self.assertEqual(len(page_of(everybody, 1)["agents"]), 100)
        self.assertEqual([one["id"] for one in page_of(everybody, 2)["agents"]], ["a100"])
        self.assertEqual(page_of(everybody, 999)["page"], 2)
        self.assertEqual(page_of(everybody, 0)["page"], 1)
        self.assertEqual(page_of(everybody, 1)["total"], 101)

    def test_cleans_what_others_wrote(self) -> None:
        page = page_of(
            told(
                [agent_view("ezra", name="|rEzra", doing="<script>\n", cause="\x1b[2J|lcquit")],
                incidents=[past_incident(1, cause="|lcx|lt", acknowledgedBy="\u202eada")],
            ),
            1,
        )
        data = data_of(told([agent_view("ezra", name="|rEzra", doing="<script>\n")]), 1)
        text = repr(page) + repr(data)
        for sign in ("|", "<script", "\\x1b", "\\u202e"):
            self.assertNotIn(sign, text)

    def test_never_rounds_a_requirement_up_to_where_it_looks_met(self) -> None:
        uptime = page_of(told([agent_view("ezra")]), 1)["history"]["requirements"][0]
        self.assertEqual((uptime["value"], uptime["met"]), ("94.9 %", False))

    def test_shows_the_last_incidents_and_says_how_many_more_there_are(self) -> None:
        many = [past_incident(number) for number in range(50, 0, -1)]
        shown = page_of(told([agent_view("ezra")], incidents=many), 1)["history"]
        self.assertEqual((len(shown["incidents"]), shown["more"]), (30, 20))
        self.assertEqual(shown["incidents"][0]["number"], 50)
        self.assertEqual(shown["incidents"][0]["lasted"], "1 min")

    def test_says_in_sentences_who_needs_somebody_the_hosts_first(self) -> None:
        incident = {"number": 7, "cause": "its pane is dead", "openedAt": 1}
        page = page_of(
            told(
                [
                    agent_view("ezra", state="down", cause="its pane is dead", incident=incident),
                    agent_view(
                        "allegro", state="down", incident={**incident, "acknowledgedBy": "ada"}
                    ),
                    agent_view("gemini", "gpu", state="unreachable"),
                    agent_view("timmy"),
                ],
                hosts=[host_view("ezra"), host_view("gpu", state="unreachable")],
            ),
            1,
        )
        said = [f"{one['who']} {one['text']}" for one in page["troubles"]["shown"]]
        self.assertEqual(
            said,
            [
                "Host Gpu unreachable for 1 min 45 s; nobody can see Gemini",
                "Allegro down for 1 min 10 s (incident #7, ada looks after it)",
                "Ezra down for 1 min 10 s: its pane is dead"
                " (incident #7, nobody looks after it yet)",
            ],
        )

    def test_of_many_troubles_it_names_some_and_counts_the_others(self) -> None:
        fallen = [agent_view(f"a{number:02}", state="down") for number in range(33)]
        shown = page_of(told(fallen), 1)["troubles"]
        self.assertEqual((len(shown["shown"]), shown["more"]), (20, 13))

    def test_every_state_has_a_sign_of_its_own(self) -> None:
        self.assertEqual(set(SIGNS), set(AGENT_STATES))
        self.assertEqual(len(set(SIGNS.values())), len(AGENT_STATES))

    def test_shows_a_name_as_it_is_and_the_number_of_what_is_open(self) -> None:
        open_incident = {"number": 7, "cause": "x", "openedAt": 1}
        (agent,) = page_of(
            told(
                [
                    agent_view(
                        "ezra",
                        busy=True,
                        doing="sorting",
                        incident=open_incident,
                        flapping=True,
                        maintenance="a new disk",
                    )
                ]
            ),
            1,
        )["agents"]
        self.assertEqual(agent["doing"], "busy: sorting")
        self.assertEqual(
            agent["notes"],
            ["incident #7", "flapping: up and down all the time", "in maintenance: a new disk"],
        )

    def test_does_without_a_history(self) -> None:
        empty = Told(Fleet(), None, None, 0, 0)
        page = page_of(empty, 1)
        self.assertIsNone(page["history"])
        self.assertEqual((page["agents"], page["pages"]), ([], 1))


class ChartsTest(unittest.TestCase):
    """Paths that a browser draws and a page can carry."""

    def test_bars_say_by_height_what_they_say_by_colour(self) -> None:
        paths = charts.bars([1.0, 0.9, 0.1, None], 0.95)
        self.assertEqual(
            paths,
            {"good": "M3 20v-20", "fair": "M11 20v-18", "bad": "M19 20v-3", "none": "M27 20v-2"},
        )
        self.assertEqual(charts.bars_width(4), 30)

    def test_columns_stay_in_their_box_whatever_the_axis(self) -> None:
        kinds = ["a", "b", "a", "none"]
        paths = charts.columns([0.5, 3.0, 0.9, None], kinds, (0.8, 1.0), 100)
        self.assertEqual(
            paths, {"none": "M27 100v-2", "a": "M3 100v-3M19 100v-50", "b": "M11 100v-100"}
        )

    def test_an_axis_begins_where_what_is_shown_and_what_is_asked_for_can_be_told_apart(
        self,
    ) -> None:
        self.assertEqual(charts.low_of([0.99, None, 1.0], 0.95), 0.9)
        self.assertEqual(charts.low_of([0.85], 0.95), 0.8)
        self.assertEqual(charts.low_of([0.6], 0.95), 0.5)
        self.assertEqual(charts.low_of([0.1], 0.95), 0.0)
        self.assertEqual(charts.low_of([], 0.91), 0.8)

    def test_a_short_incident_is_still_to_be_seen_and_one_outside_is_not(self) -> None:
        self.assertEqual(charts.spans([(50, 51)], 0, 1000, 600, 16), "M30.0 0h2.0v16h-2.0z")
        self.assertEqual(charts.spans([(-9, -5), (2000, 3000)], 0, 1000, 600, 16), "")
        self.assertEqual(charts.spans([(-500, 5000)], 0, 1000, 600, 16), "M0.0 0h600.0v16h-600.0z")
        self.assertEqual(charts.spans([(1000, 1000)], 0, 1000, 600, 16), "")

    def test_paths_hold_nothing_but_letters_and_numbers(self) -> None:
        everything = "".join(charts.bars([0.123, None, 1, 0], 0.95).values())
        everything += charts.spans([(1, 2)], 0, 10, 600, 16)
        self.assertIsNone(re.search(r"[^Mhvz0-9. -]", everything))


class WordsTest(unittest.TestCase):
    """Numbers as people read them."""

    def test_a_share_is_never_rounded_up(self) -> None:
        self.assertEqual(percent(0.99999), "99.99 %")
        self.assertEqual(percent(1.0), "100 %")
        self.assertEqual(percent(None), "-")

    def test_a_value_that_misses_its_target_never_looks_as_if_it_had_reached_it(self) -> None:
        self.assertEqual((floor(94.97), floor(29.0), floor(0.3)), ("94.9", "29", "0.3"))

    def test_of_many_names_some_are_said(self) -> None:
        self.assertEqual(some(["a", "b"], 2), "a, b")
        self.assertEqual(some(["a", "b", "c"], 2), "a, b and 1 more")

    def test_a_moment_is_told_in_utc_and_no_number_breaks_it(self) -> None:
        self.assertEqual(moment(0), "1970-01-01 00:00 UTC")
        self.assertTrue(moment(1e14).endswith("UTC"))
