"""How agents stand in their rooms, in words."""

import unittest

from evennia_towerwatch.bodies import fleet_sentences, light, posture
from evennia_towerwatch.fleet import AGENT_STATES, HOST_STATES, Fleet
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot


def fleet_of(*agents: dict, hosts: tuple[dict, ...] = ()) -> Fleet:
    """Told at time 0."""
    fleet = Fleet()
    fleet.snapshot_part(snapshot(list(agents), list(hosts)), 0)
    return fleet


class Bodies(unittest.TestCase):
    """Sentences that stand without colour."""

    def posture_of(self, watched: bool = True, **more: object) -> str:
        """Of one agent, a minute and five seconds into its state."""
        return posture(fleet_of(agent_view("ezra", **more)).agents["ezra"], 0, watched)

    def test_each_state_has_a_posture_of_its_own_and_no_markup(self) -> None:
        said = {state: self.posture_of(state=state) for state in AGENT_STATES}
        self.assertEqual(len(set(said.values())), len(AGENT_STATES))
        self.assertEqual(said["down"], "Ezra lies on the floor and has not moved for 1 min 5 s.")
        self.assertNotIn("|", "".join(said.values()))

    def test_who_works_is_said_to_work_and_on_what(self) -> None:
        self.assertEqual(self.posture_of(busy=True, doing="a|rb"), "Ezra is at work on a¦rb.")
        self.assertEqual(self.posture_of(busy=True), "Ezra is at work.")
        self.assertIn("quiet", self.posture_of(busy=True, state="late"))
        self.assertEqual(self.posture_of(busy=False), "Ezra stands ready.")

    def test_without_the_watch_nobody_knows(self) -> None:
        for state in AGENT_STATES:
            self.assertIn("nobody knows", self.posture_of(False, state=state))

    def test_a_room_is_dark_while_its_host_can_not_be_reached(self) -> None:
        for state in HOST_STATES:
            host = fleet_of(hosts=(host_view("ezra", state=state),)).hosts["ezra"]
            self.assertEqual("dark" in light(host, 0, True), state == "unreachable")
            self.assertIn("nobody is watching", light(host, 0, False))

    def test_read_aloud_the_fleet_has_a_sentence_for_each_and_no_columns(self) -> None:
        fleet = fleet_of(
            agent_view("ezra", state="down", cause="its pane is dead", doing="sorting"),
            agent_view("timmy", beatAgeMs=1_000),
            hosts=(host_view("ezra"),),
        )
        lines = fleet_sentences(fleet, 0, True)
        self.assertEqual(
            lines[1], "Ezra on Ezra: down, its pane is dead, heartbeat 1 s ago, sorting."
        )
        self.assertFalse(any("  " in line for line in lines))
        self.assertEqual(len(lines), 3)
        self.assertIn("unknown", fleet_sentences(fleet, 0, False)[1])
        self.assertEqual(len(fleet_sentences(fleet_of(), 0, True)), 1)
