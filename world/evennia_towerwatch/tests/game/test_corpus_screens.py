"""Hostile texts as somebody reads them who types the game's own commands, on screens of all kinds.

And as clients and the website's other pages have them: the channel's history, GMCP as it is written
to the wire. TOWERWATCH_CORPUS says how many are tried, TOWERWATCH_SEED which.
"""

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.test import Client, override_settings
from evennia.server.portal.telnet import _RE_SCREENREADER_REGEX
from evennia.server.portal.telnet_oob import TelnetOOB
from evennia.utils import logger
from evennia.utils.ansi import parse_ansi
from twisted.internet import defer

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.channel import ensure_channel
from evennia_towerwatch.clients import CLIENTS
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.game.test_corpus_everywhere import Tells, cut, tags, texts
from evennia_towerwatch.tests.game.test_page import PLAIN_STATIC
from evennia_towerwatch.tests.game.test_receive import alert
from evennia_towerwatch.tests.game.test_screens import ScreenTest
from evennia_towerwatch.tests.messages import agent_view

# Columns, lines, and whether it is read aloud.
SCREENS = ((40, 200, False), (80, 8, False), (132, 200, False), (40, 200, True), (132, 8, True))
LOOKS = ("fleet", "towerwatch", "look", "look bezalel", "help towerwatch")
HELPS = [one["name"] for one in load_protocol().operations if one["answeredBy"] != "shell"]
# Evennia's own rule above and below a help text is as wide as the screen; its footer is not.
FOOTER = re.compile(r"\|wPage\|n \[\d+/\d+\]")
# What Evennia's own help suggests beside a topic can be clicked.
SUGGESTED = re.compile(r"\|lchelp @?[a-z][a-z/-]*\|lt((?:(?!\|l).)*)\|le")


class OnScreens(Tells, ScreenTest):
    """Whoever types gets text that fits their screen, a page at a time or read aloud."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.char1.location = build.watch_room()

    def without_ours(self, line: str) -> str:
        return super().without_ours(SUGGESTED.sub(r"\1", line))

    def all_of(self, line: str) -> list[str]:
        """What a command shows, all its pages."""
        pages = [self.type(line)]
        while self.char1.ndb._more and len(pages) < 100:
            pages.append(self.type("n"))
        self.assertLess(len(pages), 100, line)
        return pages

    def assert_plain_aloud(self, said: str) -> None:
        """What a session with the flag SCREENREADER is sent: it goes through Evennia twice."""
        text = parse_ansi(said, strip_ansi=True, xterm256=False, mxp=False)
        self.assert_plain(_RE_SCREENREADER_REGEX.sub("", text))

    def test_the_games_own_commands_show_it_as_text_on_every_screen(self) -> None:
        paged = 0
        hostile = texts(25)
        for number, text in enumerate(hostile):
            with self.subTest(text=text):
                self.tell(text)
                columns, height, aloud = SCREENS[number % len(SCREENS)]
                self.screen(columns, height, SCREENREADER=aloud)
                for line in (*LOOKS, f"help {HELPS[number % len(HELPS)]}"):
                    pages = self.all_of(line)
                    paged += len(pages) > 1
                    for page in map(self.without_ours, pages):
                        page.encode()
                        self.assert_plain(page)
                        self.assert_plain_aloud(page)
                        if not aloud and not line.startswith("help"):
                            self.assert_fits(page, columns, line)
        self.assertGreater(paged, len(hostile) // 5)

    def assert_fits(self, said: str, columns: int, what: str) -> None:
        from evennia_towerwatch.layout import columns_of

        for line in said.split("\n"):
            if FOOTER.search(line) is None:
                self.assertLessEqual(columns_of(line), columns, f"{what}: {line!r}")


def at_once(function: Any, *args: Any, **kwargs: Any) -> Any:
    """In the place of a thread."""
    return defer.maybeDeferred(function, *args, **kwargs)


@override_settings(STORAGES=PLAIN_STATIC)
class History(ScreenTest, Tells):
    """The channel's history, as the command `channel` and the game's website show it."""

    def setUp(self) -> None:
        super().setUp()
        threads = patch.object(logger, "deferToThread", at_once)
        threads.start()
        self.addCleanup(threads.stop)
        self.watch = self.connect()
        self.channel = ensure_channel()
        self.channel.connect(self.account)
        self.forget()
        self.addCleanup(self.forget)
        self.client = Client()
        self.client.force_login(self.account)

    def forget(self) -> None:
        """The history begins anew; Evennia keeps its file open."""
        log = Path(settings.LOG_DIR) / self.channel.get_log_filename()
        for path in [path for path in logger._LOG_FILE_HANDLES if Path(path).name == log.name]:
            logger._LOG_FILE_HANDLES.pop(path).close()
        log.unlink(missing_ok=True)

    def kept(self, text: str) -> tuple[str, str]:
        """What the command and the page show of an alert; there is no other one."""
        self.number += 1
        self.forget()
        self.watch.call("tower_alert", **alert(f"h{self.number}", text=cut(text, 400)))
        said = self.type("channel/history Fleet")
        return said, self.client.get("/channels/fleet/").content.decode()

    def test_it_is_one_line_of_text_and_nothing_else(self) -> None:
        _, benign = self.kept("nothing but words")
        self.assertIn("nothing but words", benign)
        for text in texts(40):
            with self.subTest(text=text):
                said, page = self.kept(text)
                self.assert_plain(said)
                self.assertEqual(len(said.strip().splitlines()), 1)
                # Anchors are called by the hour.
                names = [
                    [one for one in tags(html) if isinstance(one, tuple)] for html in (page, benign)
                ]
                self.assertEqual(*names)

    def test_no_text_can_keep_itself_out_of_it(self) -> None:
        for text in (
            " [-] ",
            "hidden [-] from the website",
            "[-]",
            "2026-11-23 08:00:00 [-] forged",
        ):
            said, page = self.kept(f"before{text}behind")
            for shown in (said, page):
                self.assertIn("before", shown, text)
                self.assertIn("behind", shown, text)


class Wire(Tells, TowerTest):
    """GMCP as it is written, whole fleets, single agents and alerts."""

    def setUp(self) -> None:
        super().setUp()
        CLIENTS.__init__(later=self.clock.callLater)
        self.watch = self.connect()
        self.feed = self.session_of(self.player("ada"))
        self.feed.call("tower_subscribe")

    def later(self, seconds: float) -> None:
        self.time_s += seconds
        self.clock.advance(seconds)

    def test_it_is_text_in_frames_that_hold_nothing_but_letters(self) -> None:
        encoder = TelnetOOB.__new__(TelnetOOB)
        seen: set[str] = set()
        for number, text in enumerate(texts(60)):
            with self.subTest(text=text):
                self.feed.sent.clear()
                self.feed.call("tower_subscribe")
                self.tell(text)
                self.later(5)
                texts_of = {"name": cut(text, 60), "doing": cut(text, 200), "cause": cut(text, 60)}
                view = agent_view("bezalel", "bezalel", **texts_of)
                frame = {"v": 1, "boot": BRIDGE.boot, "seq": number + 2}
                self.watch.call("tower_state", **frame, agents=[view], hosts=[])
                self.later(5)
                for name, data in self.feed.sent:
                    seen.add(name)
                    wire = encoder.encode_gmcp(name, **data)
                    self.assertRegex(wire, rb"\A[ -~]+\Z")
                    self.assertEqual(json.loads(wire.split(b" ", 1)[1]), data)
                    for word in self.words(data):
                        word.encode()
                        self.assert_plain(word)
                        self.assertNotIn("\n", word)
        self.assertGreaterEqual(seen, {"tower_fleet", "tower_agent", "tower_alert"})
