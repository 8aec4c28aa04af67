"""`towerwatch`: is the watch there, and what can be asked of it; `help towerwatch` is the same."""

import difflib
from typing import Any

from evennia.commands.command import Command

from evennia_towerwatch import __version__, conf
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.escape import escape
from evennia_towerwatch.layout import NARROW, Screen, wrap, wrap_text
from evennia_towerwatch.pager import show_here
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.screens import screen_before, screen_of

from .base import HELP_CATEGORY, usage
from .words import OVERVIEW, VERBOSITY, canonical, verbosity_words, word_of

# Summaries begin here, where there is room for two columns.
_COLUMN = 28


class OverviewCommand(Command):
    """The first thing a newcomer asks for; its words are those of `words.overview_words`."""

    key = OVERVIEW
    locks = "cmd:all()"
    help_category = HELP_CATEGORY
    # `tower/helth` is nobody's command, and ends here: somebody has to say what was meant. Where
    # there is one of that name, that has the longer name and goes first.
    arg_regex = r"\s|$|/"

    def func(self) -> None:
        """Show it; or what a mistyped `tower/…` was meant to be."""
        session = self.session
        if self.args.startswith("/"):
            screen = screen_of(session) if session else screen_before(self.caller)
            text = wrap_text(meant(self.args[1:]), screen)
            self.msg(text=(text, {"type": "towerwatch"}))
        elif session is None:
            self.msg(text=(_overview(screen_before(self.caller)), {"type": "towerwatch"}))
        else:
            show_here(_overview(screen_of(session)).split("\n"), session)

    def get_help(self, caller: Any, cmdset: Any) -> str:
        """Called by `help towerwatch`."""
        return _overview(screen_before(caller))


def meant(typed: str) -> str:
    """That there is no such canonical form, and which one was meant, perhaps."""
    word = typed.split()[0].lower()[:64] if typed.split() else ""
    names = [VERBOSITY] + [
        word
        for operation in load_protocol().operations
        if operation["answeredBy"] != "shell"
        for word in (operation["name"], *operation["aliases"])
    ]
    near = difflib.get_close_matches(word, names, 1)
    # An alias has no canonical form of its own.
    by_alias = {
        alias: one["name"] for one in load_protocol().operations for alias in one["aliases"]
    }
    said = f"There is no command {escape(canonical(word), 60)}."
    if not near:
        return f"{said} To see what there is, type: {OVERVIEW}"
    return f"{said} Did you mean {canonical(by_alias.get(near[0], near[0]))}?"


def _overview(screen: Screen) -> str:
    lines = [
        "Towerwatch keeps a fleet of AI agents alive. Each agent stands in the room of its host "
        "and shows how it is. Its death and its return are said in that room, in the "
        f"{conf.watch_room_name()} and on the channel {conf.channel_name()}.",
        # Ahead of the list, whose end is on a second page of a small screen.
        *_link().split("\n"),
        *([] if screen.reader else ["With a screen reader, type: option/save screenreader = on"]),
        "",
    ]
    for operation in load_protocol().operations:
        if operation["answeredBy"] != "shell":
            lines += _entry(usage(operation, flags=False), operation["summary"], screen)
    look = f"One agent in full, where it lives or from the {conf.watch_room_name()}"
    ack, silence, pause = word_of("ack"), word_of("silence"), word_of("pause")
    lines += [
        *_entry(f"{verbosity_words()[0]} [level]", "How much of this you want to hear", screen),
        *_entry("look <agent>", look, screen),
        "",
        f"The beginning of a name will do. #12 is the number of an incident; {ack}, {silence} and "
        f"{pause} keep things quiet for a while, and {word_of('incidents')} shows what is open.",
        f"Each also goes by {canonical('<name>')}, where another command has its short name. What "
        "changes something only tells what it would do with --dry-run behind it.",
        "States: |cnew|n, |gup|n, |ylate|n (overdue, not yet given up), |rdown|n, "
        "|munreachable|n (its host can't be seen), |bpaused|n (by a person), |Wunknown|n "
        "(the watch wasn't looking).",
    ]
    return "\n".join(part for line in lines for part in wrap(line, screen, 0))


def _link() -> str:
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
            "unless that one was just stopped, two are running for this game."
        )
    if BRIDGE.rivals.refusals > 0:
        text += f"\nAnother watch wanted its place and was refused: {BRIDGE.rivals.refusals} times."
    return text


def _entry(what: str, summary: str, screen: Screen) -> list[str]:
    """One command; what it does goes below it where it is long, or the screen is narrow."""
    if screen.reader:
        return [f"{what}: {summary}."]
    if screen.columns < NARROW:
        return [*wrap(f"  |w{what}|n", screen), *wrap(f"    {summary}", screen, 0)]
    if len(what) < _COLUMN:
        return wrap(f"  |w{what:<{_COLUMN}}|n{summary}", screen, _COLUMN)
    return [*wrap(f"  |w{what}|n", screen), *wrap(f"  {'':<{_COLUMN}}{summary}", screen, 0)]
