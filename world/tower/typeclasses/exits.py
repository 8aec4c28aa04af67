"""Exits."""

from evennia import DefaultExit


class Exit(DefaultExit):
    """Evennia's own."""
