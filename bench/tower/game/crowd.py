"""Run by the superuser's `py` inside the game: players for a crowd, and rooms to look at."""

import statistics
import sys
import time

from django.conf import settings
from evennia.accounts.models import AccountDB
from evennia.utils.create import create_object
from evennia.utils.search import search_tag
from evennia.utils.utils import class_from_module

_LOOKS = 50


def people(password: str, count: int) -> str:
    """Make accounts `crowd0`, `crowd1` and so on, each with a character that stands nowhere yet."""
    kind = class_from_module(settings.BASE_ACCOUNT_TYPECLASS)
    made = 0
    for number in range(count):
        name = f"crowd{number}"
        if AccountDB.objects.filter(username=name).exists():
            continue
        account, errors = kind.create(username=name, password=password)
        if account is None:
            return f"crowd: {'; '.join(map(str, errors))}"
        for character in account.characters.all():
            character.location = None
        made += 1
    return f"crowd: {made} people"


def go(name: str, where: str) -> str:
    """Bring somebody's character to the room of a host, or to a plain room with nothing in it."""
    character = AccountDB.objects.get(username=name).characters.all()[0]
    if where == "nowhere":
        room = create_object(
            "evennia.objects.objects.DefaultRoom", "An empty room", nohome=True
        )
    else:
        room = search_tag(where, category="tower_host")[0]
    character.move_to(room, quiet=True)
    return f"went: {len(room.contents)} things in {room.key}"


def looked(name: str) -> str:
    """Milliseconds that the room of somebody's character takes to describe itself to him: the median."""
    character = AccountDB.objects.get(username=name).characters.all()[0]
    took = []
    for _ in range(_LOOKS):
        started = time.perf_counter()
        character.location.return_appearance(character)
        took.append(time.perf_counter() - started)
    return f"looked: {1000 * statistics.median(took):.4f} ms"


def python() -> str:
    """The Python that runs the game."""
    return f"python: {sys.executable}"
