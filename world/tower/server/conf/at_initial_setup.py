"""Runs once, when the game starts for the first time."""

from evennia.objects.models import ObjectDB

from evennia_towerwatch.build import adopt_watch_room


def at_initial_setup() -> None:
    """Players start in #2 (START_LOCATION): make that the Watch Room."""
    adopt_watch_room(ObjectDB.objects.get(id=2))
