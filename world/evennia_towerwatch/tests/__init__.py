"""Tests. `pure` runs without any game, `game` inside one; see run_tests.py beside the package."""
