"""The body of an agent: it shows how its agent is at the moment of looking."""

from typing import Any

from evennia.objects.objects import DefaultObject

from .appearance import npc_name, npc_text
from .bodies import posture
from .bridge import BRIDGE, now_ms
from .escape import escape

AGENT_TAG = "tower_agent"


class TowerNPC(DefaultObject):
    """One agent. Its id is its tag of the category `tower_agent`.

    It holds no state of its own: nothing is written to the database when its agent changes. A
    description that a builder gives it (`desc bezalel = ...`) is shown above what the watch tells.
    """

    _content_types = ("character",)
    default_description = ""

    def at_object_creation(self) -> None:
        """It stays where it is and is nobody's puppet; Builders may describe it."""
        self.locks.add(
            "get:false();puppet:false();call:false();teleport:false();"
            "edit:perm(Builder);delete:perm(Admin)"
        )

    def agent_id(self) -> str | None:
        """The id of the agent whose body it is."""
        return self.tags.get(category=AGENT_TAG, return_list=True)[0]

    def get_display_name(self, looker: Any = None, **kwargs: Any) -> str:
        """Its name with the state: `Bezalel (down)`."""
        agent = BRIDGE.fleet.agents.get(self.agent_id())
        if agent is None:
            return f"{self.key} (|Wunknown|n)"
        return npc_name(agent, BRIDGE.is_watched())

    def get_numbered_name(self, count: int, looker: Any, **kwargs: Any) -> Any:
        """There is one of it; the core's own would save "a Bezalel" as an alias at every look."""
        name = self.get_display_name(looker)
        return name if kwargs.get("return_string") else (name, name)

    def return_appearance(self, looker: Any, **kwargs: Any) -> str:
        """What `look` shows."""
        lines = [self.get_display_name(looker), self.db.desc or "", agent_text(self.agent_id())]
        return "\n".join(line for line in lines if line)


def agent_text(agent_id: str | None) -> str:
    """All that is known of an agent now, with a word about the watch where it isn't there."""
    problem = BRIDGE.problem()
    agent = BRIDGE.fleet.agents.get(agent_id)
    if agent is None:
        return problem or f"The watch does not know {escape(str(agent_id), 63)}."
    watched = problem is None
    stands = posture(agent, now_ms(), watched)
    text = npc_text(agent, BRIDGE.fleet.hosts.get(agent.host), now_ms(), watched)
    return "\n".join(part for part in (stands, text, problem) if part)
