"""Settings and hooks of the game."""
