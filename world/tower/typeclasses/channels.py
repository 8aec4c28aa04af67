"""Channels."""

from evennia import DefaultChannel


class Channel(DefaultChannel):
    """Evennia's own."""
