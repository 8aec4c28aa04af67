"""The rooms of the Tower. What they tell of the fleet is worked out at the moment of looking."""

from typing import Any

from evennia.commands.default.general import CmdLook
from evennia.objects.objects import DefaultRoom
from evennia.utils.utils import iter_to_str

from .appearance import MANY, host_room_text, npc_name, state_word, watch_room_text
from .bodies import light, posture
from .bridge import BRIDGE, now_ms
from .crowd import crowd_sentences, names_by_state
from .fleet import AGENT_STATES
from .layout import wrap, wrap_text
from .merging import MergedByName
from .models import made_key
from .npc import TowerNPC, agent_text
from .screens import screen_before, screen_of
from .typed import resolve

# A state that more than so many share in one text is written without its colour.
_CROWD = 40

_AGENT = {"name": "agent", "kind": "agent"}

HOST_TAG = "tower_host"
WATCH_TAG = "tower_watch_room"

_WATCH_DESCRIPTION = (
    "A round room at the top of the Tower. A board for every host of the fleet covers the walls, "
    "and a passage leads to each of them. |wfleet|n shows all agents, |whelp towerwatch|n the rest."
)
_HOST_DESCRIPTION = "A room deep in the Tower, humming with the work of the agents who live here."


class CmdLookFromTower(CmdLook):
    """
    look at the room, at something in it, or from here at any agent of the fleet

    Usage:
      look
      look <object>
      look <agent>
    """

    def func(self) -> None:
        """An agent's id or name shows that agent, wherever it is; all else is the core's look.

        The beginning of a name does where nothing but a way is here that could be meant.
        """
        agent_id = BRIDGE.fleet.find(self.args.strip(), "agent") if self.args else None
        if agent_id is None and self.args and not self._is_here(self.args.strip()):
            found = resolve(_AGENT, self.args, BRIDGE.fleet)
            agent_id = found if isinstance(found, str) else None
        if agent_id is None:
            super().func()
            return
        for body in self.caller.location.contents_get(content_type="character"):
            # Not by name or tag: anybody may be called like an agent.
            if isinstance(body, TowerNPC) and body.agent_id() == agent_id:
                self.msg(text=(self.caller.at_look(body), {"type": "look"}))
                return
        screen = screen_of(self.session)
        name = wrap_text(npc_name(BRIDGE.fleet.agents[agent_id], BRIDGE.is_watched()), screen)
        self.msg(text=(f"{name}\n{agent_text(agent_id, screen)}", {"type": "look"}))

    def _is_here(self, typed: str) -> bool:
        # The way to a host begins as its agent does.
        found = self.caller.search(typed, quiet=True)
        return any(thing.destination is None for thing in found)


class TowerRoomCmdSet(MergedByName):
    """What one can do only in the rooms of the Tower."""

    key = "TowerRoom"
    # Above the character's own: at the same priority both looks would be kept, and be ambiguous.
    priority = 1

    def at_cmdset_creation(self) -> None:
        """Called by Evennia."""
        self.add(CmdLookFromTower())


class TowerRoom(DefaultRoom):
    """A room with a line of its own from the watch, below what a builder has written."""

    def at_object_creation(self) -> None:
        """Put its own commands on it."""
        super().at_object_creation()
        self.cmdset.add_default(TowerRoomCmdSet, persistent=True)

    def format_appearance(self, appearance: str, looker: Any, **kwargs: Any) -> str:
        """Keep the spaces: the core's own would press the tables together."""
        return appearance.strip()

    def get_display_desc(self, looker: Any, **kwargs: Any) -> str:
        """A builder's description or the default one, then the state, then a missing watch."""
        screen = screen_before(looker)
        # What a builder has written stays as it was written, as everywhere in the game.
        parts = [self.db.desc] if self.db.desc else wrap(self.default_description, screen, 0)
        told = [self.state_text(), BRIDGE.problem()]
        return "\n".join([*parts, *[wrap_text(text, screen) for text in told if text]])

    def get_display_exits(self, looker: Any, **kwargs: Any) -> str:
        """The ways from here, in lines that fit: a fleet has many hosts."""
        return _fitted(super().get_display_exits(looker, **kwargs), looker)

    def get_display_characters(self, looker: Any, **kwargs: Any) -> str:
        """Who is here, in lines that fit."""
        return _fitted(super().get_display_characters(looker, **kwargs), looker)

    def state_text(self) -> str:
        """What there is to say of the fleet here."""
        return ""


class HostRoom(TowerRoom):
    """The room of one host.

    Which one is in a table of the plugin's, and for people in a tag of the category `tower_host`.
    """

    default_description = _HOST_DESCRIPTION
    _host_id: str | None = None

    def host_id(self) -> str | None:
        """The id of its host; None for what is of this type and was not made by the plugin."""
        if self._host_id is None:
            self._host_id = made_key(HOST_TAG, self.id)
        return self._host_id

    def state_text(self) -> str:
        """How the host is, and how many on it are up."""
        host = BRIDGE.fleet.hosts.get(self.host_id())
        if host is None:
            return "The watch knows of no host here."
        agents = BRIDGE.fleet.agents_on(host.id)
        now, watched = now_ms(), BRIDGE.is_watched()
        if len(agents) > MANY:
            bodies = crowd_sentences(agents, now, watched)
        else:
            bodies = [posture(agent, now, watched) for agent in agents]
        return "\n".join(
            [
                *filter(None, [light(host, now, watched)]),
                host_room_text(host, agents, now, watched),
                *bodies,
            ]
        )

    def get_display_characters(self, looker: Any, **kwargs: Any) -> str:
        """Who is here; many agents by their states, who is not well first."""
        here = self.contents_get(content_type="character")
        if len(here) > MANY:
            bodies: list[TowerNPC] = []
            others: list[Any] = []
            for one in here:
                is_open = isinstance(one, TowerNPC) and one.is_open()
                (bodies if is_open else others).append(one)
            others = self.filter_visible(others, looker, **kwargs)
            bodies += [one for one in others if isinstance(one, TowerNPC)]
            if len(bodies) > MANY:
                others = [one for one in others if not isinstance(one, TowerNPC)]
                return _crowd(bodies, others, looker, **kwargs)
        return super().get_display_characters(looker, **kwargs)


class WatchRoom(TowerRoom):
    """Where operators stand: the whole fleet at a glance."""

    default_description = _WATCH_DESCRIPTION

    def state_text(self) -> str:
        """One line per host."""
        return _in_a_crowd(watch_room_text(BRIDGE.fleet, BRIDGE.is_watched()))


def _fitted(line: str, looker: Any) -> str:
    return "\n".join(wrap(line, screen_before(looker))) if line else ""


def _crowd(bodies: list[TowerNPC], others: list[Any], looker: Any, **kwargs: Any) -> str:
    watched = BRIDGE.is_watched()
    told = tuple(body.name_and_state(watched) for body in bodies)
    lines = [f"|wAgents:|n {len(bodies)}", *names_by_state(told, screen_before(looker))]
    if others:
        names = iter_to_str((one.get_display_name(looker, **kwargs) for one in others), ", and")
        lines.insert(0, _fitted(f"|wCharacters:|n {names}", looker))
    return "\n".join(lines)


def _in_a_crowd(text: str) -> str:
    """Of many only those stand out in colour who are not like most.

    And Evennia's HTML takes long for each colour: for two hundred of them longer than for all the
    rest of a look.
    """
    for state in AGENT_STATES:
        coloured = f"({state_word(state)})"
        if text.count(coloured) > _CROWD:
            text = text.replace(coloured, f"({state})")
    return text
