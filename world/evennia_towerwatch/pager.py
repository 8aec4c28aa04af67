"""Long answers, a page at a time, by Evennia's own EvMore."""

from collections.abc import Sequence
from typing import Any

import evennia
from evennia.utils.evmore import EvMore

from .screens import height_of, screen_of

_KIND = {"type": "towerwatch"}
# What Evennia keeps on whoever is in a pager, a menu, an editor, or was asked something. An answer
# comes when it comes: it must not push itself between a person and what they are in the middle of.
_BUSY = ("_more", "_evmenu", "_menutree", "_eveditor", "_getinput", "_yes_no_question")


class _Pages(EvMore):
    """As Evennia's, but its last word goes to the session that reads, and to no other one."""

    def page_quit(self, quiet: bool = False) -> None:
        """Called by EvMore when the reader is through, or types something else."""
        super().page_quit(quiet=True)
        if not quiet:
            self._caller.msg(text=(self._exit_msg, _KIND), session=self._session)


def show(reader: Any, lines: Sequence[str], session: Any = None) -> None:
    """Show lines to an account or object.

    Args:
        reader: Whom they are for; all sessions of it get them.
        lines: Escaped already. Nothing in here looks into them once more.
        session: Where they were asked for. Only there they come a page at a time, and only if they
            are more than its screen holds. Left out: nowhere.
    """
    text = "\n".join(lines)
    if session is None or not _wants_pages(lines, session):
        reader.msg(text=(text, _KIND))
        return
    others = [one for one in reader.sessions.all() if one is not session]
    if others:
        reader.msg(text=(text, _KIND), session=others)
    # Of two characters of one account only the one that asked is kept in the pager.
    show_here(lines, session)


def show_here(lines: Sequence[str], session: Any) -> None:
    """Show lines in one session, a page at a time where they are more than its screen holds."""
    reader = session.puppet or session.account
    if _wants_pages(lines, session):
        _Pages(reader, "\n".join(lines), session=session, text_kwargs=_KIND)
    else:
        reader.msg(text=("\n".join(lines), _KIND), session=session)


def _wants_pages(lines: Sequence[str], session: Any) -> bool:
    if evennia.SESSION_HANDLER.get(session.sessid) is not session:
        return False
    if len(lines) <= height_of(session) or screen_of(session).reader:
        return False
    who = [one for one in (session.puppet, session.account) if one]
    return not any(getattr(one.ndb, name) for one in who for name in _BUSY)
