"""Alerts, said aloud: in the rooms of the hosts, in the Watch Room and on the channel."""

from collections.abc import Callable
from itertools import count
from typing import Any

from evennia.utils import logger

from . import build
from .appearance import alert_line
from .channel import say_on_channel
from .clients import CLIENTS
from .commands.words import as_typed_here
from .fleet import Fleet
from .models import prune, remember_told, was_told
from .verbosity import account_of, is_wanted

# By then the reactor has got to writing what was said; on a machine that is busy it may only then.
WRITTEN_AFTER_S = 0.02
_PRUNE_EVERY = 1000
# What was said and is not on disk: nothing but this says that it was said. Those of them that wait
# to be saved stand in the other one, too, with whom to tell when they are.
_unsaved: set[str] = set()
_waiting: dict[str, Callable[[str | None], None]] = {}
_saves = count(1)


def tell(
    alert: dict[str, Any],
    fleet: Fleet,
    later: Callable[..., Any],
    done: Callable[[str | None], None],
) -> None:
    """Say a valid `tower_alert`, unless it was said before.

    The id is saved after the saying: if the game dies between the two it is said twice, the other
    way round it might never be heard. And not at once: what is said lies in the server's memory
    until the reactor gets to writing it to the portal, and would be lost with the server.

    Args:
        alert: The message.
        fleet: As it is mirrored.
        later: `later(seconds, function, *arguments)`.
        done: Called with None when the id is on disk. Where the database fails it is called with a
            sentence; then the watch repeats the alert, and it is saved without being said again.
    """
    alert_id = alert["id"]
    if alert_id in _waiting:
        # Who asks last is told: the connection over which it came first may be gone.
        _waiting[alert_id] = done
    elif alert_id in _unsaved:
        _save(alert_id, done)
    elif was_told(alert_id):
        done(None)
    else:
        _say(alert, fleet)
        _unsaved.add(alert_id)
        _waiting[alert_id] = done
        # Twice: the reactor looks at its clock before it writes. After a long turn with many alerts
        # the first is due before anything of them was written.
        later(WRITTEN_AFTER_S, later, 0, _save_waiting, alert_id)


def save_now() -> None:
    """The server stops in order, and what it said will be written: save it while there is time."""
    for alert_id in list(_waiting):
        _save_waiting(alert_id)


def _save_waiting(alert_id: str) -> None:
    done = _waiting.pop(alert_id, None)
    if done is not None:
        _save(alert_id, done)


def _save(alert_id: str, done: Callable[[str | None], None]) -> None:
    try:
        remember_told(alert_id)
        _unsaved.discard(alert_id)
        if next(_saves) % _PRUNE_EVERY == 0:
            prune()
    except Exception:
        logger.log_trace(f"Towerwatch: that {alert_id} was told could not be saved")
        done("that it was told could not be saved, see the game's log")
        return
    done(None)


def _say(alert: dict[str, Any], fleet: Fleet) -> None:
    line = alert_line(alert["kind"], as_typed_here(alert["text"]), alert["incidents"])
    try:
        CLIENTS.alert(alert)
    except Exception:
        # A broken client must not keep the rooms from hearing it.
        logger.log_trace("Towerwatch: players' clients could not be told")
    rooms = build.host_rooms({_host_of(subject, fleet) for subject in alert["subjects"]})
    watch = build.watch_room()
    kind = alert["kind"]
    listeners: set[int] = set()
    accounts: set[Any] = set()
    for room in dict.fromkeys([*rooms, *([watch] if watch else [])]):
        _say_in(room, line, kind, listeners, accounts)
    try:
        say_on_channel(line, lambda receiver: _wants(receiver, kind, accounts))
    except Exception:
        # A broken channel must not make the alert come again and again in the rooms.
        logger.log_trace("Towerwatch: the channel could not be told")


def _host_of(subject: dict[str, str], fleet: Fleet) -> str:
    """Where an agent lives by what is mirrored: it may have moved since the alert was made."""
    agent = fleet.agents.get(subject["id"]) if subject["kind"] == "agent" else None
    return agent.host if agent else subject["host"]


def _wants(receiver: Any, kind: str, heard: set[Any]) -> bool:
    account = account_of(receiver)
    return is_wanted(account, kind, account in heard)


def _say_in(room: Any, line: str, kind: str, heard: set[int], accounts: set[Any]) -> None:
    # Not msg_contents: it runs str.format and FuncParser over the text, and one listener whose
    # hook fails ends it for the rest.
    for listener in room.contents:
        if listener.id in heard:
            # Whom the alert itself has moved from room to room hears it once.
            continue
        heard.add(listener.id)
        account = account_of(listener)
        if not is_wanted(account, kind, False):
            continue
        if account is not None:
            accounts.add(account)
        try:
            listener.msg(text=(line, {"type": "towerwatch"}))
        except Exception:
            logger.log_trace(f"Towerwatch: {listener} could not be told in {room}")
