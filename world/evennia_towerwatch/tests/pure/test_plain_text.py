"""A transcript without its colours loses nothing: what is shown is said in words, too."""

import itertools
import random
import re
import unittest
from collections.abc import Callable, Iterable
from typing import Any

from evennia_towerwatch.appearance import (
    alert_line,
    counts,
    host_room_text,
    npc_name,
    npc_text,
    result_lines,
    watch_room_text,
)
from evennia_towerwatch.bodies import fleet_sentences, light, posture
from evennia_towerwatch.escape import escape
from evennia_towerwatch.fleet import AGENT_STATES, HOST_STATES, Fleet
from evennia_towerwatch.fleet_table import fleet_lines
from evennia_towerwatch.layout import Screen
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

SCREENS = [Screen(20), Screen(40), Screen(80), Screen(132), Screen(80, reader=True)]

MARKUP = re.compile(r"\|[a-zA-Z]")
# A colour, what is in it, and its end.
COLOURED = re.compile(r"\|[a-mo-zA-Z]([^|]*)")


def plain(text: str) -> str:
    """As somebody reads it who sees no colours, or hears it."""
    return MARKUP.sub("", text)


def fleet_of(agents: Iterable[dict], hosts: Iterable[dict] = ()) -> Fleet:
    """Told at time 0."""
    fleet = Fleet()
    fleet.snapshot_part(snapshot(list(agents), list(hosts)), 0)
    return fleet


def one_agent(**more: Any) -> Fleet:
    """A fleet of one on a host that is up."""
    return fleet_of([agent_view("bob", **more)], [host_view("ezra")])


def look(fleet: Fleet, watched: bool = True) -> str:
    """`look bob`."""
    agent = fleet.agents["bob"]
    return npc_text(agent, fleet.hosts.get("ezra"), 0, watched)


def room(fleet: Fleet, watched: bool = True) -> str:
    """What the room of a host adds to its description."""
    host = fleet.hosts["ezra"]
    agents = fleet.agents_on("ezra")
    bodies = [posture(agent, 0, watched) for agent in agents]
    return "\n".join([light(host, 0, watched), host_room_text(host, agents, 0, watched), *bodies])


AGENT_VIEWS: dict[str, Callable[[Fleet, bool], str]] = {
    "the name": lambda fleet, watched: npc_name(fleet.agents["bob"], watched),
    "look": look,
    "the body": lambda fleet, watched: posture(fleet.agents["bob"], 0, watched),
    "counts": lambda fleet, watched: counts(fleet.agents.values(), watched),
    "the room of its host": room,
    "the Watch Room": watch_room_text,
    "read aloud": lambda fleet, watched: "\n".join(fleet_sentences(fleet, 0, watched)),
    **{
        f"fleet on {screen}": lambda fleet, watched, screen=screen: "\n".join(
            fleet_lines(fleet, 0, watched, screen)
        )
        for screen in SCREENS
    },
}
# A body is not named by its state, it lies, stands or can't be seen.
WORDLESS = {"the body"}


class StatesTest(unittest.TestCase):
    """Whoever sees no colour knows the state all the same."""

    def assert_all_differ(self, said: dict[Any, str], where: str) -> None:
        """No two of them read the same."""
        for (one, first), (other, second) in itertools.combinations(said.items(), 2):
            self.assertNotEqual(first, second, f"{where}: {one} reads like {other}")

    def test_no_two_states_of_an_agent_read_the_same_anywhere(self) -> None:
        for where, view in AGENT_VIEWS.items():
            said = {state: plain(view(one_agent(state=state), True)) for state in AGENT_STATES}
            self.assert_all_differ(said, where)
            if where not in WORDLESS:
                for state, text in said.items():
                    self.assertRegex(text, rf"\b{state}\b", where)

    def test_without_the_watch_everything_is_said_to_be_unknown(self) -> None:
        for (where, view), state in itertools.product(AGENT_VIEWS.items(), AGENT_STATES):
            text = plain(view(one_agent(state=state), False))
            self.assertRegex(text, r"\bunknown\b|nobody knows", where)
            if "last heard" not in text and state != "unknown":
                self.assertNotRegex(text, rf"\bBob \({state}\)|\b1 {state}\b", where)

    def test_no_two_states_of_a_host_read_the_same(self) -> None:
        for where, view in (("its room", room), ("the Watch Room", watch_room_text)):
            said = {
                state: plain(view(fleet_of([], [host_view("ezra", state=state)]), True))
                for state in HOST_STATES
            }
            self.assert_all_differ(said, where)
            for state, text in said.items():
                self.assertRegex(text, rf"\b{state}\b", where)

    def test_freshness_work_pauses_and_incidents_are_words_too(self) -> None:
        incident = {"number": 7, "cause": "no heartbeat", "openedAt": 1}
        ways: dict[str, dict[str, Any]] = {
            "fresh": {"beatAgeMs": 1_000},
            "late": {"beatAgeMs": 3_000},
            "stale": {"beatAgeMs": 9_000_000},
            "busy": {"busy": True},
            "idle": {"busy": False},
            "in maintenance": {"maintenance": "a new disk"},
            "open": {"incident": incident},
            "flapping": {"incident": incident, "flapping": True},
            "acknowledged by ada": {"incident": {**incident, "acknowledgedBy": "ada"}},
            "closed after 1 min": {"incident": {**incident, "durationMs": 60_000}},
        }
        said = {word: plain(look(one_agent(**way))) for word, way in ways.items()}
        for word, text in said.items():
            self.assertIn(word, text)
        del said["fresh"]
        self.assert_all_differ(said, "look")

    def test_ends_of_what_was_asked_for_are_words_too(self) -> None:
        statuses = ("ok", "failed", "timeout", "refused", "waiting")
        said = {
            status: plain("\n".join(result_lines("restart", status, ["a", "b"])))
            for status in statuses
        }
        self.assert_all_differ(said, "an answer")

    def test_an_alert_is_the_same_text_with_and_without_its_colour(self) -> None:
        for kind in ("problem", "recovery", "reminder", "acknowledged", "notice"):
            self.assertTrue(plain(alert_line(kind, "bob is well", [])) == "bob is well", kind)

    def test_a_colour_never_stands_on_nothing(self) -> None:
        for (where, view), state in itertools.product(AGENT_VIEWS.items(), AGENT_STATES):
            for part in COLOURED.findall(view(one_agent(state=state), True)):
                self.assertRegex(part, r"\w", where)

    def test_whatever_else_is_known_of_two_agents_their_states_can_be_told_apart(self) -> None:
        chance = random.Random(7)
        for _ in range(300):
            more: dict[str, Any] = {
                "beatAgeMs": chance.choice([0, 3_000, 9e9]),
                "busy": chance.choice([True, False]),
                "doing": chance.choice(["", "down", "|rup|n", "unknown " * 20, "é漢"]),
                "cause": chance.choice(["up", "no heartbeat", "is late"]),
                "name": chance.choice(["Bob", "Bob (up)", "up", "漢字", "|gup"]),
                "flapping": chance.choice([True, False]),
            }
            if chance.random() < 0.5:
                more["maintenance"] = chance.choice(["up", "a disk"])
            one, other = chance.sample(AGENT_STATES, 2)
            for where, view in AGENT_VIEWS.items():
                self.assertNotEqual(
                    plain(view(one_agent(state=one, **more), True)),
                    plain(view(one_agent(state=other, **more), True)),
                    f"{where}: {one}, {other}, {more}",
                )


class ReadAloudTest(unittest.TestCase):
    """Sentences: no columns, no drawing, nothing that has to be seen."""

    def test_sentences_have_no_columns_and_lose_nothing_of_the_table(self) -> None:
        agents = [
            agent_view("bob", state="down", cause="its pane is dead", maintenance="a new disk"),
            agent_view("ann", doing="sorting", busy=True),
        ]
        fleet = fleet_of(agents, [host_view("ezra", name="VPS Ezra")])
        spoken = plain("\n".join(fleet_lines(fleet, 0, True, Screen(80, reader=True))))
        for word in ("Bob", "down", "its pane is dead", "a new disk", "sorting", "VPS Ezra"):
            self.assertIn(word, spoken)
        self.assertNotRegex(spoken, r"  |[-=+_]{3}|\t")
        for line in spoken.splitlines():
            self.assertTrue(line.endswith("."), line)

    def test_one_agent_is_not_said_to_be_many(self) -> None:
        self.assertTrue(fleet_sentences(one_agent(), 0, True)[0].startswith("1 agent: "))

    def test_what_others_wrote_is_said_without_the_signs_of_markup(self) -> None:
        text = "\n".join(fleet_sentences(one_agent(doing="|lcquit|lt{x}", name="|rBob"), 0, True))
        self.assertNotIn("{", text)
        self.assertEqual(escape("|lc"), "¦lc")
        self.assertNotIn("|lc", text)
