"""Scripts."""

from evennia import DefaultScript


class Script(DefaultScript):
    """Evennia's own."""
