"""What the portal takes from a client, on a protocol that only takes notes."""

import unittest
from typing import Any
from unittest.mock import patch

from evennia_towerwatch import portal_guard
from evennia_towerwatch.portal_guard import MAX_FRAME_BYTES, UNKNOWN_NAMES, WATCH_FLAG, Pace


class Transport:
    """Notes what is asked of it."""

    connected = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pauseProducing(self) -> None:
        self.asked.append("pause")

    def resumeProducing(self) -> None:
        self.asked.append("resume")

    def loseConnection(self) -> None:
        self.asked.append("lose")


class Notes:
    """A protocol of both kinds."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.protocol_flags: dict[str, Any] = {}
        self.commands: list[bytes] = []
        self.line_buffer = b""
        self.heard: list[Any] = []
        self.message_data_total_length = 0

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def onMessageFrameBegin(self, length: int) -> None:
        self.message_data_total_length += length

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        raise RecursionError

    def negotiate(self, data: list[bytes]) -> None:
        self.heard.append(data)

    def sendClose(self, code: int, reason: str) -> None:
        self.heard.append(code)

    def data_in(self, **kwargs: Any) -> None:
        self.heard.append(kwargs)


class Pacing(unittest.TestCase):
    """A bucket that fills again."""

    def test_a_burst_is_free_and_what_is_beyond_it_waits_until_there_is_room(
        self,
    ) -> None:
        pace = Pace(100, 1000, 0)
        self.assertEqual(pace.take(1000, 0), 0)
        self.assertEqual(pace.take(50, 0), 0.5)
        self.assertEqual(pace.take(0, 0.5), 0)

    def test_it_never_holds_more_than_a_burst(self) -> None:
        pace = Pace(100, 1000, 0)
        self.assertEqual(pace.take(1100, 1e9), 1)


class Guard(unittest.TestCase):
    """The hooks of a guarded protocol."""

    def setUp(self) -> None:
        self.one = portal_guard.guarded(Notes, frozenset({"text", "tower_ping"}))()
        later = patch.object(portal_guard, "reactor")
        self.reactor = later.start()
        self.addCleanup(later.stop)
        self.addCleanup(patch.stopall)

    def test_a_client_that_sends_too_fast_is_read_more_slowly_and_loses_nothing(self) -> None:
        for _ in range(8):
            self.one.dataReceived(b"x" * 60_000)
        self.assertIn("pause", self.one.transport.asked)
        self.assertEqual(len(self.one.heard), 8)
        (wait_s, read_on), _ = self.reactor.callLater.call_args
        self.assertGreater(wait_s, 0)
        read_on()
        self.assertEqual(self.one.transport.asked[-1], "resume")

    def test_a_connection_that_has_ended_meanwhile_is_left_alone(self) -> None:
        self.one.dataReceived(b"x" * 1_000_000)
        self.one.transport.connected = False
        self.reactor.callLater.call_args.args[1]()
        self.assertEqual(self.one.transport.asked, ["pause"])

    def test_the_watch_is_read_as_fast_as_it_sends_and_may_send_large_frames(self) -> None:
        self.one.protocol_flags[WATCH_FLAG] = True
        self.one.dataReceived(b"x" * 1_000_000)
        self.one.onMessageFrameBegin(1_000_000)
        self.one.negotiate([b"x"] * 1_000_000)
        self.assertEqual(self.one.transport.asked, [])

    def test_a_frame_that_is_too_large_ends_the_connection_at_its_head(self) -> None:
        self.one.onMessageFrameBegin(MAX_FRAME_BYTES)
        self.assertEqual(self.one.transport.asked, [])
        self.one.onMessageFrameBegin(1)
        self.assertEqual(self.one.transport.asked, ["lose"])

    def test_a_subnegotiation_or_a_line_without_an_end_ends_the_connection(self) -> None:
        self.one.commands = [b"x"] * (MAX_FRAME_BYTES + 1)
        self.one.dataReceived(b"x")
        self.assertEqual(self.one.transport.asked, ["lose"])

    def test_what_is_no_frame_is_dropped_and_said_once_in_a_thousand_times(self) -> None:
        with (
            patch.object(portal_guard, "_faults", 0),
            patch.object(portal_guard.logger, "log_warn") as said,
        ):
            for _ in range(1500):
                self.one.onMessage(b"[[[", False)
            self.assertEqual(said.call_count, 2)

    def test_names_that_nobody_knows_reach_the_game_a_few_times_only(self) -> None:
        for _ in range(100):
            self.one.data_in(nonsense=[[], {}])
        self.assertEqual(len(self.one.heard), UNKNOWN_NAMES)
        self.one.data_in(Tower_Ping=[[], {}])
        self.assertEqual(len(self.one.heard), UNKNOWN_NAMES + 1)
