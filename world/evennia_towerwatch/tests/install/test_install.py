"""One new game: taking the plugin as the README says, using it, and taking it out again."""

import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.install.place import PASSWORD, WORLD, Place, free_ports
from evennia_towerwatch.tests.install.readme import apply, blocks, commands
from evennia_towerwatch.tests.install.snapshot import contents
from evennia_towerwatch.tests.install.wire import Player, Watch
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

_PLAYERS = ("deaf", "muted", "listener")


class Installing(unittest.TestCase):
    """Steps of one story, each on what those before it have left."""

    def setUp(self) -> None:
        """A game that has run before, with players in it, and has never heard of the plugin."""
        self.place = Place(Path(tempfile.mkdtemp(prefix="towerwatch-install-")))
        self.addCleanup(shutil.rmtree, self.place.folder)
        self.addCleanup(self.place.end)
        self.place.make()
        self.place.run("evennia --init game", where=self.place.folder)
        self.ports = free_ports("telnet", "web", "web_internal", "websocket", "amp")
        self.place.settle(self.ports)
        self.place.run("evennia migrate")
        self.start()
        # A new game starts twice; what is typed between the two is lost.
        self.place.wait_for_log("restarted in 'reset' mode")
        with self.enter("Owner") as owner:
            for name in _PLAYERS:
                owner.type(
                    f"py evennia.create_account('{name}', None, '{PASSWORD}', "
                    "typeclass='typeclasses.accounts.Account').key",
                    f"'{name}'",
                )
            owner.type("create/drop lamp", "You create")
            owner.type("get lamp", "You pick up")
            owner.type("drop lamp", "You drop")
        for name in _PLAYERS:
            self.enter(name).__exit__(None, None, None)
        self.stop()
        self.before = contents(self.place.game / "server" / "evennia.db3")
        self.files = self.sources()

    def test_the_readme_from_the_first_line_to_the_last(self) -> None:
        self.install()
        self.use()
        self.stop()
        self.uninstall()

    def install(self) -> None:
        found = blocks("## Installation", "### If you like")
        lines = commands(found)
        self.assertEqual(lines[0], "pip install path/to/world")
        self.place.run(lines[0], where=self.place.folder)
        self.everything_is_packed()

        settings, *others = [block for block in found if block.language == "python"]
        apply(settings, self.place.game)
        said = self.place.run("evennia start", status=1)
        for fault in ("run `evennia migrate`", "(CMDSET_CHARACTER)", "(CMDSET_ACCOUNT)"):
            self.assertIn(fault, said)
        for block in others:
            apply(block, self.place.game)
        for block in blocks("### If you like", "### Settings")[1:]:
            apply(block, self.place.game)

        self.assertEqual(lines[1:3], ["evennia migrate", "evennia start"])
        self.place.run(lines[1])
        self.place.run("evennia check")
        self.start()
        self.assertRegex(lines[3], "^evennia towerwatch_account ")
        self.password = self.place.run(lines[3]).strip().splitlines()[-1]
        self.account = lines[3].split()[-1]
        self.assertEqual(lines[4:], [])

    def everything_is_packed(self) -> None:
        """Whatever the plugin has beside its tests is in what pip has installed."""
        source, packed = WORLD / "evennia_towerwatch", self.place.packages() / "evennia_towerwatch"
        there = {str(file.relative_to(packed)) for file in packed.rglob("*") if file.is_file()}
        for file in source.rglob("*"):
            name = str(file.relative_to(source))
            if file.is_file() and "__pycache__" not in name and not name.startswith("tests/"):
                self.assertIn(name, there)
        self.assertIn(
            str(packed), self.place.run(f'"{self.place.python}" -c "{_WHERE}"', where=Path("/"))
        )

    def use(self) -> None:
        """Rooms, bodies, commands, channel and page are there."""
        with (
            self.enter("Owner") as owner,
            self.enter("deaf") as deaf,
            self.enter("muted") as muted,
            self.enter("listener") as listener,
        ):
            watch = self.watch()
            self.addCleanup(watch.__exit__, None, None, None)
            owner.type("fleet", "2 agents: 2 up")
            owner.type("get lamp", "You pick up")
            owner.type("teleport Watch Room-1", "Watch Room(")
            owner.type("look", "Exits:")
            owner.type("bezalel", "Host Bezalel")
            owner.type("look bezalel", "fleet:bezalel")
            owner.type("drop lamp", "You drop")

            muted.type("channel/mute Fleet", "Muted channel")
            owner.type(
                "py evennia.search_account('deaf')[0].at_pre_channel_msg = lambda *a, **k: False",
                ">>>",
            )
            watch.send("tower_alert", **_alert("a1", "bezalel is down", 7))
            self.assertTrue(watch.answer("tower_ack")["ok"])
            listener.hear("[Fleet] bezalel is down (incident #7)")
            self.assertNotIn("bezalel is down", muted.heard() + deaf.heard())
            listener.type("channel/history Fleet", "bezalel is down (incident #7)")
            self.assertIn("Usage:", listener.type("restart", "restart"))

            self.page()

            self.place.run("evennia reload")
            listener.hear("restarted")
            listener.type("channel/history Fleet", "bezalel is down (incident #7)")
            owner.type("look", "not connected")
            owner.type("ooc", "You are out-of-character")
            self.assertIn("Usage: restart", owner.type("restart", "Usage: restart"))

    def page(self) -> None:
        """The page is for who is logged in."""
        base = f"http://127.0.0.1:{self.ports['web']}"
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

        def get(path: str, **form: str) -> str:
            data = urllib.parse.urlencode(form).encode() if form else None
            with browser.open(f"{base}{path}", data, timeout=60) as answer:
                return answer.read().decode()

        asked = get("/fleet/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', asked)
        assert token is not None, asked
        get(
            "/auth/login/?next=/fleet/",
            csrfmiddlewaretoken=token[1],
            username="listener",
            password=PASSWORD,
        )
        self.assertIn("Bezalel", get("/fleet/"))
        self.assertIn("bezalel", get("/fleet/data.json"))
        self.assertIn("{", get("/static/evennia_towerwatch/fleet.css"))

    def uninstall(self) -> None:
        lines = commands(blocks("## Uninstalling", "## Tests"))
        self.assertEqual(lines.pop(0), "evennia stop")
        self.assertIn("NPC Bezalel", self.place.run(lines.pop(0)))
        self.assertIn("Removed:", self.place.run(lines.pop(0)))
        for name, text in self.files.items():
            (self.place.game / name).write_text(text, "utf-8")
        self.assertEqual(len(lines), 1)
        self.place.run(lines[0])
        self.assertFalse((self.place.packages() / "evennia_towerwatch").exists())

        after = contents(self.place.game / "server" / "evennia.db3")
        self.assertEqual(list(after), list(self.before))
        for table, rows in self.before.items():
            # The owner and his lamp, which he has left in a room of the plugin, have come home.
            self.assertEqual(after[table], rows, table)
        left = self.place.game.rglob("*")
        self.assertEqual([file for file in left if "fleet" in file.name.lower()], [])
        self.assertIn("no issues", self.place.run("evennia check"))

    def sources(self) -> dict[str, str]:
        """The game's own files as they are now."""
        return {
            str(file.relative_to(self.place.game)): file.read_text("utf-8")
            for file in self.place.game.rglob("*.py")
        }

    def start(self) -> None:
        """`evennia start`; on a busy machine the launcher itself says "Try again" after a while."""
        for _ in range(5):
            said = self.place.run("evennia start")
            if "Evennia running" in said or "Server is already running" in said:
                return
        self.fail(said)

    def stop(self) -> None:
        """`evennia stop`, until nothing is left of it."""
        for _ in range(5):
            said = self.place.run("evennia stop")
            if "Evennia not running" in said:
                return
        self.fail(said)

    def enter(self, name: str) -> Player:
        """Log in over telnet."""
        player = Player(self.ports["telnet"])
        # A player without a character is told so, and is out of character.
        place = "You become Owner" if name == "Owner" else "does not exist"
        player.insist(f"connect {name} {PASSWORD}", place)
        return player

    def watch(self) -> Watch:
        """Log in as the watch, and mirror a fleet of two."""
        protocol = load_protocol()
        watch = Watch(self.ports["websocket"])
        watch.send("login", name=self.account, password=self.password)
        watch.answer("logged_in")
        watch.send(
            "tower_hello",
            v=protocol.version,
            id="h1",
            watch="0.1.0",
            fleet="demo",
            protocolHash=protocol.hash,
            operationsHash=protocol.operations_hash,
        )
        boot = watch.answer("tower_welcome")["boot"]
        agents = [agent_view("bezalel", "bezalel"), agent_view("timmy", "local")]
        parts = snapshot(agents, [host_view("bezalel"), host_view("local")])
        watch.send("tower_snapshot", v=protocol.version, boot=boot, **parts)
        return watch


_WHERE = "import evennia_towerwatch; print(evennia_towerwatch.__file__)"


def _alert(alert_id: str, text: str, incident: int) -> dict[str, Any]:
    return {
        "v": load_protocol().version,
        "id": alert_id,
        "kind": "problem",
        "subjects": [{"kind": "agent", "id": "bezalel", "host": "bezalel"}],
        "incidents": [incident],
        "at": 1,
        "text": text,
    }
