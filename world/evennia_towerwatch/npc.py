"""The body of an agent: it shows how its agent is at the moment of looking."""

from typing import Any

from evennia.objects.objects import DefaultObject

from .appearance import npc_text, shown_name, state_word
from .bodies import posture
from .bridge import BRIDGE, now_ms
from .commands.words import as_typed_here
from .escape import escape
from .layout import Screen, wrap_text
from .models import made_key
from .screens import screen_before

AGENT_TAG = "tower_agent"


class TowerNPC(DefaultObject):
    """One agent.

    Which one is in a table of the plugin's, and for people in a tag of the category `tower_agent`.
    It holds no state of its own: nothing is written to the database when its agent changes. A
    description that a builder gives it (`desc bezalel = ...`) is shown above what the watch tells.
    """

    _content_types = ("character",)
    default_description = ""
    # Whose body it is, once read; and its agent's name with what is shown of it. A look in a room
    # of two hundred would else work out each anew.
    _agent_id: str | None = None
    _named: tuple[str, str] | None = None

    def at_object_creation(self) -> None:
        """It stays where it is and is nobody's puppet; Builders may describe it."""
        self.locks.add(
            "get:false();puppet:false();call:false();teleport:false();"
            "edit:perm(Builder);delete:perm(Admin)"
        )

    def agent_id(self) -> str | None:
        """The id of the agent whose body it is; it never becomes another's.

        None for what is of this type and was not made by the plugin: a copy, or a likeness.
        """
        if self._agent_id is None:
            self._agent_id = made_key(AGENT_TAG, self.id)
        return self._agent_id

    def access(
        self,
        accessing_obj: Any,
        access_type: str = "read",
        default: bool = False,
        no_superuser_bypass: bool = False,
        **kwargs: Any,
    ) -> bool:
        """As everywhere in Evennia, without asking a lock that says the same to everybody.

        Each command asks every body in the room whether it has commands (`call:false()`), and each
        look whether it may be seen (`view:all()`).
        """
        lock = self.locks.locks.get(access_type)
        if (lock is None and default) or (lock and lock[2] == f"{access_type}:all()"):
            known = True
        elif lock and no_superuser_bypass and lock[2] == f"{access_type}:false()":
            known = False
        else:
            return super().access(
                accessing_obj, access_type, default, no_superuser_bypass, **kwargs
            )
        self.at_access(known, accessing_obj, access_type, **kwargs)
        return known

    def is_open(self) -> bool:
        """Whether nobody has said who may see it: then a look need not ask for each looker."""
        locks = self.locks.locks
        view = locks.get("view")
        return view is not None and view[2] == "view:all()" and "search" not in locks

    def get_display_name(self, looker: Any = None, **kwargs: Any) -> str:
        """Its name with the state: `Bezalel (down)`."""
        name, state = self.name_and_state(BRIDGE.is_watched())
        return f"{name} ({state_word(state)})"

    def name_and_state(self, watched: bool) -> tuple[str, str]:
        """Both apart: `("Bezalel", "down")`; `watched` is whether the watch is there."""
        agent = BRIDGE.fleet.agents.get(self.agent_id())
        if agent is None:
            return self.key, "unknown"
        if self._named is None or self._named[0] != agent.name:
            self._named = (agent.name, shown_name(agent))
        return self._named[1], agent.state if watched else "unknown"

    def get_numbered_name(self, count: int, looker: Any, **kwargs: Any) -> Any:
        """There is one of it; the core's own would save "a Bezalel" as an alias at every look."""
        name = self.get_display_name(looker)
        return name if kwargs.get("return_string") else (name, name)

    def return_appearance(self, looker: Any, **kwargs: Any) -> str:
        """What `look` shows."""
        screen = screen_before(looker)
        name = wrap_text(self.get_display_name(looker), screen)
        lines = [name, self.db.desc or "", agent_text(self.agent_id(), screen)]
        return "\n".join(line for line in lines if line)


def agent_text(agent_id: str | None, screen: Screen) -> str:
    """All that is known of an agent now, with a word about the watch where it isn't there."""
    if agent_id is None:
        return wrap_text("This is no agent of the fleet, it only looks like one.", screen)
    problem = BRIDGE.problem()
    agent = BRIDGE.fleet.agents.get(agent_id)
    if agent is None:
        unknown = f"The watch does not know {escape(agent_id, 63)}."
        return wrap_text(problem or unknown, screen)
    watched = problem is None
    stands = posture(agent, now_ms(), watched)
    text = npc_text(agent, BRIDGE.fleet.hosts.get(agent.host), now_ms(), watched, screen)
    text = as_typed_here(text)
    parts = [wrap_text(stands, screen), text, wrap_text(problem or "", screen)]
    return "\n".join(part for part in parts if part)
