"""`help tower/fleet`: the help of an operation by its canonical form."""

from copy import copy
from typing import Any

from evennia.commands.command import Command

from evennia_towerwatch.layout import wrap_text
from evennia_towerwatch.screens import screen_before

from .overview import meant
from .words import canonical, overview_words


class CanonicalHelpCommand(Command):
    """The help of a canonical form."""

    # Evennia's own takes what is behind a slash for a part of a text. This one has the longer name,
    # so it goes first; it finds the command, and leaves the showing to the help that the game has.
    locks = "cmd:all()"
    auto_help = False
    # `help tower` and `help tower bells` are the game's own affair.
    arg_regex = "/"

    def func(self) -> None:
        """Show it, or say what was meant."""
        word = " ".join(self.args[1:].lower().split())
        found = next((one for one in self.cmdset if canonical(word) in one._keyaliases), None)
        if found is None:
            text = wrap_text(meant(word), screen_before(self.caller))
            self.msg(text=(text, {"type": "towerwatch"}))
            return
        text = found.get_help(self.caller, self.cmdset)
        shows = self._help()
        if shows is None:
            self.msg(text=(text, {"type": "help"}))
        else:
            shows.msg_help(shows.format_help_entry(found.key, text, aliases=list(found.aliases)))

    def _help(self) -> Any:
        """The game's own command for help, as if typed; None where it can't be asked."""
        own = next((one for one in self.cmdset if one.key == "help"), None)
        if not all(hasattr(own, method) for method in ("format_help_entry", "msg_help")):
            return None
        shows = copy(own)
        for name in ("caller", "session", "account", "obj", "cmdset", "cmdstring", "raw_string"):
            setattr(shows, name, getattr(self, name, None))
        return shows


def help_words() -> list[str]:
    """What it answers to, with a slash and a name behind it."""
    return [f"help {word}" for word in overview_words()]
