"""What the fleet looks like."""

import re
import unittest

from evennia_towerwatch.appearance import (
    alert_line,
    duration,
    host_room_text,
    npc_name,
    npc_text,
    result_lines,
    watch_room_text,
)
from evennia_towerwatch.fleet import AGENT_STATES, Fleet
from evennia_towerwatch.fleet_table import fleet_lines
from evennia_towerwatch.layout import Screen, columns_of
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

MARKUP = re.compile(r"\|[a-zA-Z]")


def plain(text: str) -> str:
    """Without colours."""
    return MARKUP.sub("", text)


def fleet_of(agents: list[dict], hosts: list[dict]) -> Fleet:
    """A fleet told at time 0."""
    fleet = Fleet()
    fleet.snapshot_part(snapshot(agents, hosts), 0)
    return fleet


class Durations(unittest.TestCase):
    """In the two largest units."""

    def test_durations_are_said_in_two_units_at_most(self) -> None:
        said = {
            0: "0 s",
            999: "0 s",
            59_000: "59 s",
            60_000: "1 min",
            190_000: "3 min 10 s",
            3_600_000: "1 h",
            3_605_000: "1 h",
            187_200_000: "2 d 4 h",
        }
        for ms, text in said.items():
            self.assertEqual(duration(ms), text)


class Npc(unittest.TestCase):
    """An agent's body."""

    def test_the_name_says_the_state_in_a_word_and_in_a_colour(self) -> None:
        for state in AGENT_STATES:
            agent = fleet_of([agent_view("a", state=state)], []).agents["a"]
            self.assertEqual(plain(npc_name(agent, True)), f"A ({state})")
            self.assertRegex(npc_name(agent, True), rf"\|[a-zA-Z]{state}\|n")

    def test_all_that_an_operator_needs_is_there(self) -> None:
        agents = [
            agent_view(
                "bezalel",
                state="down",
                cause="process-gone",
                doing="sorting",
                busy=True,
                model="m-1",
                incident={"number": 7, "cause": "process-gone", "openedAt": 1},
            )
        ]
        fleet = fleet_of(agents, [host_view("ezra")])
        text = plain(npc_text(fleet.agents["bezalel"], fleet.hosts["ezra"], 4_000, True))
        for wanted in (
            "down for 1 min 9 s (process-gone)",
            "5 s ago, late (due every 2 s)",
            "busy: sorting",
            "Ezra (up)",
            "pane fleet:bezalel",
            "m-1",
            "#7 process-gone, open",
        ):
            self.assertIn(wanted, text)

    def test_it_fits_every_screen_and_is_told_in_sentences_where_it_is_read_aloud(self) -> None:
        agent = fleet_of([agent_view("a", doing="漢字 " * 40, place="p" * 110)], []).agents["a"]
        for width in (20, 40, 80, 132):
            text = npc_text(agent, None, 0, True, Screen(width))
            for line in text.split("\n"):
                self.assertLessEqual(columns_of(line), width, line)
            self.assertIn("p" * 110, "".join(line.strip() for line in text.split("\n")))
        aloud = plain(npc_text(agent, None, 0, True, Screen(40, reader=True)))
        self.assertIn("State: up for 1 min 5 s", aloud)
        self.assertNotIn("  ", aloud.replace("漢字 ", ""))

    def test_a_closed_incident_tells_how_long_it_was(self) -> None:
        incident = {"number": 7, "cause": "silent", "openedAt": 1, "durationMs": 90_000}
        agent = fleet_of([agent_view("a", incident=incident)], []).agents["a"]
        self.assertIn("#7 silent, closed after 1 min 30 s", plain(npc_text(agent, None, 0, True)))

    def test_an_open_incident_tells_who_looks_after_it_or_how_to_say_so(self) -> None:
        incident = {"number": 7, "cause": "no heartbeat", "openedAt": 1}
        agent = fleet_of([agent_view("a", incident=incident, flapping=True)], []).agents["a"]
        self.assertIn(
            "#7 no heartbeat, open, flapping (open until it is stable). "
            "To look after it, type: ack 7",
            plain(npc_text(agent, None, 0, True, Screen(132))),
        )
        incident["acknowledgedBy"] = "|rAda"
        agent = fleet_of([agent_view("a", incident=incident)], []).agents["a"]
        self.assertIn(
            "#7 no heartbeat, open, acknowledged by ¦rAda", plain(npc_text(agent, None, 0, True))
        )

    def test_maintenance_is_told_in_full_and_in_the_table(self) -> None:
        fleet = fleet_of([agent_view("a", maintenance="new {disk}")], [])
        agent = fleet.agents["a"]
        text = plain(npc_text(agent, None, 0, True))
        self.assertIn("in maintenance: new", text)
        self.assertNotIn("{", text)
        self.assertIn("in maintenance: new", plain(fleet_lines(fleet, 0, True, Screen(80))[1]))
        other = fleet_of([agent_view("a")], []).agents["a"]
        self.assertNotIn("maintenance", npc_text(other, None, 0, True))

    def test_without_the_watch_nobody_knows_and_what_was_last_heard_is_told_as_such(self) -> None:
        agent = fleet_of([agent_view("a")], []).agents["a"]
        self.assertEqual(plain(npc_name(agent, False)), "A (unknown)")
        self.assertIn("last heard: up", plain(npc_text(agent, None, 0, False)))

    def test_what_an_agent_writes_does_not_become_markup(self) -> None:
        agent = fleet_of(
            [agent_view("a", name="|rA", doing="|lcquit|ltx|le\nState: up", place="{x}")], []
        ).agents["a"]
        text = npc_name(agent, True) + npc_text(agent, None, 0, True)
        self.assertNotIn("|lc", text)
        self.assertNotIn("|rA", text)
        self.assertNotIn("\nState: up", text)
        self.assertNotIn("{", text)


class Rooms(unittest.TestCase):
    """The fleet at a glance."""

    def setUp(self) -> None:
        self.fleet = fleet_of(
            [agent_view("a"), agent_view("b", state="down"), agent_view("c", host="local")],
            [host_view("ezra"), host_view("local")],
        )

    def test_a_host_room_counts_who_is_up_and_who_is_down(self) -> None:
        agents = self.fleet.agents_on("ezra")
        text = plain(host_room_text(self.fleet.hosts["ezra"], agents, 0, True))
        self.assertEqual(text, "Host Ezra is up for 1 min 40 s: 1 up, 1 down.")

    def test_the_watch_room_has_a_line_per_host(self) -> None:
        lines = plain(watch_room_text(self.fleet, True)).splitlines()
        self.assertEqual(lines[0], "The fleet: 2 up, 1 down.")
        self.assertEqual(lines[1:], ["  Ezra (up): A (up), B (down)", "  Local (up): C (up)"])

    def test_before_any_snapshot_it_says_that_nothing_was_seen(self) -> None:
        self.assertIn("no fleet has been seen", watch_room_text(Fleet(), True))


class Table(unittest.TestCase):
    """`fleet`, on screens of every width."""

    def test_no_line_is_wider_than_the_screen(self) -> None:
        agents = [
            agent_view("code-claw", state="unreachable", cause="its host can't be seen"),
            agent_view("a" * 63, doing="日本語" * 40, place="p" * 120, beatAgeMs=1e12),
            agent_view("b", doing="|" * 200, host="nowhere-that-is-known"),
        ]
        fleet = fleet_of(agents, [host_view("ezra", name="A very long name of a host indeed")])
        for width in (20, 40, 60, 80, 132, 200):
            lines = fleet_lines(fleet, 0, True, Screen(width))
            for line in lines:
                self.assertLessEqual(columns_of(line), width, line)
            said = plain("".join(line.strip() for line in lines))
            for wanted in ("code-claw", "a" * 63, "unreachable"):
                self.assertIn(wanted, said)

    def test_state_and_age_are_there_at_every_width(self) -> None:
        fleet = fleet_of([agent_view("bezalel", state="down")], [host_view("ezra")])
        for width in (60, 80, 132):
            lines = [plain(line) for line in fleet_lines(fleet, 61_000, True, Screen(width))]
            self.assertRegex(lines[1], r"^bezalel +down +1 min 2 s")
            self.assertEqual(lines[-1], "1 agent: 1 down.")
        self.assertNotIn("Runs in", plain(fleet_lines(fleet, 0, True, Screen(80))[0]))
        self.assertIn("Runs in", plain(fleet_lines(fleet, 0, True, Screen(132))[0]))

    def test_on_a_narrow_screen_each_agent_is_a_record(self) -> None:
        view = agent_view("ezra", state="down", cause="its pane is dead")
        fleet = fleet_of([view, agent_view("timmy", beatAgeMs=None)], [host_view("ezra")])
        del fleet.agents["timmy"]
        lines = [plain(line) for line in fleet_lines(fleet, 1_000, True, Screen(40))]
        self.assertEqual(lines[0], "ezra  down")
        self.assertEqual(lines[1:3], ["  its pane is dead, beat 2 s ago,", "  on Ezra"])

    def test_columns_stand_under_each_other(self) -> None:
        fleet = fleet_of([agent_view("a"), agent_view("code-claw", state="unreachable")], [])
        lines = [plain(line) for line in fleet_lines(fleet, 0, True, Screen(80))]
        column = lines[0].index("Beat")
        self.assertEqual({line[column : column + 3] for line in lines[1:3]}, {"1 s"})

    def test_an_empty_fleet_is_a_sentence(self) -> None:
        self.assertEqual(len(fleet_lines(Fleet(), 0, True, Screen(80))), 1)


class Answers(unittest.TestCase):
    """What the watch answers."""

    def test_states_in_cells_are_coloured_and_words_in_sentences_are_not(self) -> None:
        lines = result_lines("health", "ok", ["ezra  up  disk 5 %", "it went down at noon"])
        self.assertEqual(lines, ["ezra  |gup|n  disk 5 %", "it went down at noon"])

    def test_what_became_wider_by_being_escaped_still_fits_the_screen(self) -> None:
        lines = result_lines("health", "ok", ["{} $ www.x " * 3], Screen(33))
        for line in lines:
            self.assertLessEqual(columns_of(line), 33)
        self.assertIn("\uff5b\uff5d", "".join(lines))

    def test_an_end_that_is_not_ok_is_said_first(self) -> None:
        for status in ("failed", "timeout", "refused"):
            lines = result_lines("restart", status, ["why"])
            self.assertEqual([plain(line) for line in lines], [f"restart: {status}", "why"])

    def test_an_end_without_words_is_still_said(self) -> None:
        self.assertEqual(result_lines("restart", "ok", []), ["restart: done"])
        self.assertEqual(result_lines("restart", "running", []), [])

    def test_an_alert_keeps_its_exact_text_inside_its_colour(self) -> None:
        self.assertEqual(alert_line("problem", "ezra down: x"), "|rezra down: x|n")
        self.assertEqual(alert_line("recovery", "ezra back up"), "|gezra back up|n")
        self.assertEqual(alert_line("notice", "hello"), "hello")

    def test_an_alert_ends_with_the_numbers_that_its_text_does_not_name(self) -> None:
        def said(kind: str, text: str, *numbers: int) -> str:
            return plain(alert_line(kind, text, numbers))

        self.assertEqual(said("problem", "ezra is down.", 12), "ezra is down. (incident #12)")
        self.assertEqual(said("problem", "ezra is down (#12)", 12), "ezra is down (#12)")
        text = "ezra is still down. Type: ack 12"
        self.assertEqual(said("reminder", text, 12), text)
        self.assertEqual(said("reminder", "down: #123", 12), "down: #123 (incident #12)")
        self.assertEqual(said("problem", "2 are down", 1, 2), "2 are down (incidents #1, #2)")
        numbers = " (incidents #1, #2, #3 and 6 more)"
        self.assertEqual(said("problem", "9 are down", *range(1, 10)), f"9 are down{numbers}")
        self.assertTrue(said("problem", "x" * 400, 12).endswith("x (incident #12)"))
        for kind in ("recovery", "acknowledged"):
            self.assertEqual(said(kind, "so it is", 12), "so it is (incident #12)")
        self.assertEqual(said("notice", "so it is", 12), "so it is")
