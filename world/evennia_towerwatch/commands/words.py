"""The words that the plugin's commands take."""

import re
from functools import cache

from django.conf import settings
from evennia.utils.utils import class_from_module

from evennia_towerwatch import conf
from evennia_towerwatch.protocol import load_protocol

OVERVIEW = "towerwatch"
VERBOSITY = "verbosity"

# As the watch tells people what to type: `type: ack 12`, `type "confirm 7F3K9M"`, `For example: …`.
_HINT = re.compile(r"([Tt]ype:? \"?|[Ff]or example: )([a-z][a-z-]*)")


def command_words() -> frozenset[str]:
    """Every word that is a command of the plugin, in lower case."""
    return _command_words(conf.prefix(), tuple(sorted(_canonical_only())))


@cache
def _command_words(prefix: str, hidden: tuple[str, ...]) -> frozenset[str]:
    # Worked out again only where the settings changed.
    words = {*overview_words(), *verbosity_words()}
    for operation in load_protocol().operations:
        if operation["answeredBy"] != "shell":
            words.update(words_of(operation["name"], operation["aliases"]))
    return frozenset(words)


def game_words() -> frozenset[str]:
    """Every word that is a command of the game in character or out, in lower case."""
    return _game_words(settings.CMDSET_CHARACTER, settings.CMDSET_ACCOUNT)


@cache
def _game_words(*paths: str) -> frozenset[str]:
    commands = [command for path in paths for command in class_from_module(path)().commands]
    return frozenset(
        word.lstrip(settings.CMD_IGNORE_PREFIXES)
        for command in commands
        for word in command._keyaliases
    )


def words_of(name: str, aliases: list[str]) -> list[str]:
    """The words of one operation, its canonical one last."""
    short = [] if conf.is_canonical_only(name) else [name, *aliases]
    return [*short, canonical(name)]


def canonical(name: str) -> str:
    """`tower/health`: what an operation is called in any case."""
    return f"{conf.prefix()}/{name}"


def word_of(name: str) -> str:
    """What people type for an operation: its short name, where it has one here."""
    return canonical(name) if conf.is_canonical_only(name) else name


def overview_words() -> list[str]:
    """The words of the overview."""
    return [OVERVIEW, *([conf.prefix()] if conf.prefix() != OVERVIEW else [])]


def verbosity_words() -> list[str]:
    """The words of `verbosity`, which is no operation of the watch."""
    short = [] if conf.is_canonical_only(VERBOSITY) else [VERBOSITY]
    return [*short, canonical(VERBOSITY)]


def as_typed_here(text: str) -> str:
    """A text that says what to type, in the words of this game: the watch knows no prefix."""
    hidden = _canonical_only()
    if not hidden:
        return text
    return _HINT.sub(
        lambda hint: hint[1] + (canonical(hint[2]) if hint[2] in hidden else hint[2]), text
    )


def _canonical_only() -> set[str]:
    return {name for name in _operation_names() if conf.is_canonical_only(name)}


@cache
def _operation_names() -> frozenset[str]:
    return frozenset(operation["name"] for operation in load_protocol().operations)
