"""Server-side configuration of the game."""
