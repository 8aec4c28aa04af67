"""The mirrored fleet."""

import re
import unittest

from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot


class Snapshots(unittest.TestCase):
    """A fleet is replaced as a whole."""

    def test_a_snapshot_of_one_part_replaces_all(self) -> None:
        fleet = Fleet()
        fleet.change({"agents": [agent_view("old")], "hosts": []}, 0)
        self.assertFalse(fleet.complete)
        self.assertTrue(fleet.snapshot_part(snapshot([agent_view("new")], [host_view("ezra")]), 0))
        self.assertEqual((list(fleet.agents), list(fleet.hosts)), (["new"], ["ezra"]))
        self.assertTrue(fleet.complete)

    def test_nothing_changes_until_the_last_part_is_there_in_any_order(self) -> None:
        fleet = Fleet()
        parts = [
            snapshot([agent_view(name)], [], id=f"s{number}", part=number, parts=3)
            for number, name in ((3, "c"), (1, "a"), (2, "b"))
        ]
        self.assertEqual([fleet.snapshot_part(part, 0) for part in parts], [False, False, True])
        self.assertEqual(sorted(fleet.agents), ["a", "b", "c"])

    def test_a_repeated_part_counts_once(self) -> None:
        fleet = Fleet()
        part = snapshot([], [], part=1, parts=2)
        self.assertFalse(fleet.snapshot_part(part, 0))
        self.assertFalse(fleet.snapshot_part(part, 0))

    def test_a_newer_snapshot_drops_the_parts_of_the_one_before(self) -> None:
        for lost in (1, 2):
            fleet = Fleet()
            old = {"id": "a", "snapshot": "a", "part": 3 - lost, "parts": 2}
            fleet.snapshot_part(snapshot([agent_view("gone")], [], **old), 0)
            for number, name in ((1, "a"), (2, "b")):
                new = {"id": f"b{number}", "snapshot": "b", "part": number, "parts": 2}
                whole = fleet.snapshot_part(snapshot([agent_view(name)], [], **new), 0)
                self.assertEqual(whole, number == 2)
            self.assertEqual(sorted(fleet.agents), ["a", "b"])

    def test_a_change_between_two_parts_is_newer_than_the_first_of_them(self) -> None:
        fleet = Fleet()
        fleet.snapshot_part(snapshot([agent_view("a")], [], id="1", part=1, parts=2), 0)
        fleet.change({"agents": [agent_view("a", state="down")], "hosts": []}, 0)
        fleet.snapshot_part(snapshot([], [], id="2", part=2, parts=2), 0)
        self.assertEqual(fleet.agents["a"].state, "down")


class Changes(unittest.TestCase):
    """What a change means for the rooms."""

    def setUp(self) -> None:
        self.fleet = Fleet()
        self.fleet.snapshot_part(snapshot([agent_view("a")], [host_view("ezra")]), 0)

    def test_a_new_host_or_a_new_name_of_one_must_be_followed(self) -> None:
        for view, is_followed in (
            (host_view("ezra", state="unreachable"), False),
            (host_view("ezra", name="Other"), True),
            (host_view("new"), True),
        ):
            change = {"agents": [], "hosts": [view]}
            self.assertEqual(self.fleet.change(change, 0), is_followed, view)

    def test_everything_that_is_told_of_an_agent_comes_where_it_belongs(self) -> None:
        view = {
            "id": "a",
            "name": "name",
            "host": "host",
            "state": "down",
            "forMs": 1,
            "cause": "cause",
            "beatAgeMs": 2,
            "periodMs": 3,
            "graceMs": 4,
            "doing": "doing",
            "busy": True,
            "model": "model",
            "place": "place",
            "policy": "ask",
            "maintenance": "maintenance",
            "flapping": True,
        }
        incident = {
            "number": 5,
            "cause": "why",
            "openedAt": 6,
            "durationMs": 7,
            "acknowledgedBy": "ada",
        }
        self.fleet.change({"agents": [{**view, "incident": incident}], "hosts": []}, 8)
        told = self.fleet.agents["a"]._asdict()
        opened = told.pop("incident")._asdict()
        opened["opened_at"] = opened.pop("opened_at_ms")
        self.assertEqual(told.pop("seen_ms"), 8)

        def on_the_wire(values: dict) -> dict:
            spelled = {key: re.sub("_(.)", lambda sign: sign[1].upper(), key) for key in values}
            return {spelled[key]: value for key, value in values.items()}

        self.assertEqual(on_the_wire(told), view)
        self.assertEqual(on_the_wire(opened), incident)

    def change(self, **more: object) -> bool:
        return self.fleet.change({"agents": [agent_view("a", **more)], "hosts": []}, 0)

    def test_a_beat_or_a_state_moves_nobody(self) -> None:
        self.assertFalse(self.change(beatAgeMs=1, state="down"))

    def test_a_new_name_or_host_must_be_followed(self) -> None:
        self.assertTrue(self.change(name="Other"))
        self.assertTrue(self.change(name="Other", host="local"))


class Ages(unittest.TestCase):
    """Freshness is worked out when it is looked at."""

    def test_who_lives_on_a_host_follows_moves_names_and_leaving(self) -> None:
        def on(host: str) -> list[str]:
            return [agent.name for agent in fleet.agents_on(host)]

        fleet = Fleet()
        fleet.snapshot_part(snapshot([agent_view("b"), agent_view("a")], [host_view("ezra")]), 0)
        self.assertEqual((on("ezra"), on("local")), (["A", "B"], []))
        fleet.change({"agents": [agent_view("a", "local")], "hosts": []}, 0)
        self.assertEqual((on("ezra"), on("local")), (["B"], ["A"]))
        fleet.change({"agents": [agent_view("c", "ezra", name="Aa")], "hosts": []}, 0)
        self.assertEqual(on("ezra"), ["Aa", "B"])
        fleet.change({"agents": [agent_view("c", "ezra", name="Zz")], "hosts": []}, 0)
        self.assertEqual(on("ezra"), ["B", "Zz"])
        fleet.change({"agents": [agent_view("b", "ezra", state="down")], "hosts": []}, 0)
        self.assertEqual([agent.state for agent in fleet.agents_on("ezra")], ["down", "up"])
        fleet.snapshot_part(snapshot([agent_view("a")], [host_view("ezra")], snapshot="t"), 0)
        self.assertEqual((on("ezra"), on("local")), (["A"], []))

    def test_an_age_grows_with_the_time_since_it_was_told(self) -> None:
        fleet = Fleet()
        fleet.snapshot_part(snapshot([agent_view("a", beatAgeMs=1000)], []), 50_000)
        agent = fleet.agents["a"]
        self.assertEqual(agent.beat_age_at(50_000), 1000)
        self.assertEqual(agent.beat_age_at(53_500), 4500)
        self.assertEqual(agent.state_for_at(51_000), 66_000)

    def test_freshness_follows_period_and_grace(self) -> None:
        fleet = Fleet()
        fleet.snapshot_part(
            snapshot([agent_view("a", beatAgeMs=0), agent_view("b", beatAgeMs=None)], []), 0
        )
        agent = fleet.agents["a"]
        self.assertEqual(
            [agent.freshness_at(now) for now in (2000, 2001, 6000, 6001)],
            ["fresh", "late", "late", "stale"],
        )
        self.assertEqual(fleet.agents["b"].freshness_at(0), "none")


class Finding(unittest.TestCase):
    """People type names."""

    def setUp(self) -> None:
        self.fleet = Fleet()
        agents = [
            agent_view("code-claw", name="Code Claw"),
            agent_view("ezra"),
            agent_view("x1", name="Twin"),
            agent_view("x2", name="Twin"),
        ]
        self.fleet.snapshot_part(snapshot(agents, [host_view("ezra"), host_view("local")]), 0)

    def test_an_id_or_a_name_is_found_in_any_case(self) -> None:
        for typed in ("code-claw", "Code Claw", "CODE CLAW"):
            self.assertEqual(self.fleet.find(typed, "agent"), "code-claw")

    def test_part_of_a_name_or_a_name_of_two_is_not_enough(self) -> None:
        for typed in ("code", "Twin", "", "nobody"):
            self.assertIsNone(self.fleet.find(typed, "agent"))

    def test_a_host_is_no_agent(self) -> None:
        self.assertIsNone(self.fleet.find("local", "agent"))
        self.assertEqual(self.fleet.find("local", "host"), "local")
        self.assertEqual(self.fleet.find("Local", "agent-or-host"), "local")
