"""`towerwatch`: is the watch there, and what can be asked of it; `help towerwatch` is the same."""

from typing import Any, ClassVar

from evennia.commands.command import Command

from evennia_towerwatch import __version__, conf
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.escape import escape
from evennia_towerwatch.protocol import load_protocol

from .base import HELP_CATEGORY, usage
from .words import OVERVIEW

# Summaries begin here.
_COLUMN = 28


class OverviewCommand(Command):
    """The first thing a newcomer asks for."""

    key = OVERVIEW[0]
    aliases: ClassVar[list[str]] = list(OVERVIEW[1:])
    locks = "cmd:all()"
    help_category = HELP_CATEGORY
    arg_regex = r"\s|$"

    def func(self) -> None:
        """Show it."""
        self.msg(text=(self.get_help(self.caller, None), {"type": "towerwatch"}))

    def get_help(self, caller: Any, cmdset: Any) -> str:
        """Called by `help towerwatch`."""
        lines = [
            "Towerwatch keeps a fleet of AI agents alive. Each agent stands in the room of its",
            "host and shows how it is. Its death and its return are said in that room, in the",
            f"{conf.watch_room_name()} and on the channel {conf.channel_name()}.",
            # Ahead of the list, whose end is on a second page of a small screen.
            self._link(),
            "",
        ]
        for operation in load_protocol().operations:
            if operation["answeredBy"] != "shell":
                lines += _entry(usage(operation, flags=False), operation["summary"])
        lines += [
            *_entry("verbosity [level]", "How much of this you want to hear"),
            *_entry(
                "look <agent>",
                f"One agent in full, where it lives or from the {conf.watch_room_name()}",
            ),
            "",
            "The beginning of a name will do. #12 is the number of an incident; ack, silence and",
            "pause keep things quiet for a while, and incidents shows what is open.",
            "Each also goes by tower/<name>, where another command has its short name. What",
            "changes something only tells what it would do with --dry-run behind it.",
            "States: |cnew|n, |gup|n, |ylate|n (overdue, not yet given up), |rdown|n, "
            "|munreachable|n (its host",
            "can't be seen), |bpaused|n (by a person), |Wunknown|n (the watch wasn't looking).",
        ]
        return "\n".join(lines)

    def _link(self) -> str:
        problem = BRIDGE.problem()
        if problem is not None:
            return problem
        text = (
            f"The watch {escape(BRIDGE.watch_version, 40)} of the fleet "
            f"{escape(BRIDGE.fleet_name, 60)} is connected since {BRIDGE.connected.said()}; "
            f"this plugin is {__version__}."
        )
        if BRIDGE.taken_over is not None:
            text += (
                f"\nAt {BRIDGE.taken_over.said()} it took the place of another watch: "
                "if that happens often, two are running with the same account."
            )
        return text


def _entry(what: str, summary: str) -> list[str]:
    """One command; what it does goes below it where it is long."""
    if len(what) < _COLUMN:
        return [f"  |w{what:<{_COLUMN}}|n{summary}"]
    return [f"  |w{what}|n", f"  {'':<{_COLUMN}}{summary}"]
