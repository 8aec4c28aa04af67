"""The account with which the watch logs in."""

from typing import Any

from evennia.accounts.accounts import DefaultAccount
from evennia.accounts.models import AccountDB
from evennia.utils.create import create_account

PERMISSION = "tower_bridge"


class AccountError(Exception):
    """The account can't be made; the message is one sentence for a person."""


class BridgeAccount(DefaultAccount):
    """An account for a program: no character, no commands, nobody can talk to it.

    Not Evennia's Bot: that one opens connections by itself, and what comes in reaches its commands.
    """

    def basetype_setup(self) -> None:
        """Locks as Evennia's bots have them, and no default commands."""
        self.locks.add(
            "examine:perm(Admin);edit:perm(Admin);delete:perm(Admin);boot:perm(Admin);"
            "msg:false();noidletimeout:true()"
        )

    def check_available_slots(self, **kwargs: Any) -> str | None:
        """Why it gets no character; the game's website asks here, too."""
        return "The account of a watch has no characters."

    def puppet_object(self, session: Any, obj: Any) -> None:
        """It is nobody's body either."""
        raise RuntimeError("The account of a watch plays no character.")

    def at_post_login(self, session: Any = None, **kwargs: Any) -> None:
        """Only what the watch waits for; there is no character to look for."""
        if session:
            session.msg(logged_in={})


def ensure_bridge_account(name: str, password: str) -> Any:
    """Make the account of the watch, or give the one that is there this password.

    Args:
        name: Its name in the game.
        password: In plain text; Evennia keeps a hash only.

    Returns:
        The account, with the permission `tower_bridge` and no other.

    Raises:
        AccountError: If the name or password can't be used, the name is a player's, or the game
            has no owner yet.
    """
    if not name.strip() or "|" in name or not name.isprintable() or len(name) > 60:
        raise AccountError("The account's name must be 1 to 60 characters without '|'.")
    if len(password) < 12:
        raise AccountError("The password must be 12 characters at least.")
    if not AccountDB.objects.exists():
        # It would be account #1: Evennia makes that one the owner of a new game, with a character
        # and the permission of a developer, and asks for no other owner.
        raise AccountError(
            "The game has no account yet, and its first one becomes its owner: run `evennia start` "
            "once, which asks for that one, and then this again."
        )
    account = AccountDB.objects.filter(username__iexact=name).first()
    if account is None:
        account = create_account(
            name, None, password, typeclass=BridgeAccount, permissions=[PERMISSION]
        )
    elif not isinstance(account, BridgeAccount) or account.is_superuser:
        raise AccountError(f"{name!r} is an account of the game already; choose another name.")
    else:
        account.set_password(password)
        account.save()
    account.permissions.clear()
    account.permissions.add(PERMISSION)
    return account
