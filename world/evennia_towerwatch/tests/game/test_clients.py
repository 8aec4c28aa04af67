"""The fleet as data for players' own clients."""

from typing import Any
from unittest.mock import patch

import evennia

from evennia_towerwatch import clients
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.tests.messages import agent_view, host_view

from .support import FakeSession, TowerTest


class ClientsTest(TowerTest):
    """`Tower.Subscribe` and what follows."""

    def setUp(self) -> None:
        """A watch, a feed with a clock that is moved by hand, and a player's client."""
        super().setUp()
        self.feed = clients.CLIENTS
        self.feed.__init__(later=self.clock.callLater)
        self.feed.start()
        self.bridge = self.connect()
        self.ada = self.session_of(self.player("ada"))

    def state(self, *agents: dict[str, Any], hosts: tuple[dict[str, Any], ...] = ()) -> None:
        """The watch tells of a change."""
        self.seq = getattr(self, "seq", -1) + 1
        views = {"agents": list(agents), "hosts": list(hosts)}
        self.bridge.call("tower_state", v=1, boot=BRIDGE.boot, seq=self.seq, **views)

    def heard_by(self, session: FakeSession) -> list[tuple[str, dict[str, Any]]]:
        """What it was sent since the last time."""
        heard, session.sent = session.sent, []
        return heard

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.time_s += seconds
        self.clock.advance(seconds)

    def subscribed(self) -> dict[str, Any]:
        """It asks; what it is told."""
        ((name, data),) = self.ada.call("tower_subscribe")
        self.assertEqual(name, "tower_fleet")
        self.ada.sent.clear()
        return data

    def test_whoever_asks_gets_everybody_at_once(self) -> None:
        data = self.subscribed()
        self.assertTrue(data["watched"])
        self.assertEqual([agent["id"] for agent in data["agents"]], ["bezalel", "timmy"])
        self.assertEqual([host["id"] for host in data["hosts"]], ["bezalel", "local"])
        self.assertEqual(data["agents"][0]["beatAgeMs"], 1000)

    def test_nobody_is_told_who_is_not_logged_in_or_may_not_see(self) -> None:
        stranger = self.session_of(None)
        self.assertEqual([name for name, _ in stranger.call("tower_subscribe")], ["tower_error"])
        with patch("evennia_towerwatch.conf.lock_of", lambda _: "perm(Developer)"):
            self.assertEqual(
                [name for name, _ in self.ada.call("tower_subscribe")], ["tower_error"]
            )
        self.heard_by(stranger)
        self.heard_by(self.ada)
        self.state(agent_view("timmy", "local", state="down"))
        self.wait(5)
        self.assertEqual(self.heard_by(stranger) + self.heard_by(self.ada), [])

    def test_a_change_is_told_within_a_second_once_per_agent(self) -> None:
        self.subscribed()
        self.state(agent_view("timmy", "local", state="late"))
        self.state(agent_view("timmy", "local", state="down", cause="no heartbeat"))
        self.assertEqual(self.heard_by(self.ada), [])
        self.wait(1)
        ((name, data),) = self.heard_by(self.ada)
        self.assertEqual((name, data["id"], data["state"]), ("tower_agent", "timmy", "down"))
        self.assertEqual(data["cause"], "no heartbeat")

    def test_who_comes_or_moves_is_told_with_everybody(self) -> None:
        self.subscribed()
        self.state(agent_view("ezra", "local"))
        self.wait(1)
        ((name, data),) = self.heard_by(self.ada)
        self.assertEqual((name, len(data["agents"])), ("tower_fleet", 3))

    def test_many_changes_at_once_are_one_fleet_and_a_large_one_not_each_second(self) -> None:
        many = [agent_view(f"a{number}", "local") for number in range(300)]
        self.state(*many)
        self.subscribed()
        self.state(*[{**view, "state": "late"} for view in many])
        self.wait(1)
        self.wait(1)
        self.state(*[{**view, "state": "down"} for view in many])
        self.wait(1)
        told = self.heard_by(self.ada)
        self.wait(5)
        told += self.heard_by(self.ada)
        self.assertLessEqual(len(told), 3)
        self.assertEqual({name for name, _ in told}, {"tower_fleet"})
        states = {agent["state"] for agent in told[-1][1]["agents"] if agent["id"] != "bezalel"}
        self.assertIn("down", states)

    def test_that_the_watch_is_gone_or_a_host_is_lost_is_told(self) -> None:
        self.subscribed()
        self.state(hosts=(host_view("local", state="unreachable"),))
        self.wait(1)
        ((_, data),) = self.heard_by(self.ada)
        self.assertEqual(data["hosts"][1]["state"], "unreachable")
        self.bridge.drop()
        self.wait(5)
        self.wait(1)
        ((name, data),) = self.heard_by(self.ada)
        self.assertEqual((name, data["watched"]), ("tower_fleet", False))
        self.assertIn("not connected", data["problem"])
        self.assertEqual({agent["state"] for agent in data["agents"]}, {"unknown"})

    def test_alerts_come_as_they_are_said_and_clean(self) -> None:
        self.subscribed()
        self.bridge.call(
            "tower_alert",
            v=1,
            id="a-1",
            kind="problem",
            subjects=[{"kind": "agent", "id": "timmy", "host": "local"}],
            incidents=[6],
            at=1,
            text="timmy |lcquit|lt is down\x1b[2J",
        )
        ((name, data),) = self.heard_by(self.ada)
        self.assertEqual((name, data["kind"], data["incidents"]), ("tower_alert", "problem", [6]))
        self.assertNotIn("|", data["text"])
        self.assertNotIn("\x1b", data["text"])

    def test_asking_again_and_again_is_answered_once_a_second(self) -> None:
        for _ in range(100):
            self.ada.call("tower_subscribe")
        self.assertEqual(len(self.heard_by(self.ada)), 1)
        self.wait(1)
        self.ada.call("tower_subscribe")
        self.assertEqual(len(self.heard_by(self.ada)), 1)

    def test_leaving_and_coming_back_all_the_time_is_answered_no_more_often(self) -> None:
        for _ in range(50):
            self.ada.call("tower_subscribe")
            self.ada.call("tower_unsubscribe")
        self.assertEqual([name for name, _ in self.heard_by(self.ada)], ["tower_fleet"])
        self.wait(1.1)
        self.ada.call("tower_subscribe")
        self.assertEqual([name for name, _ in self.heard_by(self.ada)], ["tower_fleet"])

    def test_whoever_leaves_or_has_enough_hears_no_more(self) -> None:
        self.subscribed()
        other = self.session_of(self.player("ben"))
        other.call("tower_subscribe")
        other.sent.clear()
        self.ada.call("tower_unsubscribe")
        other.drop()
        self.state(agent_view("timmy", "local", state="down"))
        self.wait(2)
        self.assertEqual(self.heard_by(self.ada) + self.heard_by(other), [])
        self.assertEqual(self.feed._listeners, {})

    def test_whoever_listened_before_a_reload_need_not_ask_again(self) -> None:
        self.subscribed()
        silent = self.session_of(self.player("ben"))
        silent.call("tower_subscribe")
        silent.call("tower_unsubscribe")
        # At its start the game's server does not know yet who is connected.
        with patch.dict(evennia.SESSION_HANDLER, clear=True):
            self.feed.__init__(later=self.clock.callLater)
            self.feed.start()
        self.heard_by(silent)
        self.feed.fleet_changed()
        self.wait(1)
        self.assertEqual([name for name, _ in self.heard_by(self.ada)], ["tower_fleet"])
        self.assertEqual(self.heard_by(silent), [])

    def test_after_a_reload_from_which_the_watch_does_not_come_back_that_is_told(self) -> None:
        self.subscribed()
        self.feed.__init__(later=self.clock.callLater)
        self.bridge.drop()
        self.feed.start()
        self.wait(5)
        self.wait(1)
        ((name, data),) = self.heard_by(self.ada)
        self.assertEqual((name, data["watched"]), ("tower_fleet", False))

    def test_who_does_not_ask_again_for_ten_minutes_is_told_so_and_no_more(self) -> None:
        self.subscribed()
        awake = self.session_of(self.player("ben"))
        awake.call("tower_subscribe")
        for minute in range(1, 12):
            # The watch pings: it is there all the time.
            for _ in range(12):
                self.bridge.call("tower_ping", v=1, id="p")
                self.wait(5)
            if minute % 4 == 0:
                awake.call("tower_subscribe")
        ((name, data),) = self.heard_by(self.ada)
        self.assertEqual(name, "tower_error")
        self.assertIn("10 min", data["text"])
        self.heard_by(awake)
        self.state(agent_view("timmy", "local", state="down"))
        self.wait(1)
        self.assertEqual(self.heard_by(self.ada), [])
        self.assertEqual([name for name, _ in self.heard_by(awake)], ["tower_agent"])
        self.assertFalse(self.ada.protocol_flags["TOWER_FEED"])

    def test_one_agent_that_changes_all_the_time_is_told_once_a_second(self) -> None:
        self.subscribed()
        for step in range(600):
            state = ("late", "up")[step % 2]
            self.state(agent_view("timmy", "local", state=state))
            self.wait(0.1)
        self.assertLessEqual(len(self.heard_by(self.ada)), 61)

    def test_all_clients_together_get_a_bounded_number_of_frames_a_second(self) -> None:
        many = [agent_view(f"a{number:02}", "local") for number in range(20)]
        self.state(*many)
        listeners = [self.session_of(self.player(f"p{number}")) for number in range(30)]
        for listener in listeners:
            listener.call("tower_subscribe")
        self.wait(5)
        for listener in listeners:
            self.heard_by(listener)
        for step in range(20):
            self.state(*[{**view, "state": ("late", "up")[step % 2]} for view in many])
            self.wait(1)
        told = sum(len(self.heard_by(listener)) for listener in listeners)
        # 20 agents, 30 clients, 20 s: 12,000 without the bound, and 200 a second with it.
        self.assertLessEqual(told, 20 * 200 + 20 * 30)
        self.assertGreater(told, 0)

    def test_junk_behind_the_word_changes_nothing(self) -> None:
        for junk in ((), ("x", 3), ({"a": [1]},)):
            self.ada.call("tower_subscribe", *junk, options={}, more="y" * 1000)
        self.assertEqual(len(self.heard_by(self.ada)), 1)
