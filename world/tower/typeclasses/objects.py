"""Objects."""

from evennia import DefaultObject


class Object(DefaultObject):
    """Evennia's own."""
