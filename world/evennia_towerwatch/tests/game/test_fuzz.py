"""50,000 frames of rubbish."""

import copy
import random
from typing import Any
from unittest.mock import patch

from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.tests.game.support import FakeSession, TowerTest, hello
from evennia_towerwatch.tests.game.test_receive import alert, state
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

FRAMES = 50_000
VALUES = [
    None, True, False, 0, 1, -1, 2**53, 10**400, 1.5, float("nan"), float("inf"), "", "x", "a\n",
    "x" * 5000, "\ud800", "|lcquit|ltx|le", "{0}", [], [[]], {}, {"a": 1}, [None] * 1001, "bezalel",
]  # fmt: skip
# What each valid message may be answered with; a state is answered with nothing.
ANSWERS = {"tower_welcome", "tower_ack", "tower_pong", "tower_error"}


class Fuzz(TowerTest):
    """Nothing raises, and every frame that is not valid is answered by an error."""

    def seeds(self) -> dict[str, list[dict[str, Any]]]:
        incident = {"number": 1, "cause": "silent", "openedAt": 1, "durationMs": 2}
        full = agent_view("bezalel", "bezalel", incident=incident, busy=True, doing="x", model="m")
        return {
            "tower_hello": [hello()],
            "tower_snapshot": [{"v": 1, "boot": BRIDGE.boot, **snapshot([full], [host_view("b")])}],
            "tower_state": [state(3), {**state(4), "agents": [full]}],
            "tower_alert": [alert("a1"), alert("a2", host="local", incident=3)],
            "tower_result": [
                {
                    "v": 1,
                    "id": "r1",
                    "operation": "restart",
                    "status": status,
                    "actor": {"kind": "account", "id": str(self.account.id), "name": "x"},
                    "lines": ["a", "b"],
                }
                for status in ("running", "ok")
            ],
            "tower_ping": [{"v": 1, "id": "p1"}],
        }

    def test_fifty_thousand_random_and_mutated_frames_are_answered_or_ignored_by_rule(self) -> None:
        chance = random.Random(7)
        seeds = self.seeds()
        names = sorted(seeds)
        sessions = [self.bridge_session(), self.session_of(None), self.session_of(self.account2)]
        valid = 0
        # What valid frames do is tested elsewhere; here they would only cost time.
        with (
            patch("evennia_towerwatch.receive.build.follow"),
            patch(
                "evennia_towerwatch.receive.tell", lambda _alert, _fleet, _later, done: done(None)
            ),
            patch("evennia_towerwatch.receive.answers.show"),
            patch("evennia_towerwatch.receive.logger.log_trace") as traces,
        ):
            for _ in range(FRAMES):
                name = chance.choice(names)
                session = chance.choices(sessions, weights=[8, 1, 1])[0]
                args, message = self.frame(chance, seeds, name)
                valid += self.one(session, name, args, message)
        self.assertEqual(traces.call_args_list, [])
        self.assertGreater(valid, FRAMES // 50, "too few valid frames to say anything")
        self.assertLess(valid, FRAMES // 2)

    def one(self, session: FakeSession, name: str, args: tuple, message: dict) -> bool:
        session.sent.clear()
        answers = session.call(name, *args, **message)
        fault = BRIDGE.protocol.watch[name](message, name)
        may = session.account is not None and "tower_bridge" in session.account.permissions.all()
        for answer, data in answers:
            self.assertIn(answer, ANSWERS)
            self.assertIsNone(BRIDGE.protocol.tower[answer](data, answer))
        self.assertLessEqual(len(answers), 1)
        if args or fault or not may:
            self.assertEqual([answer for answer, _ in answers], ["tower_error"], (name, message))
        elif not answers:
            self.assertIn(name, ("tower_state", "tower_result"))
        return not (args or fault or not may)

    def frame(
        self, chance: random.Random, seeds: dict[str, list[dict]], name: str
    ) -> tuple[tuple, dict]:
        kind = chance.random()
        if kind < 0.05:
            return (self.value(chance),), {}
        if kind < 0.15:
            keys = chance.choices(["v", "id", "boot", "x", "agents", "part", "", "a b"], k=3)
            return (), {key: self.value(chance) for key in keys}
        message = copy.deepcopy(chance.choice(seeds[name]))
        for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
            self.mutate(chance, message)
        return (), message

    def value(self, chance: random.Random) -> Any:
        return copy.deepcopy(chance.choice(VALUES))

    def mutate(self, chance: random.Random, message: dict) -> None:
        """Change one place, at any depth."""
        places: list[tuple[Any, Any]] = []

        def walk(inner: Any) -> None:
            pairs = inner.items() if isinstance(inner, dict) else enumerate(inner)
            for key, value in pairs:
                places.append((inner, key))
                if isinstance(value, dict | list):
                    walk(value)

        walk(message)
        if not places:
            return
        inner, key = chance.choice(places)
        change = chance.random()
        if change < 0.5:
            inner[key] = self.value(chance)
        elif change < 0.7:
            del inner[key]
        elif change < 0.85 and isinstance(inner, dict):
            inner[chance.choice(["extra", "id", "state", "é", "0"])] = self.value(chance)
        elif isinstance(inner[key], str):
            inner[key] = inner[key][: chance.randint(0, 3)] + chance.choice(["\n", "é", "|", ""])
        elif isinstance(inner[key], int | float):
            inner[key] = inner[key] * chance.choice([-1, 10**30, 2])
