"""From `pip install` to `pip uninstall`, as the README tells it, in a new game."""
