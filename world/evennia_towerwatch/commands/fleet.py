"""`fleet`: the whole fleet in a table, from what the game mirrors."""

from typing import Any

from evennia_towerwatch.bridge import BRIDGE, now_ms
from evennia_towerwatch.fleet_table import fleet_lines

from .base import TowerCommand


class FleetCommand(TowerCommand):
    """Answered by the game alone; ages are as of this moment."""

    def run(self, arguments: dict[str, str], asker: Any) -> None:
        """A missing watch is said first: what follows then is what was last heard."""
        problem = BRIDGE.problem()
        lines = fleet_lines(BRIDGE.fleet, now_ms(), problem is None, self.screen())
        self.show_lines([*([problem] if problem else []), *lines])
