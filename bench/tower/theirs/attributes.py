"""Run by the superuser's `py` inside the game: states mirrored the usual way, one attribute each."""

import time
from typing import Any

from evennia.objects.models import ObjectDB
from evennia.utils.search import search_tag


def bodies() -> list[Any]:
    """The NPCs of the agents that the benchmark has sent."""
    return [
        npc
        for npc in search_tag(category="tower_agent")
        if npc.key.startswith("Bench ")
    ]


def count() -> str:
    """How many stand somewhere, as a line for the one who asked."""
    objects = ObjectDB.objects.filter(
        db_tags__db_category="tower_agent", db_key__startswith="Bench "
    )
    return f"bodies: {objects.filter(db_location__isnull=False).count()}"


def write() -> str:
    """Write one attribute on each of them; how many and how long, as a line for the one who asked."""
    npcs = bodies()
    started = time.perf_counter()
    for number, npc in enumerate(npcs):
        npc.db.doing = f"writing a patch for issue {number}, {started}"
    return f"attributes: {len(npcs)} in {time.perf_counter() - started:.6f} s"


def told(prefix: str) -> str:
    """How many agents are known to do something that begins so, as a line for the one who asked."""
    from evennia_towerwatch.bridge import BRIDGE

    agents = BRIDGE.fleet.agents.values()
    return f"told: {sum((agent.doing or '').startswith(prefix) for agent in agents)}"
