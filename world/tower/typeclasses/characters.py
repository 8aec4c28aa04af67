"""Characters."""

from evennia.objects.objects import DefaultCharacter


class Character(DefaultCharacter):
    """Evennia's own."""
