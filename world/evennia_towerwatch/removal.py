"""Takes out of a game whatever the plugin has put into it, so that the lines can go as well.

What builders have made stays: a room that one has described or connected becomes a plain room of
the game, things and people are brought home before a room goes, and the exits, objects and
descriptions that are not the plugin's are not touched.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from evennia.accounts.models import AccountDB
from evennia.comms.models import ChannelDB
from evennia.objects.models import ObjectDB
from evennia.typeclasses.attributes import Attribute
from evennia.typeclasses.tags import Tag

from . import conf
from .account import BridgeAccount
from .build import BEFORE_ADOPTION, EXIT_IN_TAG, EXIT_OUT_TAG, has_work_of_builders
from .channel import MADE_TAG, TAGS
from .models import Made, ToldAlert
from .npc import AGENT_TAG, TowerNPC
from .rooms import HOST_TAG, WATCH_TAG, TowerRoom

_PACKAGE = __package__
_ATTRIBUTES = "towerwatch_"
_EXIT_TAGS = (EXIT_IN_TAG, EXIT_OUT_TAG)
_OBJECT_TAGS = (AGENT_TAG, HOST_TAG, WATCH_TAG, *_EXIT_TAGS)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is removed: a line that says so, and what does it."""

    text: str
    act: Callable[[], Any]


def remove(everything: bool) -> list[str]:
    """Remove it all; the game must not be running, for its server has its own copies in memory.

    Args:
        everything: Rooms that builders have described or connected, too.

    Returns:
        A line for each thing that was removed.
    """
    steps = plan(everything)
    with transaction.atomic():
        tags = set(_tags_of_what_goes())
        _bring_home([*_bodies_that_go(), *filter(_goes(everything), _of_type(TowerRoom))])
        for step in steps:
            step.act()
        for tag in tags:
            if not _is_used(tag):
                tag.delete()
    if _table_is_there():
        call_command("migrate", _PACKAGE, "zero", verbosity=0, interactive=False)
    ContentType.objects.filter(app_label=_PACKAGE).delete()
    shutil.rmtree(_static_folder(), ignore_errors=True)
    return [step.text for step in steps]


def plan(everything: bool) -> list[Step]:
    """What there is to be removed, in the order in which it goes."""
    return [
        *_exits(),
        *_bodies(),
        *_rooms(everything),
        *_channels(),
        *_accounts(),
        *_marks(),
        *_tables(),
    ]


def _exits() -> Iterator[Step]:
    for passage in _ways():
        yield Step(f"exit {_name(passage)} of {_name(passage.location)}", passage.delete)


def _ways() -> list[Any]:
    made = ObjectDB.objects.filter(id__in=_made_ids(*_EXIT_TAGS)).order_by("id")
    return [passage for passage in made if passage.destination is not None]


def _bodies() -> Iterator[Step]:
    going = _bodies_that_go()
    for npc in going:
        text = f"NPC {_name(npc)}"
        if npc.db.desc:
            text += f", whose description was: {npc.db.desc}"
        yield Step(text, npc.delete)
    for thing in _of_type(TowerNPC):
        if thing not in going:
            yield Step(
                f"type and tags of {_name(thing)}, which stays as a plain object: "
                "it only looks like an agent",
                partial(_make_plain_object, thing),
            )


def _bodies_that_go() -> list[Any]:
    made = _made_ids(AGENT_TAG)
    return [npc for npc in _of_type(TowerNPC) if npc.id in made]


def _rooms(everything: bool) -> Iterator[Step]:
    goes = _goes(everything)
    made = _made_ids(WATCH_TAG, HOST_TAG)
    for room in _of_type(TowerRoom):
        if goes(room):
            yield Step(f"room {_name(room)}", room.delete)
        else:
            why = "a builder has worked on it"
            if _is_start(room):
                why = "players start there"
            elif room.id not in made:
                why = "it is none of the plugin's"
            yield Step(
                f"type and tags of {_name(room)}, which stays as a plain room: {why}",
                partial(_make_plain, room),
            )


def _goes(everything: bool) -> Callable[[Any], bool]:
    made = _made_ids(WATCH_TAG, HOST_TAG)

    def goes(room: Any) -> bool:
        # A builder can make a room of this type, too: that one is theirs.
        if _is_start(room) or room.id not in made:
            return False
        return everything or not has_work_of_builders(room)

    return goes


def _is_start(room: Any) -> bool:
    return room.dbref in (
        settings.START_LOCATION,
        settings.DEFAULT_HOME,
        settings.GUEST_START_LOCATION,
    )


def _channels() -> Iterator[Step]:
    for channel in ChannelDB.objects.filter(
        db_tags__db_key=MADE_TAG, db_tags__db_category=TAGS
    ).distinct():
        yield Step(f"channel {channel.key} and its history", partial(_drop_channel, channel))


def _accounts() -> Iterator[Step]:
    for account in AccountDB.objects.filter(db_typeclass_path=BridgeAccount.path):
        yield Step(f"account {account.key} of the watch", account.delete)


def _marks() -> Iterator[Step]:
    attributes = Attribute.objects.filter(db_key__startswith=_ATTRIBUTES)
    if attributes:
        yield Step(f"{len(attributes)} attributes {_ATTRIBUTES}…", attributes.delete)
    tags = Tag.objects.filter(db_category__in=(*_OBJECT_TAGS, TAGS))
    if tags:
        yield Step(f"{len(tags)} tags, with which the plugin finds its own", tags.delete)


def _tables() -> Iterator[Step]:
    if _table_is_there():
        count = ToldAlert.objects.count()
        # Django's own command does that, outside of the transaction.
        yield Step(f"tables of {count} told alerts and of what was made", lambda: None)


def _table_is_there() -> bool:
    return _is_there(ToldAlert)


def _is_there(model: Any) -> bool:
    return model._meta.db_table in connection.introspection.table_names()


def _made_ids(*categories: str) -> set[int]:
    """The objects that the plugin has made, and nothing that merely has their tags."""
    if not _is_there(Made):
        # Nobody knows better.
        tagged = ObjectDB.objects.filter(db_tags__db_category__in=categories)
        return set(tagged.values_list("id", flat=True))
    return set(Made.objects.filter(category__in=categories).values_list("object_id", flat=True))


def _of_type(typeclass: type) -> list[Any]:
    """The objects of a type of the plugin, whoever has made them."""
    return [
        thing
        for thing in ObjectDB.objects.filter(db_typeclass_path__startswith=f"{_PACKAGE}.").order_by(
            "id"
        )
        if isinstance(thing, typeclass)
    ]


def _tags_of_what_goes() -> Iterator[Tag]:
    """Aliases and permissions of what is removed: Evennia leaves the rows of unused ones behind."""
    yield from Tag.objects.filter(objectdb__in=[*_of_type(TowerNPC), *_of_type(TowerRoom)])
    yield from Tag.objects.filter(objectdb__in=_ways())
    yield from Tag.objects.filter(accountdb__db_typeclass_path=BridgeAccount.path)
    yield from Tag.objects.filter(channeldb__in=ChannelDB.objects.filter(db_tags__db_category=TAGS))


def _is_used(tag: Tag) -> bool:
    return any(
        getattr(tag, relation.get_accessor_name()).exists()
        for relation in Tag._meta.related_objects
    )


def _bring_home(places: list[Any]) -> None:
    """Whoever and whatever is in these, belongs there, or left the game from there."""
    default = ObjectDB.objects.filter(id=int(settings.DEFAULT_HOME.lstrip("#"))).first()
    going = set(places)

    def home_of(thing: Any) -> Any:
        return default if thing.home is None or thing.home in going else thing.home

    for place in places:
        for thing in place.contents:
            if thing not in going and thing.destination is None:
                thing.location = home_of(thing)
    for thing in ObjectDB.objects.filter(db_home__in=places):
        thing.home = default
    for attribute in Attribute.objects.filter(db_key="prelogout_location"):
        owner = attribute.objectdb_set.first()
        if owner is not None and attribute.value in going:
            attribute.value = home_of(owner)


def _make_plain(room: Any) -> None:
    """What is left is a room of the game's own type, with what was there before it was adopted."""
    room.cmdset.remove_default()
    room.db_cmdset_storage = None
    room.save(update_fields=["db_cmdset_storage"])
    before = room.attributes.get(BEFORE_ADOPTION) or {}
    room.swap_typeclass(before.get("typeclass", settings.BASE_ROOM_TYPECLASS), run_start_hooks=None)
    if before.get("key") and room.key == conf.watch_room_name():
        room.key = before["key"]
    if before.get("desc") and not room.db.desc:
        room.db.desc = before["desc"]


def _make_plain_object(thing: Any) -> None:
    """What is left is an object of the game's own type, with the locks that it has."""
    thing.swap_typeclass(settings.BASE_OBJECT_TYPECLASS, run_start_hooks=None)


def _drop_channel(channel: Any) -> None:
    log = Path(settings.LOG_DIR) / channel.get_log_filename()
    channel.delete()
    for part in log.parent.glob(f"{log.name}*"):
        part.unlink()


def _static_folder() -> Path:
    """Where Evennia has collected the plugin's style sheet."""
    return Path(settings.STATIC_ROOT) / _PACKAGE


def _name(thing: Any) -> str:
    return f"{thing.key} ({thing.dbref})" if thing else "nowhere"
