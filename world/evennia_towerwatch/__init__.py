"""Towerwatch for Evennia: a fleet of agents as NPCs, their deaths said aloud, commands to act.

Importing this package touches neither Evennia nor Django; see README.md for how a game takes it in.
"""

__version__ = "0.1.0"
