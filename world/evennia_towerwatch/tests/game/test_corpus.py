"""Hostile texts in all that the watch sends, as they leave the game: as HTML, and over MXP.

The list by hand is the one that the watch's own tests use; TOWERWATCH_CORPUS says how many more,
TOWERWATCH_SEED which.
"""

import json
import os
import random
import re
from pathlib import Path
from typing import Any

from evennia.server.portal.mxp import mxp_parse
from evennia.utils.ansi import parse_ansi
from evennia.utils.text2html import parse_html

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.game.test_receive import alert
from evennia_towerwatch.tests.messages import agent_view

BY_HAND = Path(__file__).resolve().parents[4] / "test" / "fixtures" / "hostile.json"
AT_ONCE = 20
# How colours are shown in the webclient, and nothing else.
TAGS = re.compile(r"</?span[^<>]*>|<br>")
SPAN = re.compile(r'<span class="(color-\d{3}|bgcolor-\d{3}|underline|blink|inverse| )*">')
COLOURS = re.compile("\x1b\\[[0-9;]*m")


def corpus() -> list[str]:
    """The list by hand, and mixtures of it, the same in every run."""
    by_hand = json.loads(BY_HAND.read_text("utf-8"))
    wanted = int(os.environ.get("TOWERWATCH_CORPUS", "400"))
    chance = random.Random(int(os.environ.get("TOWERWATCH_SEED", "20261123")))
    more = ["".join(chance.choices(by_hand, k=chance.randint(2, 4))) for _ in range(wanted)]
    return [*by_hand, *more[len(by_hand) :]]


class Plain(TowerTest):
    """Has a way to say that a line is text."""

    def assert_plain(self, line: str) -> None:
        html = parse_html(line)
        self.assertEqual(
            [tag for tag in re.findall("<[^>]*>?", html) if not TAGS.fullmatch(tag)], []
        )
        for span in re.findall("<span[^>]*>", html):
            self.assertRegex(span, SPAN)
        out = COLOURS.sub("", mxp_parse(parse_ansi(line, mxp=True, xterm256=True)))
        self.assertNotRegex(out, "[<>\x00-\x09\x0b-\x0c\x0e-\x1f\x7f-\x9f]")
        self.assertNotRegex(out, "[\u202a-\u202e\u2066-\u2069\u2028\u2029]")


class Corpus(Plain):
    """Whatever is sent, people get text."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.char1.location = build.watch_room()
        self.listen(self.account, self.char1)

    def result(self, number: int, lines: list[str]) -> list[tuple[str, dict[str, Any]]]:
        actor = {"kind": "account", "id": str(self.account.id), "name": "x"}
        more = {"operation": "watch", "status": "ok", "actor": actor, "lines": lines}
        return self.watch.call("tower_result", v=1, id=f"r{number}", **more)

    def test_lines_of_answers_and_alerts_are_text_and_nothing_else(self) -> None:
        for number, start in enumerate(range(0, len(corpus()), AT_ONCE)):
            texts = [text[:390] for text in corpus()[start : start + AT_ONCE]]
            self.result(number, texts)
            for index, text in enumerate(texts):
                words = {"kind": "notice", "subjects": [], "text": text or "-"}
                self.watch.call("tower_alert", **alert(f"a{number}-{index}", **words))
            for lines in self.heard.values():
                for line in lines:
                    self.assert_plain(line)
                self.assertTrue(lines)
                lines.clear()

    def test_what_agents_do_and_why_is_text_and_nothing_else(self) -> None:
        for number, text in enumerate(corpus()[:200]):
            view = agent_view("bezalel", "bezalel", busy=True, doing=text[:100] or "-", model="m")
            frame = {"v": 1, "boot": BRIDGE.boot, "seq": number + 2, "agents": [view], "hosts": []}
            self.watch.call("tower_state", **frame)
            npc = build._first("bezalel", AGENT_TAG, TowerNPC)
            self.assert_plain(npc.return_appearance(self.char1))
