"""Kinds of things in the game."""
