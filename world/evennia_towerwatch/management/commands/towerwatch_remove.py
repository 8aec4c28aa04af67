"""`evennia towerwatch_remove`: takes out of the game what the plugin has made in it."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """The step before the README's lines and the package itself are taken out."""

    help = (
        "Takes out of the game what evennia_towerwatch has made in it: NPCs, exits, rooms, "
        "channel, account of the watch, marks and table. What builders have made stays."
    )
    # It is to work where something of the installation is broken.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--dry-run", action="store_true", help="only list what would go")
        parser.add_argument("--yes", action="store_true", help="really remove it")
        parser.add_argument(
            "--all",
            action="store_true",
            help="remove also rooms that a builder has described or connected to the world",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django."""
        import evennia

        if evennia.SESSION_HANDLER is None:
            evennia._init()

        from evennia_towerwatch.removal import plan, remove

        lines = [step.text for step in plan(options["all"])]
        if not lines:
            self.stdout.write("Nothing of evennia_towerwatch is in this game.")
            return
        if not options["yes"] or options["dry_run"]:
            self._list("Would be removed:", lines)
            if not options["dry_run"]:
                raise CommandError("Nothing was removed. Say --yes to remove all of this.")
            return
        if _is_running():
            raise CommandError("The game is running. Stop it first: evennia stop")
        self._list("Removed:", remove(options["all"]))
        self.stdout.write(
            "Now take the lines of the installation out of the game's files, and then: "
            "pip uninstall evennia-towerwatch"
        )

    def _list(self, title: str, lines: list[str]) -> None:
        self.stdout.write(title)
        for line in lines:
            self.stdout.write(f"  {line}")


def _is_running() -> bool:
    """Whether the game's portal listens for its launcher."""
    try:
        socket.create_connection((settings.AMP_HOST, settings.AMP_PORT), timeout=5).close()
    except OSError:
        return False
    return True
