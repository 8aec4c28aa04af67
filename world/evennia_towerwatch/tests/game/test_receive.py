"""What the watch may say, and what is answered."""

from typing import Any
from unittest.mock import patch

import evennia

from evennia_towerwatch import inputfuncs
from evennia_towerwatch.bridge import BRIDGE, TAKEN_OVER
from evennia_towerwatch.tests.game.support import FakeSession, TowerTest, codes, hello
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot


class WhoMaySpeak(TowerTest):
    """Anybody can call an inputfunc, before login too."""

    def refused(self, session: FakeSession) -> None:
        for name in BRIDGE.protocol.watch:
            self.assertEqual(codes(session.call(name, v=1, id="x")), ["tower_error:not-allowed"])

    def test_nobody_speaks_before_login(self) -> None:
        self.refused(self.session_of(None))

    def test_a_player_does_not_speak_for_the_watch(self) -> None:
        self.refused(self.session_of(self.player("somebody", "Admin")))

    def test_a_superuser_does_not_speak_for_the_watch(self) -> None:
        self.account.is_superuser = True
        self.account.permissions.add("tower_bridge")
        self.refused(self.session_of(self.account))

    def test_the_bridge_account_speaks_only_while_it_is_logged_in(self) -> None:
        session = self.bridge_session()
        self.assertEqual(codes(session.call("tower_hello", **hello())), ["tower_welcome"])
        session.logged_in = False
        self.assertEqual(codes(session.call("tower_hello", **hello())), ["tower_error:not-allowed"])

    def test_nothing_but_the_messages_is_public(self) -> None:
        from evennia.utils.utils import callables_from_module

        public = set(callables_from_module("evennia_towerwatch.inputfuncs"))
        of_players = {"tower_subscribe", "tower_unsubscribe"}
        self.assertEqual(public, set(BRIDGE.protocol.watch) | of_players)

    def test_the_game_has_them_among_its_inputfuncs(self) -> None:
        from evennia.server.sessionhandler import _INPUT_FUNCS

        for name in BRIDGE.protocol.watch:
            self.assertIs(_INPUT_FUNCS[name], getattr(inputfuncs, name))


class Hello(TowerTest):
    """Versions come first."""

    def test_a_fitting_hello_is_welcomed_with_the_boot(self) -> None:
        session = self.bridge_session()
        ((name, welcome),) = session.call("tower_hello", **hello())
        self.assertEqual(
            (name, welcome["id"], welcome["boot"]), ("tower_welcome", "h1", BRIDGE.boot)
        )
        self.assertIsNone(BRIDGE.problem())

    def test_options_that_evennia_adds_are_ignored(self) -> None:
        session = self.bridge_session()
        answers = session.call("tower_hello", **hello(), options={"raw": True})
        self.assertEqual(codes(answers), ["tower_welcome"])

    def test_another_protocol_version_is_one_sentence_on_both_sides(self) -> None:
        for version, older in ((2, "plugin"), (99, "plugin")):
            session = self.bridge_session()
            answers = session.call("tower_hello", **hello(v=version, watch="9.9.9", news=[1]))
            self.assertEqual(codes(answers), ["tower_error:version"])
            sentence = answers[0][1]["text"]
            self.assertIn("The watch is version 9.9.9 and the Tower's plugin is", sentence)
            self.assertIn(f"update the {older}", sentence)
            self.assertEqual(BRIDGE.problem(), sentence)

    def test_other_hashes_are_one_sentence_on_both_sides(self) -> None:
        for field in ("protocolHash", "operationsHash"):
            session = self.bridge_session()
            answers = session.call("tower_hello", **hello(**{field: "0" * 64}))
            self.assertEqual(codes(answers), ["tower_error:version"])
            self.assertEqual(BRIDGE.problem(), answers[0][1]["text"])

    def test_nothing_else_is_taken_from_a_watch_that_does_not_fit(self) -> None:
        session = self.bridge_session()
        session.call("tower_hello", **hello(v=2))
        answers = session.call("tower_alert", **alert("a1"))
        self.assertEqual(codes(answers), ["tower_error:version"])
        self.assertEqual(codes(session.call("tower_ping", v=1, id="p")), ["tower_pong"])

    def test_a_watch_that_does_not_fit_does_not_disturb_one_that_does(self) -> None:
        self.connect()
        self.bridge_session().call("tower_hello", **hello(v=2))
        self.assertIsNone(BRIDGE.problem())

    def test_a_second_watch_takes_the_place_and_the_first_is_told_and_it_shows(self) -> None:
        first = self.connect()
        second = self.connect()
        self.assertEqual(self.disconnected, [(first, TAKEN_OVER)])
        self.assertTrue(BRIDGE.speaks(second))
        self.assertIsNotNone(BRIDGE.taken_over)
        self.assertEqual(codes(first.call("tower_alert", **alert("a"))), ["tower_error:wrong-boot"])

    def test_the_same_watch_may_say_hello_again(self) -> None:
        session = self.connect()
        self.assertEqual(codes(session.call("tower_hello", **hello())), ["tower_welcome"])
        self.assertEqual(self.disconnected, [])


class Presence(TowerTest):
    """Since when the watch is not there."""

    def test_before_any_hello_it_says_since_when_the_game_runs(self) -> None:
        self.time_s += 90
        self.assertRegex(
            BRIDGE.problem(),
            r"^The watch is not connected: it has not called since the game started at "
            r"\d\d:\d\d:\d\d UTC \(1 min 30 s ago\)\.$",
        )

    def test_after_a_lost_connection_it_says_since_when(self) -> None:
        session = self.connect()
        BRIDGE.ended(session)
        self.time_s += 5
        self.assertRegex(
            BRIDGE.problem(),
            r"^The watch is not connected since \d\d:\d\d:\d\d UTC \(5 s ago\)\.$",
        )

    def test_a_connection_that_vanished_unnoticed_is_noticed_when_it_matters(self) -> None:
        self.connect().drop()
        self.assertIn("not connected since", BRIDGE.problem())

    def test_a_silent_watch_counts_as_not_connected_until_it_is_heard_again(self) -> None:
        session = self.connect()
        self.time_s += 6
        self.assertIsNone(BRIDGE.problem())
        self.time_s += 2
        self.assertIn("nothing was heard of it since", BRIDGE.problem())
        session.call("tower_ping", v=1, id="p")
        self.assertIsNone(BRIDGE.problem())


class Messages(TowerTest):
    """Each message, valid and not."""

    def test_a_ping_is_answered_with_the_boot_before_any_hello(self) -> None:
        session = self.bridge_session()
        answers = session.call("tower_ping", v=1, id="p1")
        self.assertEqual(answers, [("tower_pong", {"v": 1, "id": "p1", "boot": BRIDGE.boot})])

    def test_who_has_not_said_hello_since_this_start_is_told_to(self) -> None:
        session = self.bridge_session()
        for name, message in (
            ("tower_state", state(0)),
            ("tower_alert", alert("a1")),
            ("tower_snapshot", {"v": 1, "boot": BRIDGE.boot, **snapshot([], [])}),
        ):
            answers = session.call(name, **message)
            self.assertEqual(codes(answers), ["tower_error:wrong-boot"])
            self.assertIn("say hello", answers[0][1]["text"])

    def test_a_message_for_an_earlier_start_is_told_so(self) -> None:
        session = self.connect()
        answers = session.call("tower_state", **{**state(0), "boot": "before"})
        self.assertEqual(codes(answers), ["tower_error:wrong-boot"])

    def test_a_bad_message_is_answered_with_its_id_and_the_place(self) -> None:
        session = self.connect()
        ((name, error),) = session.call("tower_alert", **{**alert("a1"), "kind": "news"})
        self.assertEqual((name, error["code"], error["id"]), ("tower_error", "invalid", "a1"))
        self.assertIn("tower_alert.kind", error["text"])

    def test_positional_arguments_are_refused(self) -> None:
        session = self.connect()
        for args in (("",), ({"v": 1},), (1, 2)):
            self.assertEqual(codes(session.call("tower_ping", *args)), ["tower_error:invalid"])

    def test_a_bad_id_is_not_sent_back(self) -> None:
        session = self.connect()
        for bad in ("a\n", 7, None, [], "x" * 65):
            ((_, error),) = session.call("tower_ping", v=1, id=bad)
            self.assertNotIn("id", error)

    def test_an_error_of_ours_is_an_answer_and_not_silence(self) -> None:
        session = self.connect()
        with patch("evennia_towerwatch.receive.tell", side_effect=RuntimeError("disk is full")):
            answers = session.call("tower_alert", **alert("a1"))
        self.assertEqual(codes(answers), ["tower_error:internal"])
        self.assertNotIn("disk", answers[0][1]["text"])

    def test_every_part_of_a_snapshot_is_acknowledged(self) -> None:
        session = self.connect()
        for part in (1, 2):
            message = snapshot([], [], id=f"s{part}", part=part, parts=2)
            answers = session.call("tower_snapshot", v=1, boot=BRIDGE.boot, **message)
            self.assertEqual(answers, [("tower_ack", {"v": 1, "id": f"s{part}", "ok": True})])

    def test_a_part_beyond_the_parts_is_not_ok(self) -> None:
        session = self.connect()
        message = snapshot([], [], part=3, parts=2)
        ((name, ack),) = session.call("tower_snapshot", v=1, boot=BRIDGE.boot, **message)
        self.assertEqual((name, ack["ok"]), ("tower_ack", False))

    def test_a_state_is_mirrored_and_an_older_one_is_ignored(self) -> None:
        session = self.connect()
        self.assertEqual(session.call("tower_state", **state(5, "down")), [])
        self.assertEqual(BRIDGE.fleet.agents["bezalel"].state, "down")
        self.assertEqual(session.call("tower_state", **state(5, "up")), [])
        self.assertEqual(BRIDGE.fleet.agents["bezalel"].state, "down")
        session.call("tower_hello", **hello())
        session.call("tower_state", **state(0, "up"))
        self.assertEqual(BRIDGE.fleet.agents["bezalel"].state, "up")

    def test_a_state_writes_nothing_to_the_database(self) -> None:
        session = self.connect()
        with self.assertNumQueries(0):
            session.call("tower_state", **state(1, "down"))


class Results(TowerTest):
    """Answers find the one who asked."""

    def result(self, session: FakeSession, status: str, *lines: str, **more: Any) -> list[str]:
        message = {
            "v": 1,
            "id": "r1",
            "operation": "restart",
            "status": status,
            "actor": {"kind": "account", "id": str(self.account.id), "name": "x"},
            "lines": list(lines),
            **more,
        }
        return codes(session.call("tower_result", **message))

    def test_progress_comes_as_it_happens_and_only_the_end_is_acknowledged(self) -> None:
        session = self.connect()
        self.listen(self.account)
        self.assertEqual(self.result(session, "accepted"), [])
        self.assertEqual(self.result(session, "running", "stop: done"), [])
        self.assertEqual(self.result(session, "ok", "restarted"), ["tower_ack"])
        self.assertEqual(self.heard[self.account], ["stop: done", "restarted"])

    def test_a_repeated_end_is_acknowledged_and_not_shown_again(self) -> None:
        session = self.connect()
        self.listen(self.account)
        for _ in range(2):
            self.assertEqual(self.result(session, "failed", "no beat"), ["tower_ack"])
        self.assertEqual(len(self.heard[self.account]), 1)

    def test_after_a_reload_an_answer_still_finds_its_person(self) -> None:
        session = self.bridge_session()
        self.listen(self.account)
        self.assertEqual(self.result(session, "ok", "restarted"), ["tower_ack"])
        self.assertEqual(self.heard[self.account], ["restarted"])

    def test_an_answer_for_nobody_here_is_acknowledged(self) -> None:
        session = self.connect()
        for actor in (
            {"kind": "account", "id": "999999", "name": "x"},
            {"kind": "account", "id": "one", "name": "x"},
            {"kind": "account", "id": "٣", "name": "x"},
            {"kind": "shell", "id": "1", "name": "root"},
        ):
            answers = self.result(session, "ok", "done", actor=actor, id=f"r{actor['id'] != '1'}")
            self.assertEqual(answers, ["tower_ack"])

    def test_all_sessions_of_the_account_are_told(self) -> None:
        session = self.connect()
        sent = []
        with patch.object(
            evennia.SESSION_HANDLER, "data_out", lambda session, **kwargs: sent.append(kwargs)
        ):
            self.result(session, "ok", "restarted")
        self.assertEqual(len(sent), len(self.account.sessions.all()))


def alert(alert_id: str, **more: Any) -> dict[str, Any]:
    """A valid alert."""
    return {
        "v": 1,
        "id": alert_id,
        "kind": "problem",
        "subjects": [subject("bezalel")],
        "incidents": [],
        "at": 1,
        "text": "bezalel down",
        **more,
    }


def subject(subject_id: str, host: str = "bezalel", kind: str = "agent") -> dict[str, str]:
    """Whom an alert is about."""
    return {"kind": kind, "id": subject_id, "host": host}


def state(seq: int, name: str = "up") -> dict[str, Any]:
    """A valid change of one agent."""
    return {
        "v": 1,
        "boot": BRIDGE.boot,
        "seq": seq,
        "agents": [agent_view("bezalel", "bezalel", state=name)],
        "hosts": [host_view("bezalel")],
    }
