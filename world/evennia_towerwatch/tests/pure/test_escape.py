"""The one escape helper."""

import unicodedata
import unittest

from evennia_towerwatch.escape import escape


class Escape(unittest.TestCase):
    """Outside text becomes one harmless line."""

    def test_plain_text_stays_as_it_is(self) -> None:
        for text in ("bezalel down: silent for 20 s", "95 % ok", "größer als 5 €", "日本", "a  b"):
            self.assertEqual(escape(text), text)

    def test_newlines_become_spaces_so_that_no_line_can_be_forged(self) -> None:
        self.assertEqual(escape("a\nb\r\nc\x0bd\u2028e\tf\x85g"), "a b  c d e f g")

    def test_controls_and_invisible_signs_are_dropped(self) -> None:
        self.assertEqual(escape("a\x1b[2J\x07\x7f\x9b\u202e\u2066\u200b\ufeff\U000e0041b"), "a[2Jb")

    def test_a_lone_surrogate_is_dropped_so_that_the_rest_can_be_sent(self) -> None:
        self.assertEqual(escape("a\ud800b").encode(), b"ab")

    def test_markup_fields_and_functions_lose_their_sign(self) -> None:
        safe = escape("|r ||lc {you.__class__} $You() ${x} <SEND> <!-- ")
        for sign in "|{}$<>":
            self.assertNotIn(sign, safe)

    def test_links_are_defanged(self) -> None:
        self.assertEqual(escape("see https://x.y and HTTP://z"), "see hxxps://x.y and hxxp://z")
        self.assertEqual(escape("www.x.y ftp://z ftp.z"), "www[.]x.y fxp://z ftp[.]z")
        self.assertEqual(escape("HTTP 500 from http"), "HTTP 500 from http")

    def test_the_length_is_capped_with_an_ellipsis(self) -> None:
        self.assertEqual(escape("x" * 500), "x" * 399 + "…")
        self.assertEqual(escape("x" * 10, 5), "xxxx…")
        self.assertEqual(len(escape("|" * 10_000_000, 60)), 60)

    def test_escaping_twice_changes_nothing_more(self) -> None:
        for text in ("|lcquit|lthttp://x|le", "www.www.x", "hthttp://tp://x", "{{$$||"):
            self.assertEqual(escape(escape(text)), escape(text))

    def test_no_sign_of_unicode_comes_through_as_a_control(self) -> None:
        for start in range(0, 0x110000, 256):
            safe = escape("".join(map(chr, range(start, start + 256))), 300)
            for sign in safe:
                self.assertNotIn(unicodedata.category(sign), ("Cc", "Cf", "Cs", "Zl", "Zp"))
