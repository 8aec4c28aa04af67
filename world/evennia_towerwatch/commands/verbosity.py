"""`verbosity`: how much one wants to hear of the fleet. The watch has nothing to do with it."""

from inspect import cleandoc
from typing import Any

from evennia.commands.command import Command

from evennia_towerwatch.layout import wrap_text
from evennia_towerwatch.screens import screen_before, screen_of
from evennia_towerwatch.verbosity import LEVELS, choose, level_of

from .base import HELP_CATEGORY
from .words import VERBOSITY, verbosity_words

_MEANS = {
    "quiet": "only that somebody fell or is back, once",
    "normal": "all news of the fleet, once",
    "all": "all news of the fleet, in the room you are in and on the channel",
}


class VerbosityCommand(Command):
    """
    how much you want to hear of the fleet

    Usage:
      verbosity
      verbosity quiet      only that somebody fell or is back, once
      verbosity normal     all news of the fleet, once
      verbosity all        all news, in the room you are in and on the channel

    It goes with your account. Nothing is lost: incidents shows what was not said to you.
    """

    key = VERBOSITY
    locks = "cmd:all()"
    help_category = HELP_CATEGORY
    arg_regex = r"\s|$"

    def func(self) -> None:
        """Show it, or change it."""
        account = self.account or getattr(self.caller, "account", None)
        if account is None:
            self._tell("Only a player can ask for that.")
            return
        typed = self.args.strip().lower()
        fitting = [level for level in LEVELS if typed and level.startswith(typed)]
        if typed and len(fitting) != 1:
            self._tell(f"You can hear {', '.join(LEVELS[:-1])} or {LEVELS[-1]}. Say which.")
            return
        if typed:
            choose(account, fitting[0])
        level = level_of(account)
        others = " or ".join(other for other in LEVELS if other != level)
        to_change = f"{verbosity_words()[0]} {others}"
        self._tell(f"You hear |w{level}|n: {_MEANS[level]}. To change it: {to_change}")

    def _tell(self, text: Any) -> None:
        screen = screen_of(self.session) if self.session else screen_before(self.caller)
        self.msg(text=(wrap_text(text, screen), {"type": "towerwatch"}))

    def get_help(self, caller: Any, cmdset: Any) -> str:
        """Called by `help verbosity`."""
        text = cleandoc(self.__doc__).replace("  verbosity", f"  {verbosity_words()[0]}")
        return wrap_text(text, screen_before(caller))
