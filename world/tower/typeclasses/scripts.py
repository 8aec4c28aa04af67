"""Scripts."""

from evennia.scripts.scripts import DefaultScript


class Script(DefaultScript):
    """Evennia's own."""
