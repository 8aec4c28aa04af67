"""What is shown fits the screen, and long answers come a page at a time."""

import re
from typing import Any, ClassVar
from unittest.mock import patch

import evennia
from evennia.utils.create import create_object

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.layout import columns_of
from evennia_towerwatch.npc import AGENT_TAG, TowerNPC
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.test_commands import TypingTest
from evennia_towerwatch.tests.game.test_corpus import AT_ONCE, Plain, corpus
from evennia_towerwatch.tests.messages import agent_view, host_view

FOOTER = "(|wPage|n [1/"


class ScreenTest(TypingTest):
    """The session of `account` has a screen of a size that the test says."""

    def screen(self, columns: int, lines: int = 24, **flags: Any) -> None:
        size = {"SCREENWIDTH": {0: columns}, "SCREENHEIGHT": {0: lines}}
        self.session.protocol_flags.update(size, **flags)

    def answer(self, lines: list[str], status: str = "ok") -> str:
        """The watch answers the last request; returns what is shown."""
        request = next(data for name, data in reversed(self.watch.sent) if name == "tower_request")
        self.lines.clear()
        ids = {"id": request["id"], "operation": request["operation"], "actor": request["actor"]}
        self.watch.call("tower_result", v=1, **ids, status=status, lines=lines)
        return "\n".join(self.lines)


class Widths(ScreenTest):
    """40, 80 and 132 columns, and what is read aloud."""

    def setUp(self) -> None:
        super().setUp()
        doing = {"doing": "漢字 and a long piece of work that goes on and on " * 3, "busy": True}
        incident = {"number": 7, "cause": "its pane is dead", "openedAt": 1}
        agents = [
            agent_view("bezalel", "bezalel", state="down", incident=incident, **doing),
            agent_view("an-agent-with-a-name-that-is-far-longer-than-the-others", "local"),
        ]
        self.watch = self.connect(agents, [host_view("bezalel"), host_view("local")])

    def assert_fits(self, said: str, columns: int, what: str) -> None:
        for line in said.split("\n"):
            self.assertLessEqual(columns_of(line), columns, f"{what}: {line!r}")

    def test_fleet_overview_look_and_faults_fit_in_and_out_of_character(self) -> None:
        self.char1.location = build.watch_room()
        lines = ["fleet", "towerwatch", "look bezalel", "look", "verbosity", "restart", "tower/x"]
        lines += ["silence bezalel soon because", "restart gandalf", "tower/helth"]
        for columns in (40, 80, 132):
            self.screen(columns, 200)
            for line in lines:
                self.assert_fits(self.type(line), columns, line)
        npc = build._first("bezalel", AGENT_TAG, TowerNPC)
        self.char1.location = npc.location
        for columns in (40, 80, 132):
            self.screen(columns, 200)
            self.assert_fits(npc.return_appearance(self.char1), columns, "body")
        self.out_of_character()
        self.screen(40, 200)
        for line in lines[:2]:
            self.assert_fits(self.type(line), 40, line)

    def test_a_look_fits_however_many_hosts_and_agents_there_are_and_whatever_they_are_called(
        self,
    ) -> None:
        hosts = [host_view(f"host-number-{number}") for number in range(12)]
        hosts.append(host_view("wide", name="漢字" * 6 + "-w"))
        agents = [agent_view(f"agent-{number}", "wide") for number in range(9)]
        self.connect(agents, hosts)
        self.char1.location = build.watch_room()
        for columns in (40, 80, 132):
            self.screen(columns, 200)
            said = self.type("look")
            self.assert_fits(said, columns, "look")
            for number in range(12):
                self.assertIn(f"Host-Number-{number}", said[said.index("Exits:") :])
        self.char1.location = build._first("agent-1", AGENT_TAG, TowerNPC).location
        self.screen(40, 200)
        said = self.type("look")
        self.assert_fits(said, 40, "look")
        self.assertIn("Agent-8", said[said.index("Characters:") :])

    def test_nothing_that_one_types_is_lost_on_a_narrow_screen(self) -> None:
        self.screen(40)
        said = "".join(part.strip() for part in self.type("fleet").split("\n"))
        self.assertIn("an-agent-with-a-name-that-is-far-longer-than-the-others", said)
        self.assertIn("|rdown|n", said)

    def test_the_help_of_every_command_fits(self) -> None:
        for columns in (40, 80, 132):
            self.screen(columns, 500)
            for command in TowerCommands():
                self.assert_fits(command.get_help(self.char1, None), columns, command.key)

    def test_the_watch_is_told_how_wide_the_screen_is_and_whether_it_is_one(self) -> None:
        def asked() -> dict[str, Any]:
            self.type("health")
            return self.watch.sent[-1][1]["screen"]

        self.screen(40)
        self.assertEqual(asked(), {"columns": 40})
        # A client with several windows; and nonsense, which any client may say.
        self.session.protocol_flags["SCREENWIDTH"] = {0: 120, 1: 90}
        self.assertEqual(asked(), {"columns": 90})
        for nonsense in ({0: 0}, {0: -5}, {}, None, "80", {0: "80"}):
            self.session.protocol_flags["SCREENWIDTH"] = nonsense
            self.assertEqual(asked(), {"columns": 78}, nonsense)
        for width, told in ((3, 20), (65_535, 500)):
            self.screen(width)
            self.assertEqual(asked(), {"columns": told})
        self.screen(40, SCREENREADER=True)
        self.assertEqual(asked(), {"columns": 40, "reader": True})

    def test_what_is_read_aloud_has_no_columns_and_no_pages(self) -> None:
        self.screen(40, 5, SCREENREADER=True)
        for line in ("fleet", "towerwatch"):
            said = self.type(line)
            self.assertNotRegex(re.sub(r"\|[a-zA-Z]", "", said), r"\S {2}")
            self.assertNotIn("Page", said)
        self.type("health")
        self.assertEqual(self.answer([f"line {number}" for number in range(50)]).count("line"), 50)
        self.assertIsNone(self.char1.ndb._more)


def TowerCommands() -> list[Any]:
    """All commands that the plugin adds."""
    from evennia_towerwatch.cmdset import TowerCmdSet

    cmdset = TowerCmdSet()
    return list(cmdset.commands)


class Pages(ScreenTest):
    """EvMore, where an answer is longer than the screen."""

    LONG: ClassVar[list[str]] = [f"line {number}" for number in range(50)]

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.screen(80, 24)

    def ask(self, lines: list[str] | None = None, status: str = "ok") -> str:
        self.type("health")
        return self.answer(self.LONG if lines is None else lines, status)

    def test_a_long_answer_comes_a_page_at_a_time_in_and_out_of_character(self) -> None:
        for reader in (self.char1, self.account):
            said = self.ask()
            self.assertIn("line 19", said)
            self.assertNotIn("line 20", said)
            self.assertIn("(|wPage|n [1/3]", said)
            self.assertIsNotNone(reader.ndb._more)
            self.assertIn("line 39", self.type("n"))
            self.assertIn("line 19", self.type("p"))
            self.assertIn("line 49", self.type("e"))
            self.assertIn("Exited", self.type("q"))
            self.assertIsNone(reader.ndb._more)
            self.assertIn("up", self.type("fleet"))
            if reader is self.char1:
                self.out_of_character()

    def test_an_answer_that_fits_and_progress_come_as_they_are(self) -> None:
        self.assertNotIn("Page", self.ask(self.LONG[:24]))
        self.assertIn("line 49", self.ask(status="running"))
        self.assertIsNone(self.char1.ndb._more)

    def test_a_command_that_is_typed_into_it_is_done(self) -> None:
        self.ask()
        self.screen(40)
        self.watch.sent.clear()
        said = self.type("restart bezalel")
        self.assertIn("The watch is asked: restart bezalel", said)
        ((name, request),) = self.watch.sent
        self.assertEqual((name, request["screen"]), ("tower_request", {"columns": 40}))
        self.assertTrue(request["actor"]["from"])
        self.assertIsNone(self.char1.ndb._more)

    def test_it_does_not_push_itself_into_what_one_is_doing(self) -> None:
        for name in ("_more", "_evmenu", "_eveditor", "_getinput"):
            setattr(self.char1.ndb, name, object())
            self.assertIn("line 49", self.ask())
            delattr(self.char1.ndb, name)
        self.assertIsNone(self.char1.ndb._more)

    def test_other_sessions_of_the_account_get_it_whole(self) -> None:
        other = self.session_of(self.account)
        said: list[tuple[Any, str]] = []

        def keep(session: Any, **kwargs: Any) -> None:
            for one in session if isinstance(session, list) else [session]:
                text = kwargs.get("text", "")
                said.append((one, str(text[0] if isinstance(text, tuple) else text)))

        other.data_out = lambda **kwargs: keep(other, **kwargs)
        sessions = [self.session, other]
        self.type("health")
        with (
            patch.object(evennia.SESSION_HANDLER, "data_out", keep),
            patch.object(type(self.account.sessions), "all", lambda _: sessions),
            patch.object(type(self.account.sessions), "get", lambda *_: sessions),
        ):
            self.answer(self.LONG)
            self.char1.ndb._more.page_quit()
        plain = "".join(text for one, text in said if one is other)
        paged = "".join(text for one, text in said if one is self.session)
        self.assertIn("line 49", plain)
        self.assertNotIn("Page", plain)
        self.assertNotIn("Exited", plain)
        self.assertIn("Page", paged)
        self.assertNotIn("line 49", paged)

    def test_a_session_that_has_gone_keeps_nobody_from_the_answer(self) -> None:
        self.type("health")
        with patch.dict(evennia.SESSION_HANDLER, clear=False):
            evennia.SESSION_HANDLER.pop(self.session.sessid)
            self.answer(self.LONG)
        self.assertIsNone(self.char1.ndb._more)

    def test_the_games_own_long_texts_come_so_too(self) -> None:
        self.screen(80, 10)
        self.assertIn("Page", self.type("towerwatch"))
        self.type("q")
        self.assertIn("up", self.type("fleet"))


class HostilePages(ScreenTest, Plain):
    """What was escaped is not looked into once more."""

    def test_texts_of_others_are_text_in_pages_too(self) -> None:
        self.watch = self.connect()
        self.screen(60, 8)
        texts = [text[:390] for text in corpus()]
        for start in range(0, len(texts), AT_ONCE):
            self.type("health")
            pages = [self.answer(texts[start : start + AT_ONCE]), self.type("n")]
            self.type("q")
            self.assertIn("Page", pages[0])
            for page in pages:
                self.assert_plain(page)


class Hints(ScreenTest):
    """What was meant."""

    def test_a_mistyped_canonical_name_is_met_with_the_nearest_one(self) -> None:
        watch = self.connect()
        self.assertIn(
            "no command tower/helth. Did you mean tower/health?", self.type("tower/helth")
        )
        said = self.type("tower/restrat bezalel")
        self.assertIn("Did you mean tower/restart?", said)
        self.assertIn("Did you mean tower/fleet?", self.type("tower/rooster"))
        self.assertIn("To see what there is, type: towerwatch", self.type("tower/xyzzyxyzzy"))
        said = self.type("tower/|lcquit|ltx|le{0}")
        self.assertNotIn("|lc", said)
        self.assertNotIn("{0}", said)
        self.assertEqual(watch.sent, [])
        self.type("tower/health")
        self.assertEqual([name for name, _ in watch.sent], ["tower_request"])

    def test_a_unique_beginning_names_an_agent_or_host_for_every_kind_of_argument(self) -> None:
        agents = [agent_view("bezalel", "forge"), agent_view("timmy", "local")]
        watch = self.connect(agents, [host_view("forge"), host_view("local")])
        lines = {
            "resume bez": {"agent": "bezalel"},
            "panes for": {"host": "forge"},
            "health tim": {"subject": "timmy"},
            "health loc": {"subject": "local"},
            "restart bez": {"agent": "agent:bezalel"},
            "restart host loc": {"agent": "host:local"},
            "ack tim": {"incident": "agent:timmy"},
            "ack for": {"incident": "host:forge"},
        }
        self.set_permission("Admin")
        for line, arguments in lines.items():
            watch.sent.clear()
            self.type(line)
            self.assertEqual([data["arguments"] for _, data in watch.sent], [arguments], line)
        kinds = {one["kind"] for op in load_protocol().operations for one in op["arguments"]}
        named = {"agent", "host", "agent-or-host", "subject", "incident"}
        # The rest names nobody; a pane is found by the watch.
        rest = {"number", "duration", "text", "flag", "word", "choice", "pane"}
        self.assertEqual(kinds - rest, named)

    def test_a_mistyped_host_is_met_with_the_nearest_one(self) -> None:
        self.connect([agent_view("bezalel", "forge")], [host_view("forge"), host_view("local")])
        self.assertIn("no host called frge. Did you mean forge?", self.type("panes frge"))
        self.assertIn("Did you mean local?", self.type("health locla"))


class Words(TypingTest):
    """Games with words of their own."""

    def commands(self) -> dict[str, set[str]]:
        return {command.key: set(command._keyaliases) for command in TowerCommands()}

    def test_the_word_before_the_slash_is_the_games_to_choose(self) -> None:
        with self.settings(TOWERWATCH_PREFIX="ops"):
            found = self.commands()
            self.assertEqual(found["health"], {"health", "hp", "ops/health"})
            self.assertEqual(found["towerwatch"], {"towerwatch", "ops"})
            self.assertEqual(found["verbosity"], {"verbosity", "ops/verbosity"})
            helps = "".join(one.get_help(self.char1, None) for one in TowerCommands())
            self.assertNotIn("tower/", helps)
            self.assertIn("ops/health", helps)

    def test_all_operations_may_have_only_their_canonical_form(self) -> None:
        with self.settings(TOWERWATCH_CANONICAL_ONLY=True):
            for key, words in self.commands().items():
                if key == "help towerwatch":
                    continue
                self.assertTrue(key == "towerwatch" or words == {key}, words)
                self.assertTrue(key == "towerwatch" or key.startswith("tower/"), key)
            by_key = {command.key: command for command in TowerCommands()}
            said = by_key["tower/restart"].get_help(self.char1, None)
            self.assertIn("Usage:\n  tower/restart <agent>", said)
            self.assertIn("  tower/restart bezalel", said)
            self.assertNotRegex(said, r"(?m)^ +restart")
            overview = by_key["towerwatch"].get_help(self.char1, None)
            self.assertRegex(overview, r"tower/incidents\s+shows")

    def test_what_the_watch_says_is_to_be_typed_is_said_in_the_words_of_the_game(self) -> None:
        from evennia_towerwatch.commands.words import as_typed_here

        line = 'To take it back, type: unack 12. A person can type "confirm 7F3K9M", or Type: dance'
        self.assertEqual(as_typed_here(line), line)
        with self.settings(TOWERWATCH_CANONICAL_ONLY=["unack", "confirm"], TOWERWATCH_PREFIX="o"):
            said = as_typed_here(line)
        self.assertIn("type: o/unack 12", said)
        self.assertIn('type "o/confirm 7F3K9M"', said)
        self.assertIn("Type: dance", said)
        line = "all needs a second person, who has 2 min to type: confirm 7F3K9M"
        with self.settings(TOWERWATCH_CANONICAL_ONLY=True):
            said = [as_typed_here(line), as_typed_here("Watch whom? For example: watch bezalel")]
        self.assertIn("type: tower/confirm 7F3K9M", said[0])
        self.assertIn("For example: tower/watch bezalel", said[1])


class Objects(TypingTest):
    """Things without an account, by explicit permission only."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.golem = create_object(self.character_typeclass, "a brass golem", location=self.room1)
        self.listen(self.golem)

    def told(self, line: str) -> str:
        self.heard[self.golem].clear()
        self.golem.execute_cmd(line)
        return "\n".join(self.heard[self.golem])

    def test_they_are_refused_with_a_sentence_and_the_watch_hears_of_it(self) -> None:
        for line in ("health", "fleet", "restart bezalel"):
            said = self.told(line)
            self.assertIn(f"Objects may not use {line.split()[0]} here: it needs false()", said)
            self.assertIn("TOWERWATCH_OBJECT_LOCK", said.replace("\n  ", " "))
        actor = {"kind": "object", "id": str(self.golem.id), "name": "a brass golem"}
        self.assertEqual([name for name, _ in self.watch.sent], ["tower_refused"] * 3)
        for _, data in self.watch.sent:
            self.assertEqual(data["actor"], actor)
            self.assertIn("of objects", data["reason"])

    def test_one_that_the_lock_lets_asks_as_itself_and_hears_the_answer(self) -> None:
        with self.settings(TOWERWATCH_OBJECT_LOCK=f"id({self.golem.id})"):
            self.told("health")
        ((name, request),) = self.watch.sent
        actor = {"kind": "object", "id": str(self.golem.id), "name": "a brass golem"}
        self.assertEqual((name, request["actor"]), ("tower_request", actor))
        self.assertNotIn("screen", request)
        self.heard[self.golem].clear()
        ids = {"id": request["id"], "operation": "health", "actor": actor}
        self.watch.call("tower_result", v=1, **ids, status="ok", lines=["all is well"])
        self.assertEqual(self.heard[self.golem], ["all is well"])

    def test_it_needs_the_lock_of_the_role_as_well(self) -> None:
        with self.settings(TOWERWATCH_OBJECT_LOCK="all()"):
            self.assertIn("it needs perm(Builder)", self.told("restart bezalel"))
            self.golem.permissions.add("Builder")
            self.assertIn("The watch is asked", self.told("restart bezalel"))

    def test_it_never_has_the_role_admin(self) -> None:
        self.golem.permissions.add("Developer")
        with self.settings(TOWERWATCH_OBJECT_LOCK="all()", TOWERWATCH_ADMIN_LOCK="all()"):
            for line in ("restart all", "silence all 1h fan", "confirm 7F3K9M"):
                self.assertIn("Objects may never use", self.told(line))
        self.assertEqual({name for name, _ in self.watch.sent}, {"tower_refused"})
        self.assertIn("role admin", self.watch.sent[0][1]["reason"])

    def test_an_answer_for_an_object_that_is_gone_is_for_nobody(self) -> None:
        actor = {"kind": "object", "id": "999999999", "name": "x"}
        for number, actor_id in enumerate(("999999999", "-1", "1" * 19, "x")):
            ids = {"id": f"r{number}", "operation": "health", "actor": {**actor, "id": actor_id}}
            answers = self.watch.call("tower_result", v=1, **ids, status="ok", lines=["x"])
            self.assertEqual([name for name, _ in answers], ["tower_ack"])
        self.assertIs(BRIDGE.session, self.watch)
