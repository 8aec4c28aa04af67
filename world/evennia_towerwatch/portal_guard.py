"""What the game's portal takes from clients: so much a second, and no frame that is huge.

A stock Evennia reads, parses and hands on whatever comes, however large, before it counts it: one
client with frames of a megabyte keeps everybody else waiting. With this module in
PORTAL_SERVICES_PLUGIN_MODULES a client that sends faster is read more slowly, which it notices by
nothing else; one whose frame is too large is disconnected; what is no frame, and what the game has
no ears for, is dropped. The watch, once the game has welcomed it, is let through.
"""

import time
from typing import Any

from django.conf import settings
from evennia.utils import logger
from evennia.utils.utils import callables_from_module, make_iter
from twisted.internet import reactor

# Far beyond what people and their clients send: a page of pasted text is 6,000 characters.
BYTES_PER_S = 64 * 1024
BURST_BYTES = 256 * 1024
MAX_FRAME_BYTES = 64 * 1024
# What the watch itself keeps to.
MAX_WATCH_FRAME_BYTES = 4 * 1024 * 1024

# Names of messages that the game has no ears for, from one connection: each is a line in its log.
UNKNOWN_NAMES = 20

# Set by the game's server when it has welcomed a watch; no client can set it.
WATCH_FLAG = "TOWER_WATCH"

# Codes with which a websocket is closed: as it should be, and for what was too large (1009 is not
# for programs to send).
_CLEAN = (1000, 1001)
_TOO_LARGE = 3009

# What the portal's own ears are for.
_OWN = frozenset({"websocket_close"})

_SERVICES = ("EvenniaTelnet", "EvenniaSSL", "EvenniaWebSocket")
_LOG_EVERY = 1000
_faults = 0


class Pace:
    """How much one client may send: a bucket that fills with `rate` bytes a second. Pure."""

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        """A full bucket."""
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def take(self, size: int, now_s: float) -> float:
        """So many bytes have come.

        Returns:
            For how many seconds nothing more should be read; 0 where all is well.
        """
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._rate) - size
        self._at_s = now_s
        return max(0.0, -self._left / self._rate)


def start_plugin_services(portal: Any) -> None:
    """Called by Evennia's portal before it listens: guard what is about to."""
    known = {name for module in _ears() for name in callables_from_module(module)}
    for service in portal:
        if service.name and service.name.startswith(_SERVICES):
            factory = service.args[1]
            factory.protocol = guarded(factory.protocol, frozenset(known))


def _ears() -> list[str]:
    return list(make_iter(settings.INPUT_FUNC_MODULES))


def guarded(base: type, known: frozenset[str]) -> type:
    """A protocol of telnet or of the websocket that takes no more than it should.

    Of the hooks below each kind has some that are never called.

    Args:
        base: Evennia's own, or the game's.
        known: Names of the messages that the game has ears for.
    """

    class Guarded(base):
        """Its base, guarded."""

        _tower_pace: Pace | None = None
        _tower_unknown = 0

        def dataReceived(self, data: bytes) -> None:
            """Bytes came from the client."""
            if not self._tower_is_watch():
                self._tower_slow_down(len(data))
            super().dataReceived(data)
            # A subnegotiation of telnet and a line that have not come to their end.
            for gathered in ("commands", "line_buffer"):
                if len(getattr(self, gathered, ())) > self._tower_limit():
                    self._tower_end("a text without an end")

        def onMessageFrameBegin(self, length: int) -> None:
            """The head of a frame of the websocket came: what is too large is not waited for."""
            super().onMessageFrameBegin(length)
            # Not autobahn's own limit: that one holds for what the game sends, too.
            if self.message_data_total_length > self._tower_limit():
                self.sendClose(_TOO_LARGE, "This frame is too large.")
                self._tower_end("a frame that is too large")

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            """A frame of the websocket came. What is no frame made Evennia 5 hang up."""
            try:
                super().onMessage(payload, isBinary)
            except Exception as error:
                _say(f"{type(error).__name__} over the websocket")

        def onClose(self, wasClean: bool, code: Any = None, reason: Any = None) -> None:
            """The websocket is closed.

            Evennia keeps the session of one that was cut off, for a browser to find it again; where
            no browser is, nobody will, and it would stay for ever.
            """
            super().onClose(wasClean, code, reason)
            if code not in _CLEAN and not getattr(self, "csessid", None):
                self.sessionhandler.disconnect(self)

        def negotiate(self, data: list[bytes]) -> None:
            """A subnegotiation of telnet came."""
            if len(data) > self._tower_limit():
                self._tower_end("a message that is too large")
                return
            try:
                super().negotiate(data)
            except Exception as error:
                _say(f"{type(error).__name__} over telnet")

        def data_in(self, **kwargs: Any) -> None:
            """A message came, by its name."""
            if not known.issuperset(name.strip().lower() for name in kwargs if name not in _OWN):
                self._tower_unknown += 1
                if self._tower_unknown > UNKNOWN_NAMES:
                    _say("names of messages that nobody knows")
                    return
            super().data_in(**kwargs)

        def _tower_is_watch(self) -> bool:
            return bool((getattr(self, "protocol_flags", None) or {}).get(WATCH_FLAG))

        def _tower_limit(self) -> int:
            return MAX_WATCH_FRAME_BYTES if self._tower_is_watch() else MAX_FRAME_BYTES

        def _tower_slow_down(self, size: int) -> None:
            now_s = time.monotonic()
            if self._tower_pace is None:
                self._tower_pace = Pace(BYTES_PER_S, BURST_BYTES, now_s)
            wait_s = self._tower_pace.take(size, now_s)
            if wait_s > 0:
                self.transport.pauseProducing()
                reactor.callLater(wait_s, self._tower_read_on)

        def _tower_read_on(self) -> None:
            if getattr(self.transport, "connected", False):
                self.transport.resumeProducing()

        def _tower_end(self, why: str) -> None:
            _say(why)
            self.transport.loseConnection()

    Guarded.__name__ = base.__name__
    Guarded.__qualname__ = base.__qualname__
    return Guarded


def _say(what: str) -> None:
    """Once in a thousand times, or it would fill the disk."""
    global _faults
    if _faults % _LOG_EVERY == 0:
        logger.log_warn(f"Towerwatch: a client's input could not be read: {what} ({_faults + 1})")
    _faults += 1
