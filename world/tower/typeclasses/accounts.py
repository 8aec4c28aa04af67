"""Accounts."""

from typing import Any

from evennia.accounts.accounts import DefaultAccount, DefaultGuest

from evennia_towerwatch.channel import join_once


class Account(DefaultAccount):
    """A person. They hear of the fleet from their first login on, until they leave the channel."""

    def at_post_login(self, session: Any = None, **kwargs: Any) -> None:
        """Called by Evennia."""
        join_once(self)
        super().at_post_login(session=session, **kwargs)


class Guest(DefaultGuest):
    """A visitor without an account of their own."""
