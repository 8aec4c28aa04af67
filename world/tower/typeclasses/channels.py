"""Channels."""

from evennia_towerwatch.channel import FleetChannel


class Channel(FleetChannel):
    """The base type of all channels; see the README of evennia_towerwatch."""
