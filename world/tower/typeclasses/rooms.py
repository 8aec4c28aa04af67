"""Rooms."""

from evennia.objects.objects import DefaultRoom


class Room(DefaultRoom):
    """Evennia's own."""
