"""Hostile texts in every text field of every message, on every way on which one leaves the game.

At one time all fields have the same text, so that a text that breaks out of its place anywhere is
seen. TOWERWATCH_CORPUS says how many are tried, TOWERWATCH_SEED which.
"""

import json
import os
import random
import re
from html.parser import HTMLParser
from typing import Any

from django.test import Client, override_settings
from evennia.utils.funcparser import FuncParser

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.clients import CLIENTS
from evennia_towerwatch.commands.base import usage
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.support import hello
from evennia_towerwatch.tests.game.test_corpus import Plain, corpus
from evennia_towerwatch.tests.game.test_escape_paths import PIECES
from evennia_towerwatch.tests.game.test_page import PLAIN_STATIC
from evennia_towerwatch.tests.game.test_receive import alert
from evennia_towerwatch.tests.histories import agent_history, history, past_incident
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

PLAIN_WORDS = "nothing but words"
# What the plugin's own help writes that way, as all of Evennia's does: `<agent>`. Evennia 5 sends
# it to MXP clients as an entity, Evennia 6 as it is; it is none of what the watch was told.
OURS = {
    "<name>",
    *(name for one in load_protocol().operations for name in re.findall("<[^>]+>", usage(one))),
}
SHORT = ("quiet", "bezalel", "|r", "||", "{0}", "$pad(x)", "\n", "\ud800", "\u202e", "\x1b[2J")


def texts(usual: int = 120) -> list[str]:
    """Known attacks, the list by hand, and mixtures of both; the same in every run."""
    wanted = int(os.environ.get("TOWERWATCH_CORPUS", usual))
    chance = random.Random(int(os.environ.get("TOWERWATCH_SEED", "6")))
    pieces = [*PIECES, *corpus()[:80], "\u200b", "\u2066", "\U000e0041", "\x00", "x" * 300]
    mixed = ["".join(chance.choices(pieces, k=chance.randint(1, 6))) for _ in range(wanted)]
    return [*SHORT, *chance.sample([*PIECES, *mixed], wanted)][:wanted]


def cut(text: str, most: int) -> str:
    """As much of it as the wire lets through, which counts as JavaScript does; never nothing."""
    return text[: most // 2] or "-"


class Tags(HTMLParser):
    """What a page is made of, without its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Values that lead somewhere or do something; the others are read aloud.
        self.seen.append((tag, *[name for name, _ in attrs]))
        self.seen.append([value for name, value in attrs if name in ("href", "src", "id", "class")])

    def handle_comment(self, data: str) -> None:
        self.seen.append("comment")


def tags(html: str) -> list[Any]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


class Tells(Plain):
    """Has a way to say one text in all places where the watch says any."""

    watch: Any
    number = 0

    def tell(self, text: str) -> None:
        """All messages with this text wherever one may stand."""
        self.number += 1
        who = {"acknowledgedBy": cut(text, 80)}
        agent = agent_view(
            "bezalel",
            "bezalel",
            name=cut(text, 60),
            state="down",
            cause=cut(text, 60),
            doing=cut(text, 200),
            busy=True,
            model=cut(text, 100),
            place=cut(text, 120),
            maintenance=cut(text, 200),
            incident={"number": 7, "cause": cut(text, 60), "openedAt": 1, **who},
        )
        host = host_view("bezalel", name=cut(text, 60))
        actor = {"kind": "account", "id": str(self.account.id), "name": cut(text, 80)}
        told = history(
            [agent_history("bezalel", [86_400, 80_000, 40_000])],
            boot=BRIDGE.boot,
            incidents=[past_incident(6, cause=cut(text, 60), **who)],
        )
        told["fleet"]["requirements"][0]["name"] = cut(text, 60)
        result = {"operation": "health", "status": "failed", "actor": actor}
        at = str(self.number)
        parts = snapshot([agent], [host], snapshot=at, id=at)
        for name, message in (
            ("tower_hello", hello(watch=cut(text, 40), fleet=cut(text, 60))),
            ("tower_snapshot", {"v": 1, "boot": BRIDGE.boot, **parts}),
            ("tower_history", told),
            ("tower_alert", alert(f"a{at}", text=cut(text, 400))),
            ("tower_result", {"v": 1, "id": f"r{at}", "lines": [cut(text, 400)] * 2, **result}),
        ):
            for answer, data in self.watch.call(name, **message):
                self.assertNotEqual(answer, "tower_error", (name, data))

    def without_ours(self, line: str) -> str:
        """Without the names in angle brackets that the plugin's own help has."""
        for name in OURS:
            line = line.replace(name, name[1:-1])
        return line

    def words(self, value: Any) -> list[str]:
        """All texts in a message, at any depth."""
        if isinstance(value, dict):
            return [word for one in value.values() for word in self.words(one)]
        if isinstance(value, list | tuple):
            return [word for one in value for word in self.words(one)]
        return [value] if isinstance(value, str) else []


@override_settings(STORAGES=PLAIN_STATIC)
class Everywhere(Tells):
    """People and programs get text, whatever the watch was told."""

    def setUp(self) -> None:
        super().setUp()
        CLIENTS.__init__(later=self.clock.callLater)
        self.watch = self.connect()
        self.char1.location = build.watch_room()
        self.client = Client()
        self.client.force_login(self.account)
        self.feed = self.session_of(self.player("ada"))
        self.functions = FuncParser({"pad": self.ran, "You": self.ran, "eval": self.ran})
        self.listen(self.account, self.char1)

    def ran(self, *_: Any, **__: Any) -> str:
        return "RAN"

    def shown(self) -> list[str]:
        """What people read of it, wherever they may look."""
        npc = build._first("bezalel", AGENT_TAG, TowerNPC)
        room = build.host_room("bezalel")
        for command in ("fleet", "towerwatch", "look bezalel", "fleet |lcquit|ltx|le"):
            self.char1.execute_cmd(command)
        heard = [line for lines in self.heard.values() for line in lines]
        for lines in self.heard.values():
            lines.clear()
        self.assertGreater(len(heard), 5)
        places = [thing.return_appearance(self.char1) for thing in (npc, room, self.char1.location)]
        doors = [thing.get_display_name(self.char1) for thing in self.char1.location.exits]
        return [*heard, *places, *doors, npc.key, room.key]

    def fed(self) -> list[Any]:
        """What clients read of it."""
        self.feed.call("tower_unsubscribe")
        self.time_s += 2
        self.feed.call("tower_subscribe")
        sent, self.feed.sent = self.feed.sent, []
        self.assertTrue(sent)
        return sent

    def test_it_is_text_in_rooms_tables_answers_alerts_feeds_and_pages(self) -> None:
        self.tell(PLAIN_WORDS)
        benign = tags(self.client.get("/fleet/").content.decode())
        self.assertGreater(len(benign), 100)
        self.shown()
        for text in texts():
            with self.subTest(text=text):
                self.tell(text)
                # What is sent can be written out as UTF-8, or it would never arrive.
                for line in self.shown():
                    line.encode()
                    self.assert_plain(self.without_ours(line))
                    self.assertNotIn("RAN", self.functions.parse(line))
                    self.assertEqual(line.format_map({}), line)
                for word in self.words(self.fed()):
                    word.encode()
                    self.assert_plain(word)
                    self.assertNotIn("\n", word)
                page = self.client.get("/fleet/").content.decode()
                self.assertEqual(tags(page), benign)
                data = self.client.get("/fleet/data.json").content.decode()
                for word in self.words(json.loads(data)):
                    word.encode()
                    self.assertNotRegex(word, "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

    def test_no_text_makes_a_line_of_its_own(self) -> None:
        def lines(text: str) -> list[int]:
            self.tell(text)
            npc = build._first("bezalel", AGENT_TAG, TowerNPC)
            place = build.host_room("bezalel")
            return [
                len(npc.return_appearance(self.char1).splitlines()),
                len(place.state_text().splitlines()),
                len(self.heard[self.char1][-1].splitlines()),
            ]

        for text in ("a\nState: up", "a\r\nb", "a\x0bb", "a\x1cb", "a\x85b", "a\u2028b", "a|/b"):
            self.assertEqual(lines(text), lines("a State: up"), repr(text))
