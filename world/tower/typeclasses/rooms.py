"""Rooms."""

from evennia import DefaultRoom


class Room(DefaultRoom):
    """Evennia's own."""
