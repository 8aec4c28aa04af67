"""The command set that a game adds to its CharacterCmdSet and its AccountCmdSet."""

from typing import Any

from evennia.commands.cmdset import CmdSet
from evennia.commands.command import Command

from .commands.ask import AskCommand
from .commands.base import TowerCommand
from .commands.canonical_help import CanonicalHelpCommand, help_words
from .commands.fleet import FleetCommand
from .commands.overview import OverviewCommand
from .commands.verbosity import VerbosityCommand
from .commands.words import overview_words, verbosity_words, words_of
from .protocol import load_protocol

# Operations that the game answers by itself.
ANSWERED_HERE: dict[str, type[TowerCommand]] = {"fleet": FleetCommand}


class TowerCmdSet(CmdSet):
    """All commands of the plugin.

    It has to be on characters and on accounts: an operator who is out of character and types
    `restart bezalel` would else reach the alias of Evennia's own reload command.
    """

    key = "TowerCmdSet"

    def at_cmdset_creation(self) -> None:
        """Called by Evennia."""
        self.add(_named(OverviewCommand, overview_words()))
        self.add(_named(CanonicalHelpCommand, help_words()))
        self.add(_named(VerbosityCommand, verbosity_words()))
        for operation in load_protocol().operations:
            if operation["answeredBy"] != "shell":
                self.add(command_of(operation)())


def _named(command: type[Command], words: list[str]) -> Command:
    key, *aliases = words
    return command(key=key, aliases=aliases)


def command_of(operation: dict[str, Any]) -> type[TowerCommand]:
    """The command class of one operation. Raises KeyError if nobody here can answer it."""
    asks = operation["answeredBy"] == "watch"
    base = AskCommand if asks else ANSWERED_HERE[operation["name"]]
    key, *aliases = words_of(operation["name"], operation["aliases"])
    class_name = f"Cmd{operation['name'].title().replace('-', '')}"
    members = {"key": key, "aliases": aliases, "operation": operation, "__doc__": operation["help"]}
    return type(class_name, (base,), members)
