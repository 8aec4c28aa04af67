"""Two watches that want the same game: noticed, said, and kept from throwing each other out.

The newest that says hello gets the place, because what had it before may be a dead connection that
nobody has noticed. But who has lost it to another does not get it back while that one answers.
"""

from collections import OrderedDict
from typing import Any

import evennia
from evennia.utils import logger

from .escape import escape
from .sessions import has_role, where_it_sits

_REMEMBERED = 50
# Whoever plays wants to hear of it, but not again and again.
_TELL_EVERY_MS = 600_000


class Rivals:
    """Which watches have lost their place, by the id of their life. In memory only."""

    def __init__(self) -> None:
        """Nobody has."""
        self._lost: OrderedDict[str, None] = OrderedDict()
        self._told_ms = float("-inf")
        self.refusals = 0

    def has_lost(self, life: str) -> bool:
        """Whether this one had the place and another has taken it."""
        return bool(life) and life in self._lost

    def welcomed(self, life: str) -> None:
        """It has the place now."""
        self._lost.pop(life, None)

    def displaced(self, life: str, old: str, new: str, now_ms: float) -> str:
        """A watch takes the place of another one that is connected still.

        Args:
            life: Of the one that loses it; empty where it told of none.
            old: The loser, as `named` has it.
            new: The other.
            now_ms: Monotonic.

        Returns:
            A sentence for whom it concerns.
        """
        if life:
            self._lost[life] = None
            if len(self._lost) > _REMEMBERED:
                self._lost.popitem(last=False)
        text = (
            f"A watch ({new}) took the place of another that was connected still ({old}). "
            "Unless that one was just stopped, two are running for this game: stop one of them."
        )
        self._tell(text, now_ms)
        return text

    def refused(self, old: str, new: str, now_ms: float) -> str:
        """One that has lost its place wants it back while the other one answers.

        Args:
            old: Who has the place, as `named` has it.
            new: Who wants it.
            now_ms: Monotonic.

        Returns:
            A sentence for the one that is refused.
        """
        self.refusals += 1
        self._tell(
            f"Two watches are running for this game: {old} is connected, and {new} was refused. "
            "Stop one of them.",
            now_ms,
        )
        return f"another watch is connected to this game ({old}): stop one of the two"

    def _tell(self, text: str, now_ms: float) -> None:
        """Into the log, and to the admins who are there."""
        if now_ms - self._told_ms < _TELL_EVERY_MS:
            return
        self._told_ms = now_ms
        logger.log_warn(f"Towerwatch: {text}")
        sessions = list(evennia.SESSION_HANDLER.values())
        for account in {session.account for session in sessions if has_role(session, "admin")}:
            account.msg(text=(text, {"type": "towerwatch"}))


def named(session: Any, fleet: str) -> str:
    """Whose watch it is and where it sits: `fleet demo, account towerwatch, telnet 127.0.0.1`."""
    account = getattr(session, "account", None)
    parts = [
        f"fleet {escape(fleet, 40)}",
        f"account {escape(account.key, 40)}" if account else "",
        escape(where_it_sits(session), 60),
    ]
    return ", ".join(part for part in parts if part)
