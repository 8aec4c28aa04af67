"""The one connection to the watch: who is on it, since when, and what is said over it.

All of it is in the memory of the game's server and gone after a reload. That is why every start has
a `boot` of its own: the watch sees it change and says hello again.
"""

import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import evennia
from django.conf import settings
from twisted.internet import reactor

from . import __version__, conf
from .appearance import duration
from .escape import escape
from .fleet import Fleet
from .history import Histories
from .layout import Screen
from .portal_guard import WATCH_FLAG
from .protocol import load_protocol
from .rivals import Rivals, named
from .screens import screen_of
from .sessions import where_it_sits

# What Evennia itself says to a session whose account logs in elsewhere. The watch knows it as
# "somebody has taken my place" and backs off, so that two of them don't throw each other out.
TAKEN_OVER = "Logged in from elsewhere. Disconnecting."

_REMEMBERED_RESULTS = 1000
# Of those that the watch did not hear of yet. They are few: whoever tries often is one of them.
_KEPT_REFUSALS = 50
_DOUBT_AFTER_S = 2


def now_ms() -> float:
    """Monotonic, in milliseconds; only differences of it mean anything."""
    return time.monotonic() * 1000


@dataclass(slots=True)
class Moment:
    """An instant by both clocks: one to count from, one to show."""

    monotonic_ms: float
    wall: datetime

    @staticmethod
    def now() -> "Moment":
        return Moment(now_ms(), datetime.now(UTC))

    def said(self) -> str:
        """`14:03:22 UTC (12 s ago)`."""
        return f"{self.wall:%H:%M:%S} UTC ({duration(now_ms() - self.monotonic_ms)} ago)"


@dataclass(slots=True)
class Pending:
    """A request that has no final result yet."""

    operation: str
    doubt: Any
    deadline: Any
    asking: Any

    def stop(self) -> None:
        """Nobody waits for it any more."""
        for call in (self.doubt, self.deadline):
            if call.active():
                call.cancel()


class Bridge:
    """The game's end of the wire."""

    def __init__(self, later: Callable[..., Any] | None = None) -> None:
        """Nobody is connected.

        Args:
            later: `later(seconds, function, *args)` returning something with `cancel()`;
                the reactor's callLater when left out.
        """
        self.protocol = load_protocol()
        self.fleet = Fleet()
        self.histories = Histories()
        self.boot = uuid.uuid4().hex
        self.started = Moment.now()
        self.session: Any = None
        self.connected: Moment | None = None
        self.heard: Moment | None = None
        self.lost: Moment | None = None
        self.taken_over: Moment | None = None
        self.rivals = Rivals()
        self.watch_version = ""
        self.fleet_name = ""
        self._life = ""
        self._seq = -1
        self._mismatched: Any = None
        self._mismatch = ""
        self._pending: dict[str, Pending] = {}
        self._untold_refusals: deque[dict[str, Any]] = deque(maxlen=_KEPT_REFUSALS)
        self._ended: OrderedDict[str, None] = OrderedDict()
        self.later = later or reactor.callLater

    # Who is there.

    def problem(self) -> str | None:
        """None while the watch is connected and answering, else one sentence with since when."""
        if self.session is not None and not _is_live(self.session):
            self.ended(self.session)
        if self._mismatched is not None and not _is_live(self._mismatched):
            self._mismatched = None
        if self.session is None:
            if self._mismatched is not None:
                return self._mismatch
            if self.lost is not None:
                return f"The watch is not connected since {self.lost.said()}."
            return (
                "The watch is not connected: it has not called since the game started at "
                f"{self.started.said()}."
            )
        if now_ms() - self.heard.monotonic_ms > conf.silent_after_ms():
            return f"The watch is not connected: nothing was heard of it since {self.heard.said()}."
        return None

    def last_heard(self) -> str:
        """Since when nothing came from the watch: `it was last heard at 14:03:22 UTC (4 s ago)`."""
        heard = self.heard or self.started
        return f"it was last heard at {heard.said()}"

    def is_watched(self) -> bool:
        """Whether what is mirrored is still true."""
        return self.problem() is None

    def hear(self, session: Any) -> None:
        """Something valid came from this session."""
        if session is self.session:
            self.heard = Moment.now()

    def hello(self, session: Any, message: dict[str, Any]) -> None:
        """Answer a valid `tower_hello`: a welcome, or why not."""
        sentence = self._version_sentence(message)
        if sentence is not None:
            self.refuse_version(session, message.get("id"), sentence)
            return
        old, life, note = self.session, message.get("life", ""), None
        if old is not None and old is not session and _is_live(old):
            rivals = named(old, self.fleet_name), named(session, message["fleet"])
            if self.rivals.has_lost(life) and self.problem() is None:
                refusal = self.rivals.refused(*rivals, now_ms())
                self.error(session, "not-allowed", refusal, message["id"])
                return
            if not life or life != self._life:
                note = self.rivals.displaced(self._life, *rivals, now_ms())
                self.taken_over = Moment.now()
            evennia.SESSION_HANDLER.disconnect(old, reason=TAKEN_OVER)
        self.rivals.welcomed(life)
        self._life = life
        self.session = session
        self.connected = self.heard = Moment.now()
        self.lost = self._mismatched = None
        self.watch_version, self.fleet_name = message["watch"], message["fleet"]
        self._seq = -1
        self.send(
            session,
            "tower_welcome",
            id=message["id"],
            boot=self.boot,
            plugin=__version__,
            game=settings.SERVERNAME[:80],
            protocolHash=self.protocol.hash,
            operationsHash=self.protocol.operations_hash,
            **({} if note is None else {"note": note[:400]}),
        )
        if not session.protocol_flags.get(WATCH_FLAG):
            # The portal reads its frames as fast and as large as they come from now on.
            session.update_flags(**{WATCH_FLAG: True})
        while self._untold_refusals:
            self.send(session, "tower_refused", **self._untold_refusals.popleft())

    def refuse_version(self, session: Any, message_id: Any, sentence: str) -> None:
        """Say the sentence to the watch and, from now on, to whoever asks in the game."""
        if self.session is session:
            self.ended(session)
        self._mismatched, self._mismatch = session, sentence
        self.error(session, "version", sentence, message_id)

    def _version_sentence(self, message: dict[str, Any]) -> str | None:
        theirs, version = escape(str(message.get("watch", "unknown")), 40), message["v"]
        both = f"The watch is version {theirs} and the Tower's plugin is version {__version__}"
        if theirs == __version__ and version == self.protocol.version:
            mend = "restart the watch and reload the game, so that both run what is installed"
        else:
            mend = "update the older one"
        if version != self.protocol.version:
            older = "plugin" if version > self.protocol.version else "watch"
            return f"{both}: update the {older} (protocol {version} and {self.protocol.version})."
        if message["protocolHash"] != self.protocol.hash:
            return f"{both}, but their protocols differ: {mend}."
        if message["operationsHash"] != self.protocol.operations_hash:
            return f"{both}, but their operations differ: {mend}."
        return None

    def version_refusal(self, message: dict[str, Any]) -> str | None:
        """The sentence for a hello of another protocol version, whatever else is in it."""
        version = message.get("v")
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            return None
        return None if version == self.protocol.version else self._version_sentence(message)

    def mismatch_of(self, session: Any) -> str | None:
        """Why this session is not spoken with, if its versions don't fit."""
        return self._mismatch if self._mismatched is session else None

    def speaks(self, session: Any) -> bool:
        """Whether this session has said hello since this start of the game."""
        return self.session is not None and self.session is session

    def ended(self, session: Any) -> None:
        """The session has ended (or is no longer spoken with)."""
        if self._mismatched is session:
            self._mismatched = None
        if self.session is session and session is not None:
            self.session, self.lost = None, Moment.now()

    def is_new_state(self, seq: int) -> bool:
        """Whether a `tower_state` is newer than all before it since the hello."""
        if seq <= self._seq:
            return False
        self._seq = seq
        return True

    # What is said.

    def send(self, session: Any, name: str, **data: Any) -> None:
        """Send one message.

        Keyword arguments only, never positional ones: the only shape that means the same over the
        websocket and over GMCP. `raw` keeps FuncParser away from what is in it.
        """
        message = {"v": self.protocol.version, **data}
        fault = self.protocol.tower[name](message, name)
        if fault is not None:
            raise ValueError(f"the Tower made a bad message, {fault}")
        session.msg(**{name: ((), message)}, options={"raw": True})

    def ack(self, session: Any, message_id: str, error: str | None = None) -> None:
        """Say that a message came and was valid, or why it can't be used."""
        more = {} if error is None else {"error": error[:400]}
        self.send(session, "tower_ack", id=message_id, ok=error is None, **more)

    def error(self, session: Any, code: str, text: str, message_id: Any = None) -> None:
        """Say that a message was not understood. `message_id` may be anything that came as one."""
        data = {"code": code, "text": escape(text)}
        if (
            self.protocol.tower["tower_pong"](
                {"v": self.protocol.version, "id": message_id, "boot": self.boot}, ""
            )
            is None
        ):
            data["id"] = message_id
        self.send(session, "tower_error", **data)

    # Requests.

    def request(
        self,
        operation: dict[str, Any],
        arguments: dict[str, str],
        actor: dict[str, str],
        on_doubt: Callable[[], None],
        on_deadline: Callable[[], None],
        asking: Any = None,
    ) -> None:
        """Ask the watch for an operation. The caller has seen that `problem()` is None.

        Args:
            operation: Its declaration.
            arguments: Values by the names of the declaration.
            actor: Who asks, as `actor_of` has it.
            on_doubt: Called when nothing at all has come after two seconds: a watch that was killed
                looks connected until its silence is long enough to tell.
            on_deadline: Called when no final result has come in time.
            asking: The session where it was typed: the answer is made for its screen.
        """
        request_id = uuid.uuid4().hex
        deadline = self.later(
            operation["deadlineMs"] / 1000, self._deadline, request_id, on_deadline
        )
        doubt = self.later(_DOUBT_AFTER_S, on_doubt)
        self._pending[request_id] = Pending(operation["name"], doubt, deadline, asking)
        screen = {} if asking is None else {"screen": _on_the_wire(screen_of(asking))}
        self.send(
            self.session,
            "tower_request",
            id=request_id,
            operation=operation["name"],
            arguments=arguments,
            actor=actor,
            deadlineMs=operation["deadlineMs"],
            **screen,
        )

    def asking_session(self, request_id: str) -> Any:
        """Where a request was typed, while it has no final result; None where nobody knows."""
        pending = self._pending.get(request_id)
        return pending.asking if pending is not None else None

    def refused(
        self, operation: dict[str, Any], arguments: dict[str, str], actor: dict[str, str], why: str
    ) -> None:
        """Tell the watch, for its audit, that the game's locks refused somebody an operation.

        While the watch is not there, the newest ones are kept for when it comes.
        """
        refusal = {"operation": operation["name"], "arguments": arguments, "actor": actor}
        if self.problem() is None:
            self.send(self.session, "tower_refused", **refusal, reason=why[:200])
        else:
            at = datetime.now(UTC)
            reason = f"{why[:140]} (at {at:%H:%M:%S} UTC, while the watch was away)"
            self._untold_refusals.append({**refusal, "reason": reason})

    def _deadline(self, request_id: str, on_deadline: Callable[[], None]) -> None:
        if self._pending.pop(request_id, None) is not None:
            on_deadline()

    def answered(self, request_id: str) -> None:
        """Something came for a request: the watch is at it."""
        pending = self._pending.get(request_id)
        if pending is not None and pending.doubt.active():
            pending.doubt.cancel()

    def end_request(self, request_id: str) -> bool:
        """A final result came; returns False when it is a repeat of one that was shown."""
        pending = self._pending.pop(request_id, None)
        if pending is not None:
            pending.stop()
        if request_id in self._ended:
            return False
        self._ended[request_id] = None
        if len(self._ended) > _REMEMBERED_RESULTS:
            self._ended.popitem(last=False)
        return True


def actor_of(asker: Any, session: Any = None) -> dict[str, str]:
    """An account or object as it stands in requests, with where it sits: `telnet 127.0.0.1`."""
    # Not before: the bridge is there before the game's models are.
    from evennia.accounts.models import AccountDB

    kind = "account" if isinstance(asker, AccountDB) else "object"
    actor = {"kind": kind, "id": str(asker.id), "name": asker.key[:80]}
    where = where_it_sits(session)
    return {**actor, "from": escape(where, 80)} if where else actor


def _on_the_wire(screen: Screen) -> dict[str, Any]:
    return {"columns": screen.columns, **({"reader": True} if screen.reader else {})}


def _is_live(session: Any) -> bool:
    return bool(session.logged_in) and evennia.SESSION_HANDLER.get(session.sessid) is session


# There is one game's server per process, and one watch per game.
BRIDGE = Bridge()
