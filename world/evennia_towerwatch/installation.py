"""Whether the game has taken the plugin as the README tells: what its settings alone don't show."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError
from evennia.utils.utils import class_from_module

_PACKAGE = __package__
_WHERE = "see Installation in the README of evennia_towerwatch"


def faults() -> list[str]:
    """What is missing or in the way, a sentence each that says what to do; empty if all is well.

    Evennia must have been initialised, because the game's own command sets are made to look into
    them. Nothing is changed.
    """
    return [*_table_faults(), *_command_faults(), *_channel_faults()]


def _table_faults() -> Iterator[str]:
    executor = MigrationExecutor(connection)
    wanted = [node for node in executor.loader.graph.leaf_nodes() if node[0] == _PACKAGE]
    if executor.migration_plan(wanted):
        yield "The table of evennia_towerwatch is missing or old: run `evennia migrate`."


def _command_faults() -> Iterator[str]:
    for setting in ("CMDSET_CHARACTER", "CMDSET_ACCOUNT"):
        path = getattr(settings, setting)
        have, lost = _commands_in(path)
        if not have:
            yield (
                f"TowerCmdSet is not in {path} ({setting}), and who types `restart bezalel` there "
                f"would reload the game: add it at the end of at_cmdset_creation; {_WHERE}."
            )
        elif lost:
            yield (
                f"{path} ({setting}) has commands of its own in the place of the plugin's "
                f"{', '.join(lost)}: add TowerCmdSet after them, or give the words to the game's "
                "with TOWERWATCH_CANONICAL_ONLY."
            )


def _commands_in(path: str) -> tuple[set[str], list[str]]:
    """The plugin's commands in a command set of the game, and those that it should have as well."""
    from .cmdset import TowerCmdSet

    ours = {command.key for command in class_from_module(path)().commands if _is_ours(command)}
    return ours, sorted({command.key for command in TowerCmdSet().commands} - ours)


def _is_ours(command: Any) -> bool:
    # A game may make a class of its own from one of the plugin's.
    return any(base.__module__.startswith(f"{_PACKAGE}.") for base in type(command).__mro__)


def _channel_faults() -> Iterator[str]:
    from . import conf
    from .channel import FleetChannel, find_channel
    from .commands.words import command_words

    try:
        channel = find_channel()
    except DatabaseError:
        # The game has never been started, or its own tables are missing, which Evennia tells.
        return
    name = conf.channel_name()
    in_the_way = name.lower() in command_words()
    if channel is not None and in_the_way and not isinstance(channel, FleetChannel):
        yield (
            f"There is a channel {name} of another type in the game, and its listeners could not "
            f"type the command `{name.lower()}`: make typeclasses/channels.py as the README of "
            "evennia_towerwatch tells, or give TOWERWATCH_CHANNEL another name."
        )
