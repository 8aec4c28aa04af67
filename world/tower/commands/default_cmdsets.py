"""The command sets of the game: Evennia's own and Towerwatch's."""

from evennia import default_cmds

from evennia_towerwatch.cmdset import TowerCmdSet


class CharacterCmdSet(default_cmds.CharacterCmdSet):
    """What a character can do."""

    key = "DefaultCharacter"

    def at_cmdset_creation(self) -> None:
        """Called by Evennia."""
        super().at_cmdset_creation()
        self.add(TowerCmdSet)


class AccountCmdSet(default_cmds.AccountCmdSet):
    """What an account can do, in and out of character."""

    key = "DefaultAccount"

    def at_cmdset_creation(self) -> None:
        """Called by Evennia."""
        super().at_cmdset_creation()
        self.add(TowerCmdSet)


class UnloggedinCmdSet(default_cmds.UnloggedinCmdSet):
    """What somebody can do who has not logged in."""

    key = "DefaultUnloggedin"


class SessionCmdSet(default_cmds.SessionCmdSet):
    """What belongs to a connection."""

    key = "DefaultSession"
