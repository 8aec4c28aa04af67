"""What is typed behind an operation's name; the watch's tests run the same cases."""

import json
import random
import unittest
from pathlib import Path

from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot
from evennia_towerwatch.typed import Fault, parse

FILE = Path(__file__).resolve().parents[4] / "test" / "fixtures" / "arguments.json"
FIXTURES = json.loads(FILE.read_text("utf-8"))


def fleet() -> Fleet:
    """Those who can be named in the cases."""
    names, known = FIXTURES["names"], Fleet()
    agents = [agent_view(one, name=name) for one, name in names["agents"].items()]
    hosts = [host_view(one, name=name) for one, name in names["hosts"].items()]
    known.snapshot_part(snapshot(agents, hosts), 0)
    return known


class Cases(unittest.TestCase):
    """A line means the same here as in the shell."""

    def test_every_case_means_what_it_means_in_the_shell(self) -> None:
        known = fleet()
        self.assertGreater(len(FIXTURES["cases"]), 100)
        for case in FIXTURES["cases"]:
            with self.subTest(f"{case['operation']} {case['typed'][:60]}"):
                declared = FIXTURES["operations"][case["operation"]]
                found = parse(declared, case["typed"], known)
                if "arguments" in case:
                    self.assertEqual(found, case["arguments"])
                    continue
                self.assertIsInstance(found, Fault)
                self.assertEqual(found.kind, case["fault"])
                self.assertEqual(found.argument and found.argument["name"], case.get("argument"))
                if "names" in case:
                    self.assertEqual(found.names, case["names"])

    def test_every_example_of_the_help_is_understood(self) -> None:
        known = Fleet()
        agents = [agent_view(one) for one in ("bezalel", "ezra")]
        known.snapshot_part(snapshot(agents, [host_view("ezra")]), 0)
        for operation in load_protocol().operations:
            for example in operation["examples"]:
                typed = example[len(operation["name"]) :]
                self.assertIsInstance(parse(operation["arguments"], typed, known), dict, example)

    def test_while_no_fleet_is_mirrored_names_are_left_for_the_watch_to_judge(self) -> None:
        declared = FIXTURES["operations"]["silence"]
        found = parse(declared, "gandalf 2h reason", Fleet())
        self.assertEqual(found, {"subject": "gandalf", "duration": "2h", "reason": "reason"})
        self.assertEqual(parse(declared, "gandalf soon reason", Fleet()).kind, "wrong")


class Anything(unittest.TestCase):
    """Nothing that is typed makes it raise, and what it accepts can be sent."""

    def test_random_lines_are_understood_or_refused(self) -> None:
        chance, known = random.Random(7), fleet()
        words = [case["typed"] for case in FIXTURES["cases"]] + [
            "\ud800",
            "\x00",
            "\u202e",
            ":",
            "",
        ]
        check = load_protocol().tower["tower_request"]
        accepted = 0
        for _ in range(3000):
            parts = [
                part for _ in range(chance.randrange(4)) for part in chance.choice(words).split()
            ]
            chance.shuffle(parts)
            operation = chance.choice(load_operations())
            found = parse(operation["arguments"], " ".join(parts), known)
            if isinstance(found, Fault):
                continue
            accepted += 1
            request = {"v": 1, "id": "a", "operation": operation["name"], "arguments": found}
            actor = {"kind": "account", "id": "1", "name": "Ada"}
            self.assertIsNone(check({**request, "actor": actor, "deadlineMs": 1000}, "request"))
        self.assertGreater(accepted, 50)

    def test_a_huge_line_is_refused(self) -> None:
        known = fleet()
        lines = ("x" * 1_000_000, "ezra " * 100_000, f"12 {'9' * 100_000}h", "#" * 100_000)
        for line in lines:
            for declared in FIXTURES["operations"].values():
                self.assertIsInstance(parse(declared, line, known), Fault)


def load_operations() -> list[dict]:
    """As the plugin has them."""
    return load_protocol().operations
