"""Answers of the watch, shown to the one who asked."""

from typing import Any

from . import pager
from .appearance import result_lines
from .commands.words import as_typed_here
from .screens import screen_of


def show(result: dict[str, Any], session: Any = None) -> None:
    """Show a valid `tower_result` to the account or object in it, if there is one.

    Args:
        result: The message.
        session: Where it was asked for, if that is known still.
    """
    asker = _asker_of(result["actor"])
    screen = None if session is None else screen_of(session)
    said = [as_typed_here(line) for line in result["lines"]]
    lines = result_lines(result["operation"], result["status"], said, screen)
    if asker is None or not lines:
        return
    # Progress comes while people do other things.
    pages = session if result["status"] not in ("accepted", "running") else None
    pager.show(asker, lines, pages)


def _asker_of(actor: dict[str, str]) -> Any:
    from evennia.accounts.models import AccountDB
    from evennia.objects.models import ObjectDB

    # Database ids are digits; anything else was not asked for in this game.
    kinds = {"account": AccountDB, "object": ObjectDB}
    if actor["kind"] not in kinds or not actor["id"].isdecimal() or len(actor["id"]) > 18:
        return None
    return kinds[actor["kind"]].objects.filter(id=int(actor["id"])).first()
