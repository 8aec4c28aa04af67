"""The web side of the game."""
