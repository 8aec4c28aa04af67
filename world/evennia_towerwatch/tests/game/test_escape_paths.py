"""The escape helper on the two ways by which text leaves a game: HTML and MXP."""

import random
import re
from unittest import TestCase

from evennia.server.portal.mxp import mxp_parse
from evennia.utils.ansi import parse_ansi
from evennia.utils.funcparser import FuncParser
from evennia.utils.text2html import parse_html

from evennia_towerwatch.escape import escape

PIECES = [
    *"|{}$<>&%\\\"' ()[]\n\r\t\x1b\x07\x08\x9b",
    "||", "|lc", "|lt", "|le", "|lu", "|r", "|n", "|/", "|-", "|[r", "|=a", "|#ff0000", "|500",
    "quit", "look", "x", "$You()", "$eval(1+1)", "{you}", "{0}", "{you.__class__}",
    "\x1b[2J", "\x1b[4z", "\x1b]8;;http://e.vil\x07", "<SEND>", "<a href=x>", "&lt;", "\\|",
    "http://", "https://", "ftp://", "www.", "www", ".", "e.vil", "ht", "tp://", "\u202e", "\u2028",
    "\ud800", "\uff57", "¦", "<!--", "<b>",
]  # fmt: skip


def corpus() -> list[str]:
    """The known attacks and a few thousand mixtures, the same in every run."""
    chance = random.Random(20261123)
    mixed = ["".join(chance.choices(PIECES, k=chance.randint(1, 12))) for _ in range(4000)]
    return [
        "|lcquit|ltclick|le",
        "||lcquit||ltclick||le",
        "|||lcquit|||ltclick|||le",
        "|luhttp://e.vil|ltx|le",
        "see http://e.vil/x and www.e.vil",
        "\x1b[4z<SEND HREF=quit>x</SEND>",
        *PIECES,
        *mixed,
    ]


class RenderPaths(TestCase):
    """No link, no colour, no control, no new line, no function: on neither way."""

    def test_in_html_it_is_text_and_nothing_else(self) -> None:
        for text in corpus():
            html = parse_html(escape(text))
            # What is left of tags may only be how spaces are kept.
            tags = re.findall(r"<[^>]*>", html)
            self.assertEqual(tags, [], repr(text))
            self.assertNotIn("\x1b", html)

    def test_over_mxp_it_is_text_and_nothing_else(self) -> None:
        for text in corpus():
            out = mxp_parse(parse_ansi(escape(text), mxp=True, xterm256=True))
            self.assertNotRegex(out, r"[<>\x00-\x1f\x7f-\x9f]", repr(text))

    def test_for_colours_it_is_text_and_nothing_else(self) -> None:
        for text in corpus():
            safe = escape(text)
            self.assertEqual(parse_ansi(safe, xterm256=True), safe, repr(text))

    def test_for_functions_and_fields_it_is_text_and_nothing_else(self) -> None:
        parser = FuncParser({"You": lambda *_, **__: "RAN", "eval": lambda *_, **__: "RAN"})
        for text in corpus():
            safe = escape(text)
            self.assertNotIn("RAN", parser.parse(safe), repr(text))
            self.assertEqual(safe.format_map({}), safe, repr(text))

    def test_the_core_does_make_a_link_of_the_raw_text(self) -> None:
        self.assertIn("<a", parse_html("|lcquit|ltclick|le"))
        self.assertIn("<a", parse_html("see http://e.vil/x"))
