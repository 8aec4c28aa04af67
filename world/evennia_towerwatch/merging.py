"""Sets of commands that are merged by the names of their commands.

At every line that somebody types, Evennia merges the sets of the account, the character, the room
and its exits. Evennia 5 gives all commands the same hash, so that what a set remembers of others'
commands is compared one by one with everything else in it: in a room with a set of its own and an
exit that takes longer than all the rest of a command. (Evennia 6 has mended it, and keeps what it
has merged.)
"""

from evennia.commands.cmdset import CmdSet
from evennia.commands.command import Command


class MergedByName(CmdSet):
    """Evennia's own, with the same results.

    What it becomes when it is merged is of this kind, too: exits are merged onto that. The hooks
    below are those of Evennia 5 and 6; one that is never called costs time and nothing else.
    """

    def __contains__(self, command: Command | str) -> bool:
        """Whether one of its commands has this name, or one of the names of this command."""
        return command in self.commands

    def _duplicate(self) -> CmdSet:
        merged = super()._duplicate()
        merged.__class__ = MergedByName
        return merged

    def _union(self, cmdset_a: CmdSet, cmdset_b: CmdSet) -> CmdSet:
        if cmdset_a.duplicates and cmdset_a.priority == cmdset_b.priority:
            return super()._union(cmdset_a, cmdset_b)
        merged = cmdset_a._duplicate()
        names = {name for command in cmdset_a for name in _names(command)}
        rest = [command for command in cmdset_b if names.isdisjoint(_names(command))]
        merged.commands = [*cmdset_a, *rest]
        return merged


def _names(command: Command) -> list[str]:
    return [name.lower() for name in (command.key, *command.aliases)]
