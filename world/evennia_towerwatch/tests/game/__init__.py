"""Tests of the parts that live in an Evennia game."""
