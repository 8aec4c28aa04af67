"""Channels."""

from evennia.comms.comms import DefaultChannel


class Channel(DefaultChannel):
    """Evennia's own."""
