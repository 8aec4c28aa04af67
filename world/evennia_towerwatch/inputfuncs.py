"""What the watch, and players' clients, may say to the game: public functions are messages' names.

Every one can be called by anybody who can open a connection, before login too. Who speaks is
checked in `receive`, which answers every message and never raises. The session comes by position
only: a message may have a key of that name, and Python's complaint would be a page in the log.
"""

from typing import Any


def tower_hello(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """First message of the watch."""
    _receive(session, "tower_hello", args, kwargs)


def tower_snapshot(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """The whole fleet, or a part of it."""
    _receive(session, "tower_snapshot", args, kwargs)


def tower_state(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """What changed in the fleet."""
    _receive(session, "tower_state", args, kwargs)


def tower_history(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """The last 30 days, or a part of them."""
    _receive(session, "tower_history", args, kwargs)


def tower_alert(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """Something to be said aloud, once."""
    _receive(session, "tower_alert", args, kwargs)


def tower_result(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """Progress or end of what somebody asked for."""
    _receive(session, "tower_result", args, kwargs)


def tower_ping(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """Is the game's server there, and is it still the same one?"""
    _receive(session, "tower_ping", args, kwargs)


def tower_subscribe(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """A player's client wants the fleet as data."""
    from .clients import CLIENTS

    CLIENTS.subscribe(session)


def tower_unsubscribe(session: Any, /, *args: Any, **kwargs: Any) -> None:
    """A player's client has enough of it."""
    from .clients import CLIENTS

    CLIENTS.unsubscribe(session)


def _receive(session: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    # Evennia reads this module while it is itself half imported, so the rest comes at first use.
    from .receive import receive

    receive(session, name, args, kwargs)
