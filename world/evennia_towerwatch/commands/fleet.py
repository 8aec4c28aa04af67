"""`fleet`: the whole fleet in a table, from what the game mirrors."""

from typing import Any

from evennia_towerwatch.appearance import fleet_table
from evennia_towerwatch.bodies import fleet_sentences
from evennia_towerwatch.bridge import BRIDGE, now_ms

from .base import TowerCommand


class FleetCommand(TowerCommand):
    """Answered by the game alone; ages are as of this moment."""

    def run(self, arguments: dict[str, str], account: Any) -> None:
        """A missing watch is said first: what follows then is what was last heard."""
        problem = BRIDGE.problem()
        width = max(40, min(200, self.client_width() or 78))
        if self.session is not None and self.session.protocol_flags.get("SCREENREADER"):
            lines = fleet_sentences(BRIDGE.fleet, now_ms(), problem is None)
        else:
            lines = fleet_table(BRIDGE.fleet, now_ms(), problem is None, width)
        self.tell("\n".join([problem, *lines] if problem else lines))
