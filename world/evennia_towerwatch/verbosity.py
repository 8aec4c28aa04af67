"""How much a player wants to hear of the fleet."""

from typing import Any

# quiet: that somebody fell and that he is back, once. normal: everything, once. all: everything, in
# each place where it is said: the room one stands in, and the channel.
LEVELS = ("quiet", "normal", "all")
USUAL = "normal"

_ATTRIBUTE = "towerwatch_verbosity"
_LOUD = frozenset({"problem", "recovery"})


def account_of(listener: Any) -> Any:
    """The account behind a character or a subscriber of a channel; None for a thing or an NPC."""
    if hasattr(listener, "get_all_puppets"):
        return listener
    return getattr(listener, "account", None)


def level_of(account: Any) -> str:
    """What this account has chosen."""
    level = account.attributes.get(_ATTRIBUTE)
    return level if level in LEVELS else USUAL


def choose(account: Any, level: str) -> None:
    """Keep it with the account, over restarts of the game.

    Raises:
        ValueError: There is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"no such level: {level}")
    if level == USUAL:
        account.attributes.remove(_ATTRIBUTE)
    else:
        account.attributes.add(_ATTRIBUTE, level)


def is_wanted(account: Any, kind: str, has_heard: bool) -> bool:
    """Whether an alert is to be said to this account here.

    Args:
        account: Whose ears they are; None for whoever has none, who hears everything.
        kind: Of the alert.
        has_heard: It was said to this account elsewhere.
    """
    if account is None:
        return True
    level = level_of(account)
    if level == "all":
        return True
    return not has_heard and (level == "normal" or kind in _LOUD)
