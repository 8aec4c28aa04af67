"""Columns are counted as the watch counts them, and lines fit."""

import json
import random
import unittest
from pathlib import Path

from evennia_towerwatch.layout import Screen, columns_of, fill, wrap, wrap_text

FILE = Path(__file__).resolve().parents[4] / "test" / "fixtures" / "columns.json"
SIGNS = ["a", "b ", " ", "-", "漢", "🗼", "é", "e\u0301", "\u200b", "\uff46", "|r", "|n", "word "]


def bare(text: str) -> str:
    """Without what may be put in at the end of a line."""
    return "".join(text.split())


class Columns(unittest.TestCase):
    """As a terminal has them."""

    def test_every_case_takes_what_it_takes_in_the_watch(self) -> None:
        for text, columns in json.loads(FILE.read_text("utf-8")):
            self.assertEqual(columns_of(text), columns, text)

    def test_colours_take_none(self) -> None:
        self.assertEqual(columns_of("|rdown|n"), 4)

    def test_a_cell_is_cut_or_filled_to_its_width(self) -> None:
        self.assertEqual(fill("漢漢漢", 4), "漢… ")
        self.assertEqual(fill("abc", 5), "abc  ")


class Lines(unittest.TestCase):
    """That are too long."""

    def test_they_are_broken_between_words_and_what_follows_is_indented(self) -> None:
        screen = Screen(9)
        self.assertEqual(wrap("one two three four", screen), ["one two", "  three", "  four"])
        self.assertEqual(wrap("|rone two|n three", screen), ["|rone two|n", "  three"])
        self.assertEqual(wrap_text("one\ntwo three four", screen), "one\ntwo three\nfour")
        self.assertEqual(wrap_text(" one two three", screen), " one two\n   three")

    def test_what_is_read_aloud_is_not_broken(self) -> None:
        line = "word " * 60
        self.assertEqual(wrap(line, Screen(40, reader=True)), [line])

    def test_whatever_they_are_they_fit_and_nothing_is_lost(self) -> None:
        chance = random.Random(11)
        for _ in range(3000):
            line = "".join(chance.choices(SIGNS, k=chance.randrange(120)))
            width = chance.randrange(20, 133)
            lines = wrap(line, Screen(width))
            for one in lines:
                self.assertLessEqual(columns_of(one), width, line)
            self.assertEqual(bare("".join(lines)), bare(line))
