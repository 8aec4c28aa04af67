"""Exits."""

from evennia.objects.objects import DefaultExit


class Exit(DefaultExit):
    """Evennia's own."""
