"""A message of the watch: who sends it, is it valid, what is done about it."""

from collections.abc import Callable
from typing import Any

from evennia.utils import logger

from . import answers, build
from .announce import tell
from .bridge import BRIDGE, now_ms
from .clients import CLIENTS

_PERMISSION = "tower_bridge"
_LOG_EVERY = 1000
_faults = 0


def receive(session: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Take in one message of the watch, or of somebody who says so.

    Never raises: Evennia would swallow it and the watch would wait. A bad message is answered by
    `tower_error`, and logged only now and then, or it could fill the disk.

    Args:
        session: Where it came from.
        name: Of the message.
        args: What came by position; nothing should.
        kwargs: The message.
    """
    # Evennia strips incoming `options` over some paths and not over others.
    message = {key: value for key, value in kwargs.items() if key != "options"}
    try:
        if not _may_speak(session):
            return _fault(
                session, "not-allowed", f"only an account with {_PERMISSION} may send this", message
            )
        if args:
            return _fault(session, "invalid", f"{name}: keyword arguments only", message)
        if name == "tower_hello" and (sentence := BRIDGE.version_refusal(message)) is not None:
            return BRIDGE.refuse_version(session, message.get("id"), sentence)
        fault = BRIDGE.protocol.watch[name](message, name)
        if fault is not None:
            return _fault(session, "invalid", fault, message)
        BRIDGE.hear(session)
        _HANDLERS[name](session, message)
    except Exception:
        logger.log_trace(f"Towerwatch: {name} failed")
        BRIDGE.error(session, "internal", "an error in the plugin, see the game's log")


def _may_speak(session: Any) -> bool:
    # session.access() is always true, and a permission check passes every superuser.
    account = getattr(session, "account", None)
    if not account or not session.logged_in or account.is_superuser:
        return False
    return _PERMISSION in account.permissions.all()


def _fault(session: Any, code: str, text: str, message: dict[str, Any]) -> None:
    global _faults
    if _faults % _LOG_EVERY == 0:
        logger.log_warn(f"Towerwatch: bad message number {_faults + 1}: {code}, {text[:200]!r}")
    _faults += 1
    BRIDGE.error(session, code, text, message.get("id"))


def _on_ping(session: Any, message: dict[str, Any]) -> None:
    BRIDGE.send(session, "tower_pong", id=message["id"], boot=BRIDGE.boot)


def _said_hello(session: Any, message: dict[str, Any]) -> bool:
    mismatch = BRIDGE.mismatch_of(session)
    if mismatch is not None:
        BRIDGE.error(session, "version", mismatch, message.get("id"))
        return False
    if BRIDGE.speaks(session) and message.get("boot", BRIDGE.boot) == BRIDGE.boot:
        return True
    BRIDGE.error(session, "wrong-boot", "the game has started anew: say hello", message.get("id"))
    return False


def _on_snapshot(session: Any, message: dict[str, Any]) -> None:
    if not _said_hello(session, message):
        return
    if message["part"] > message["parts"]:
        return BRIDGE.ack(session, message["id"], "part is greater than parts")
    if message["parts"] > 1000:
        return BRIDGE.ack(session, message["id"], "more than 1000 parts")
    whole = BRIDGE.fleet.snapshot_part(message, now_ms())
    BRIDGE.ack(session, message["id"])
    if whole:
        build.follow(BRIDGE.fleet)
        CLIENTS.fleet_changed()


def _on_state(session: Any, message: dict[str, Any]) -> None:
    if not _said_hello(session, message) or not BRIDGE.is_new_state(message["seq"]):
        return
    if BRIDGE.fleet.change(message, now_ms()):
        build.follow(BRIDGE.fleet)
        CLIENTS.fleet_changed()
    elif message["hosts"]:
        CLIENTS.fleet_changed()
    else:
        CLIENTS.agents_changed([view["id"] for view in message["agents"]])


def _on_history(session: Any, message: dict[str, Any]) -> None:
    if not _said_hello(session, message):
        return
    fault = BRIDGE.histories.part(message)
    if fault is not None:
        _fault(session, "invalid", fault, message)


def _on_alert(session: Any, message: dict[str, Any]) -> None:
    if not _said_hello(session, message):
        return
    # Acknowledged only when its id is on disk.
    alert_id = message["id"]
    tell(message, BRIDGE.fleet, BRIDGE.later, lambda error: BRIDGE.ack(session, alert_id, error))


def _on_result(session: Any, message: dict[str, Any]) -> None:
    # A result needs no hello: who asked stands in it, so it finds its person after a reload too.
    mismatch = BRIDGE.mismatch_of(session)
    if mismatch is not None:
        return BRIDGE.error(session, "version", mismatch, message["id"])
    final = message["status"] not in ("accepted", "running")
    BRIDGE.answered(message["id"])
    asking = BRIDGE.asking_session(message["id"])
    if not final or BRIDGE.end_request(message["id"]):
        answers.show(message, asking)
    if final:
        BRIDGE.ack(session, message["id"])


_HANDLERS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "tower_hello": BRIDGE.hello,
    "tower_snapshot": _on_snapshot,
    "tower_state": _on_state,
    "tower_history": _on_history,
    "tower_alert": _on_alert,
    "tower_result": _on_result,
    "tower_ping": _on_ping,
}
