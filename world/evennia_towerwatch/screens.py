"""What somebody in the game reads on, as far as their clients have told."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from .layout import Screen

# What the wire takes.
_LEAST, _MOST = 20, 500


def screen_of(session: Any) -> Screen:
    """The screen of one session; of a client with several windows the narrowest."""
    return _of([session] if session is not None else [])


def screen_before(looker: Any) -> Screen:
    """What everything fits that an object or account is shown: it is sent to all its sessions."""
    handler = getattr(looker, "sessions", None)
    return _of(handler.all() if handler is not None else [])


def height_of(session: Any) -> int:
    """How many lines fit the screen of a session."""
    return min(_numbers(session, "SCREENHEIGHT") or [settings.CLIENT_DEFAULT_HEIGHT])


def _of(sessions: Iterable[Any]) -> Screen:
    sessions = list(sessions)
    widths = [width for session in sessions for width in _numbers(session, "SCREENWIDTH")]
    columns = min(widths, default=settings.CLIENT_DEFAULT_WIDTH)
    reader = any(session.protocol_flags.get("SCREENREADER") for session in sessions)
    return Screen(max(_LEAST, min(_MOST, columns)), bool(reader))


def _numbers(session: Any, flag: str) -> list[int]:
    """A client may say anything, 0 too; that is no width."""
    said = session.protocol_flags.get(flag)
    values = said.values() if isinstance(said, dict) else ()
    return [value for value in values if isinstance(value, int) and value > 0]
