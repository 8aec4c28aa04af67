"""Answers of the watch, shown to the one who asked."""

from typing import Any

from .appearance import result_lines


def show(result: dict[str, Any]) -> None:
    """Show a valid `tower_result` in all sessions of the account in it, if there is one."""
    account = _account_of(result["actor"])
    lines = result_lines(result["operation"], result["status"], result["lines"])
    if account is not None and lines:
        account.msg(text=("\n".join(lines), {"type": "towerwatch"}))


def _account_of(actor: dict[str, str]) -> Any:
    from evennia.accounts.models import AccountDB

    # Database ids are digits; anything else was not asked for in this game.
    if actor["kind"] != "account" or not actor["id"].isdecimal() or len(actor["id"]) > 18:
        return None
    return AccountDB.objects.filter(id=int(actor["id"])).first()
