"""Tests of the parts that know of no game."""
