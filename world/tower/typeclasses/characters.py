"""Characters."""

from evennia import DefaultCharacter


class Character(DefaultCharacter):
    """Evennia's own."""
