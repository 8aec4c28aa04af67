"""Bring the bundled Tower's database up to date: tables, first rooms, channels, accounts.

Usage: python tower_accounts.py GAME_DIRECTORY < accounts.json

One process for all of it, because importing Evennia takes seconds. Safe to run again at any time
while the game is stopped, also after it was cut off in the middle. The passwords come in on stdin:
arguments and environment can be read by others.
"""

import json
import os
import sys
from typing import Any

import django


def prepare_tables() -> None:
    """Create or migrate the database's tables."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    # The web client's files; Evennia's launcher would copy them at every start.
    call_command("collectstatic", interactive=False, verbosity=0)


def prepare_world(superuser: dict[str, str]) -> None:
    """Do what Evennia does at its very first start, save for the restart at its end.

    Args:
        superuser: Account name and password of account #1, which Evennia wants to exist first.
    """
    from django.conf import settings
    from evennia.accounts.models import AccountDB
    from evennia.server import initial_setup
    from evennia.server.models import ServerConfig
    from evennia.utils.create import create_channel

    first = AccountDB.objects.filter(id=1).first()
    if first is None:
        AccountDB.objects.create_superuser(superuser["account"], "", superuser["password"])
    elif not first.check_password(superuser["password"]):
        first.set_password(superuser["password"])
        first.save()
    if ServerConfig.objects.conf("last_initial_setup_step") != "done":
        initial_setup.create_objects()
        initial_setup.at_initial_setup()
        ServerConfig.objects.conf("last_initial_setup_step", "done")

    # Before the accounts: an account joins the channels that are there when it is made.
    from evennia.comms.models import ChannelDB

    for channel in [settings.CHANNEL_MUDINFO, *settings.DEFAULT_CHANNELS]:
        if channel and not ChannelDB.objects.filter(db_key__iexact=channel["key"]).exists():
            create_channel(**channel).connect(AccountDB.objects.get(id=1))


def ensure_player(name: str, password: str, permissions: list[str]) -> None:
    """Make an account with a character, or set the password of the one that is there.

    Args:
        name: Of the account and of its character.
        password: What it logs in with from now on.
        permissions: All the permissions it has.

    Raises:
        RuntimeError: If Evennia refuses; its reasons are in the message.
    """
    from evennia.accounts.models import AccountDB
    from evennia.utils.utils import class_from_module

    account = AccountDB.objects.filter(username__iexact=name).first()
    if account is None:
        from django.conf import settings

        kind = class_from_module(settings.BASE_ACCOUNT_TYPECLASS)
        account, errors = kind.create(username=name, password=password)
        if account is None:
            raise RuntimeError(f"account {name}: {'; '.join(map(str, errors))}")
    if not account.check_password(password):
        account.set_password(password)
        account.save()
    # A cut-off between account and character must heal; and a character keeps the permissions of
    # the moment it was made, so they are set on both.
    if not account.characters.all():
        _, errors = account.create_character(key=name)
        if errors:
            raise RuntimeError(f"character {name}: {'; '.join(map(str, errors))}")
    for holder in [account, *account.characters.all()]:
        holder.permissions.clear()
        for permission in permissions:
            holder.permissions.add(permission)


def empty_rooms() -> None:
    """Take all characters out of their rooms, as Evennia does when a player leaves.

    It makes them standing in the first room, where visitors would take them for people. The game is
    stopped, so nobody is in one; who logs in finds himself where he was.
    """
    from evennia.accounts.models import AccountDB

    for account in AccountDB.objects.all():
        for character in account.characters.all():
            if character.location is not None:
                character.db.prelogout_location = character.location
                character.location = None


def main(game: str, accounts: dict[str, Any]) -> None:
    """Do everything, in order.

    Args:
        game: The game directory.
        accounts: `superuser`, `bridge`, `player`, `visitor`, each with `account` and `password`.
    """
    os.chdir(game)
    sys.path.insert(0, game)
    os.environ["DJANGO_SETTINGS_MODULE"] = "server.conf.settings"
    django.setup()
    prepare_tables()

    import evennia

    evennia._init()
    prepare_world(accounts["superuser"])
    ensure_player(**named(accounts["player"]), permissions=["Builder"])
    ensure_player(**named(accounts["visitor"]), permissions=["Player"])
    empty_rooms()

    from evennia_towerwatch.account import ensure_bridge_account

    ensure_bridge_account(**named(accounts["bridge"]))


def named(account: dict[str, str]) -> dict[str, str]:
    """Return an account's entry as the keyword arguments `name` and `password`."""
    return {"name": account["account"], "password": account["password"]}


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), json.load(sys.stdin))
