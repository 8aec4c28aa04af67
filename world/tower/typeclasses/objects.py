"""Objects."""

from evennia.objects.objects import DefaultObject


class Object(DefaultObject):
    """Evennia's own."""
