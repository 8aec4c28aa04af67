"""The rooms and bodies of the fleet: a Watch Room, a room per host, an NPC per agent.

Everything is found by its number, of which the plugin keeps a list of its own: players may name
things as they like, and builders tag them so. The tags are for people, and put back. It is safe to
run at any time and any number of times. What builders have written stays: descriptions are theirs,
and nothing of a host or agent that has left the fleet is deleted. It is taken out of the world, and
comes back if they do.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db.models import Q
from evennia.objects.models import ObjectDB
from evennia.objects.objects import DefaultExit
from evennia.utils import logger
from evennia.utils.create import create_object
from twisted.internet import task

from . import conf
from .appearance import shown_name
from .commands.words import command_words, game_words
from .escape import escape
from .fleet import Agent, Fleet, Host, by_name
from .models import Made, note_made
from .npc import AGENT_TAG, TowerNPC
from .rooms import HOST_TAG, WATCH_TAG, HostRoom, WatchRoom

EXIT_IN_TAG = "tower_exit_in"
EXIT_OUT_TAG = "tower_exit_out"
# What a room was that has become the Watch Room; read by the removal of the plugin.
BEFORE_ADOPTION = "towerwatch_before"

# What the plugin makes, by the category of the tag on it.
KINDS: dict[str, type] = {
    WATCH_TAG: WatchRoom,
    HOST_TAG: HostRoom,
    AGENT_TAG: TowerNPC,
    EXIT_IN_TAG: DefaultExit,
    EXIT_OUT_TAG: DefaultExit,
}

_running: Any = None


def follow(fleet: Fleet) -> None:
    """Make the world follow the fleet, a little at a time so that the game goes on meanwhile."""
    global _running
    if _running is not None:
        with contextlib.suppress(task.TaskFinished):
            _running.stop()
    _running = task.cooperate(_logged(fleet))


def _logged(fleet: Fleet) -> Iterator[None]:
    try:
        yield from steps(fleet)
    except Exception:
        logger.log_trace("Towerwatch: the rooms could not follow the fleet")


def build_now(fleet: Fleet) -> None:
    """Make the world follow the fleet at once."""
    for _ in steps(fleet):
        pass


def steps(fleet: Fleet) -> Iterator[None]:
    """Make the world follow the fleet; each step is one object's worth of work."""
    watch = ensure_watch_room()
    _tag_again()
    for wing in WINGS:
        yield from wing(fleet, watch)


def chambers(fleet: Fleet, watch: Any) -> Iterator[None]:
    """The wing of the hosts: a room for each, and the agents in it."""
    rooms = _ours(HOST_TAG, HostRoom)
    npcs = _ours(AGENT_TAG, TowerNPC)
    hosts, agents = dict(fleet.hosts), dict(fleet.agents)
    # Who has gone, first: the board of the Watch Room shows them no more, so no exit may.
    for agent_id in npcs.keys() - agents.keys():
        _put(npcs[agent_id], None, home=watch)
        yield
    for host_id in rooms.keys() - hosts.keys():
        _close_room(host_id, rooms[host_id], watch)
        yield
    for host in by_name(hosts.values()):
        rooms[host.id] = _ensure_room(host, rooms.get(host.id), watch)
        yield
    for agent in by_name(agents.values()):
        _ensure_npc(agent, npcs.get(agent.id), rooms.get(agent.host, watch))
        yield


# What is built around the Watch Room, in this order. A new wing is a function in a file of its own
# like `chambers`, and a word here: safe to run at any time, everything found by the plugin's list,
# a step for each object, and nothing deleted that a builder may have worked on.
WINGS: tuple[Callable[[Fleet, Any], Iterator[None]], ...] = (chambers,)


def watch_room() -> Any:
    """The Watch Room, or None where it has not been made."""
    return _first(WATCH_TAG, WATCH_TAG, WatchRoom)


def host_room(host_id: str | None) -> Any:
    """The room of a host, or None."""
    return _first(host_id, HOST_TAG, HostRoom) if host_id else None


def host_rooms(host_ids: Iterable[str]) -> list[Any]:
    """The rooms of these hosts, as far as there are any; one question to the database for all."""
    return list(_ours(HOST_TAG, HostRoom, host_ids).values())


def ensure_watch_room() -> Any:
    """The Watch Room; made where it is missing."""
    room = watch_room()
    if room is None:
        room = create_object(WatchRoom, conf.watch_room_name(), nohome=True)
        _note(room, WATCH_TAG, WATCH_TAG)
    return room


def adopt_watch_room(room: Any) -> Any:
    """Make a room that is there already the Watch Room: the start of a new game, for instance.

    Its name and description become the Watch Room's. Does nothing where there is one already.
    """
    existing = watch_room()
    if existing is not None:
        return existing
    before = {"typeclass": room.typeclass_path, "key": room.key, "desc": room.db.desc}
    room.attributes.add(BEFORE_ADOPTION, before)
    room.swap_typeclass(WatchRoom, clean_attributes=False)
    room.key = conf.watch_room_name()
    room.attributes.remove("desc")
    _note(room, WATCH_TAG, WATCH_TAG)
    return room


def has_work_of_builders(room: Any) -> bool:
    """Whether somebody has described a room, or has made an exit of it or to it."""
    ways = ObjectDB.objects.filter(Q(db_location=room) | Q(db_destination=room))
    ways = ways.filter(db_destination__isnull=False)
    ours = Made.objects.filter(category__in=[EXIT_IN_TAG, EXIT_OUT_TAG])
    return bool(room.db.desc) or ways.exclude(id__in=ours.values("object_id")).exists()


def take_over_tagged() -> None:
    """For a game whose plugin kept no list yet: of what has its tags the oldest counts, this once.

    Only where the list is empty. From then on a tag makes nothing the plugin's own.
    """
    if Made.objects.exists():
        return
    for category, typeclass in KINDS.items():
        tagged = ObjectDB.objects.filter(db_tags__db_category=category).distinct().order_by("-id")
        for thing in tagged:
            for key in thing.tags.get(category=category, return_list=True):
                if isinstance(thing, typeclass):
                    note_made(category, key, thing.id)


def _ours(category: str, typeclass: type, keys: Iterable[str] | None = None) -> dict[str, Any]:
    """The plugin's own objects of this kind, by the id of their host or agent; of these only."""
    rows = Made.objects.filter(category=category)
    if keys is not None:
        rows = rows.filter(key__in=sorted(keys))
    # One question for all: asking for each of ten thousand bodies would keep the game for seconds.
    things = ObjectDB.objects.filter(id__in=rows.values("object_id"))
    by_id = {thing.id: thing for thing in things if isinstance(thing, typeclass)}
    found = {key: by_id.get(made_id) for key, made_id in rows.values_list("key", "object_id")}
    return {key: thing for key, thing in found.items() if thing is not None}


def _tag_again() -> None:
    """Put back the tags that somebody has taken off."""
    for category, typeclass in KINDS.items():
        tags = ObjectDB.db_tags.through.objects.filter(tag__db_category=category)
        there = set(tags.values_list("tag__db_key", "objectdb_id"))
        made = Made.objects.filter(category=category)
        for key, made_id in made.values_list("key", "object_id"):
            if (key, made_id) not in there:
                thing = ObjectDB.objects.filter(id=made_id).first()
                if isinstance(thing, typeclass):
                    thing.tags.add(key, category=category)


def _first(key: str, category: str, typeclass: type) -> Any:
    return _ours(category, typeclass, [key]).get(key)


def _note(thing: Any, key: str, category: str) -> None:
    """From now on this is the plugin's own."""
    thing.tags.add(key, category=category)
    note_made(category, key, thing.id)


def _ensure_room(host: Host, room: Any, watch: Any) -> Any:
    name = shown_name(host)
    if room is None:
        room = create_object(HostRoom, f"Host {name}", nohome=True)
        _note(room, host.id, HOST_TAG)
    # Not the bare name: `look ezra` in here is to find the agent, and a room answers to its own.
    _name(room, f"Host {name}")
    _ensure_exit(EXIT_IN_TAG, host.id, watch, room, name, [host.id])
    _ensure_exit(EXIT_OUT_TAG, host.id, room, watch, watch.key, ["out", "watch"])
    return room


def _ensure_exit(
    category: str, host_id: str, source: Any, target: Any, name: str, aliases: list[str]
) -> None:
    # An exit's name is a command, and stronger than others: a host called "health" must not take
    # the plugin's, nor one called "home" the game's.
    taken = command_words() | game_words()
    key = name if name.lower() not in taken else f"to {name}"
    aliases = [alias for alias in aliases if alias not in taken and alias != key.lower()]
    passage = _first(host_id, category, DefaultExit)
    if passage is None:
        passage = create_object(
            settings.BASE_EXIT_TYPECLASS, key, location=source, destination=target, home=source
        )
        _note(passage, host_id, category)
    _put(passage, source, home=source)
    if passage.destination != target:
        passage.destination = target
    _name(passage, key, *aliases)


def _ensure_npc(agent: Agent, npc: Any, room: Any) -> None:
    name = shown_name(agent)
    if npc is None:
        npc = create_object(TowerNPC, name, location=room, home=room)
        _note(npc, agent.id, AGENT_TAG)
    _put(npc, room, home=room)
    _name(npc, name, agent.id)


def _put(thing: Any, where: Any, home: Any) -> None:
    # First where it belongs: that may be a room which somebody has destroyed, and with such a one
    # in it Django saves nothing of it.
    if thing.home != home:
        thing.home = home
    if thing.location != where:
        thing.location = where


def _name(thing: Any, name: str, *aliases: str) -> None:
    # Setting it to the same again would write to the database each time.
    if thing.key != name:
        thing.key = name
    known = thing.aliases.all()
    for alias in aliases:
        if alias not in known:
            thing.aliases.add(alias)


def _close_room(host_id: str, room: Any, watch: Any) -> None:
    """Take the way in out of the world; who stands in there is brought to the Watch Room."""
    passage = _first(host_id, EXIT_IN_TAG, DefaultExit)
    if passage is not None:
        _put(passage, None, home=watch)
    for thing in room.contents:
        if thing.has_account:
            thing.msg(f"{escape(room.key, 60)} is no longer in the fleet, and you are led out.")
            thing.move_to(watch, quiet=True)
