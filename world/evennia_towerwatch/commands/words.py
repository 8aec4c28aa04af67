"""The words that the plugin's commands take."""

from functools import cache

from evennia_towerwatch import conf
from evennia_towerwatch.protocol import load_protocol

CANONICAL = "tower/"
OVERVIEW = ("towerwatch", "tower")
VERBOSITY = ("verbosity", f"{CANONICAL}verbosity")


@cache
def command_words() -> frozenset[str]:
    """Every word that is a command of the plugin, in lower case."""
    words = {*OVERVIEW, *VERBOSITY}
    for operation in load_protocol().operations:
        if operation["answeredBy"] != "shell":
            words.update(words_of(operation["name"], operation["aliases"]))
    return frozenset(words)


def words_of(name: str, aliases: list[str]) -> list[str]:
    """The words of one operation, its canonical one last."""
    short = [] if name in conf.canonical_only() else [name, *aliases]
    return [*short, f"{CANONICAL}{name}"]
