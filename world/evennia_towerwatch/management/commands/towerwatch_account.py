"""`evennia towerwatch_account NAME`: makes the account with which the watch logs in."""

import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Never takes a password as an argument: arguments are seen by everybody on the machine."""

    help = (
        "Makes the account with which the watch logs in, or gives it a new password. "
        "The password is made up and shown once, unless it is read from standard input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("name", help="name of the account, for example towerwatch")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of standard input and show nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django."""
        import evennia

        if evennia.SESSION_HANDLER is None:
            evennia._init()

        from evennia.accounts.models import AccountDB

        from evennia_towerwatch.account import AccountError, ensure_bridge_account

        is_there = AccountDB.objects.filter(username__iexact=options["name"]).exists()
        given = options["password_stdin"]
        password = sys.stdin.readline().rstrip("\r\n") if given else secrets.token_urlsafe(24)
        try:
            ensure_bridge_account(options["name"], password)
        except AccountError as error:
            raise CommandError(str(error)) from error
        # Beside the password and not before it: that alone is what a script takes.
        if not given:
            self.stderr.write(f"The password of {options['name']}, which is shown this once:")
        if is_there:
            self.stderr.write("A game that is running takes it after `evennia reload`.")
        self.stderr.flush()
        if not given:
            self.stdout.write(password)
