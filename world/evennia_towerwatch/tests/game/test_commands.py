"""What a person types."""

from typing import Any
from unittest.mock import patch

import evennia
from evennia.commands.default.system import CmdReload
from evennia.server.sessionhandler import ServerSessionHandler
from evennia.utils.create import create_object

from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.cmdset import ANSWERED_HERE, command_of
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.messages import agent_view, host_view


class TypingTest(TowerTest):
    """`account` sits at a keyboard, in character as `char1`, both with the game's real commands."""

    def setUp(self) -> None:
        super().setUp()
        self.reloads = 0
        reload = patch.object(ServerSessionHandler, "portal_restart_server", self.count_reload)
        reload.start()
        self.addCleanup(reload.stop)
        announce = patch.object(ServerSessionHandler, "announce_all", lambda *_: None)
        announce.start()
        self.addCleanup(announce.stop)
        self.lines: list[str] = []
        out = patch.object(evennia.SESSION_HANDLER, "data_out", self.keep)
        out.start()
        self.addCleanup(out.stop)
        self.set_permission("Developer")

    def count_reload(self, *args: Any) -> None:
        self.reloads += 1

    def keep(self, session: Any, **kwargs: Any) -> None:
        text = kwargs.get("text")
        if text:
            self.lines.append(str(text[0] if isinstance(text, tuple) else text))

    def set_permission(self, permission: str) -> None:
        self.account.permissions.clear()
        self.account.permissions.add(permission)
        self.char1.permissions.clear()

    def type(self, line: str) -> str:
        self.lines.clear()
        self.session.execute_cmd(line)
        return "\n".join(self.lines)

    def out_of_character(self) -> None:
        self.account.unpuppet_object(self.session)
        self.assertIsNone(self.session.puppet)


class Restart(TypingTest):
    """Core Evennia has `@reload` with the alias `@restart`, and prefixes may be left out."""

    FORMS = (
        "restart bezalel",
        "@restart bezalel",
        "RESTART Bezalel",
        "@Restart bezalel",
        "/restart bezalel",
        "+restart bezalel",
        "restart   bezalel ",
        "tower/restart bezalel",
        "@tower/restart bezalel",
    )

    def requests(self, session: Any) -> list[dict]:
        return [data["arguments"] for name, data in session.sent if name == "tower_request"]

    def try_all_forms(self) -> None:
        session = self.connect()
        for line in self.FORMS:
            session.sent.clear()
            said = self.type(line)
            self.assertEqual(self.requests(session), [{"agent": "bezalel"}], f"{line}: {said}")
        self.assertEqual(self.reloads, 0)

    def test_in_character_every_form_reaches_the_watch_and_none_the_reload(self) -> None:
        self.try_all_forms()

    def test_out_of_character_every_form_reaches_the_watch_and_none_the_reload(self) -> None:
        self.out_of_character()
        self.try_all_forms()

    def test_a_superuser_too_reaches_the_watch_in_and_out_of_character(self) -> None:
        self.account.is_superuser = True
        self.account.save()
        self.try_all_forms()
        self.out_of_character()
        self.try_all_forms()

    def test_without_a_watch_it_is_said_and_nothing_reloads(self) -> None:
        for line in self.FORMS:
            self.assertIn("The watch is not connected", self.type(line), line)
        self.out_of_character()
        for line in self.FORMS:
            self.assertIn("The watch is not connected", self.type(line), line)
        self.assertEqual(self.reloads, 0)

    def test_without_an_agent_the_usage_is_said_and_nothing_reloads(self) -> None:
        for _ in range(2):
            self.assertIn("Usage: restart <agent>", self.type("restart"))
            self.assertIn("Usage: restart <agent>", self.type("restart  "))
            self.out_of_character()
        self.assertEqual(self.reloads, 0)

    def test_reload_still_reloads(self) -> None:
        for count, line in enumerate(("@reload", "reload", "@reload for a reason"), 1):
            self.type(line)
            self.assertEqual(self.reloads, count, line)
        self.out_of_character()
        self.type("@reload")
        self.assertEqual(self.reloads, 4)

    def test_the_core_still_has_the_alias_that_all_this_is_about(self) -> None:
        self.assertIn("@restart", CmdReload.aliases)

    def test_a_number_at_the_end_of_a_name_is_part_of_the_name(self) -> None:
        session = self.connect([agent_view("box"), agent_view("box-2")], [host_view("ezra")])
        for line in ("restart box-2", "@restart box-2", "tower/restart box-2"):
            session.sent.clear()
            self.type(line)
            self.assertEqual(self.requests(session), [{"agent": "box-2"}], line)
        self.assertEqual(self.reloads, 0)

    def test_a_longer_word_is_not_restart(self) -> None:
        session = self.connect()
        self.type("restarting bezalel")
        self.assertEqual(session.sent, [])


class Asking(TypingTest):
    """Requests and refusals."""

    def test_a_request_says_who_asks_and_how_long_they_wait(self) -> None:
        session = self.connect()
        self.type("health")
        ((name, request),) = session.sent
        self.assertEqual((name, request["operation"]), ("tower_request", "health"))
        self.assertEqual(request["arguments"], {})
        actor = {"kind": "account", "id": str(self.account.id), "name": self.account.key}
        self.assertEqual(request["actor"], actor)
        self.assertEqual(request["deadlineMs"], 15_000)

    def test_every_command_says_at_once_when_the_watch_is_not_there(self) -> None:
        for line in ("fleet", "health", "phase", "incidents", "restart bezalel", "towerwatch"):
            self.assertRegex(self.type(line), r"The watch is not connected.* \(0 s ago\)", line)

    def test_a_watch_of_another_version_is_named_in_every_command(self) -> None:
        from evennia_towerwatch.tests.game.support import hello

        self.bridge_session().call("tower_hello", **hello(v=2, watch="7.0.0"))
        self.assertIn("The watch is version 7.0.0", self.type("health"))

    def test_a_builder_may_act_and_a_player_may_not_and_the_watch_hears_of_it(self) -> None:
        session = self.connect()
        self.set_permission("Builder")
        self.type("restart bezalel")
        self.assertEqual([name for name, _ in session.sent], ["tower_request"])
        session.sent.clear()
        self.set_permission("Player")
        self.assertIn(
            "You may not use restart here: it needs perm(Builder)", self.type("restart bezalel")
        )
        ((name, refused),) = session.sent
        self.assertEqual(name, "tower_refused")
        self.assertEqual(refused["operation"], "restart")
        self.assertEqual(refused["arguments"], {"agent": "bezalel"})
        self.assertIn("perm(Builder)", refused["reason"])

    def test_a_player_may_see(self) -> None:
        session = self.connect()
        self.set_permission("Player")
        self.type("health")
        self.assertEqual([name for name, _ in session.sent], ["tower_request"])

    def test_the_locks_are_the_games_to_set(self) -> None:
        session = self.connect()
        self.set_permission("Player")
        with self.settings(TOWERWATCH_ACT_LOCK="all()", TOWERWATCH_SEE_LOCK="perm(Admin)"):
            self.type("restart bezalel")
            self.type("phase")
        self.assertEqual([name for name, _ in session.sent], ["tower_request", "tower_refused"])

    def test_a_refused_developer_does_not_reach_the_reload_instead(self) -> None:
        self.connect()
        self.account.unpuppet_object(self.session)
        with self.settings(TOWERWATCH_ACT_LOCK="false()"):
            for line in ("restart bezalel", "@restart bezalel"):
                self.assertIn("You may not", self.type(line))
        self.assertEqual(self.reloads, 0)

    def test_an_unknown_agent_is_said_here_with_the_nearest_one(self) -> None:
        session = self.connect()
        self.assertIn(
            "no agent called bezalal. Did you mean bezalel?", self.type("restart bezalal")
        )
        self.assertIn("There are: bezalel, timmy", self.type("restart xxxxxxx"))
        self.assertEqual(session.sent, [])

    def test_a_name_with_a_space_can_be_typed(self) -> None:
        session = self.connect([agent_view("code-claw", name="Code Claw")], [host_view("ezra")])
        self.type("restart Code Claw")
        self.assertEqual(session.sent[0][1]["arguments"], {"agent": "code-claw"})

    def test_what_is_typed_is_never_markup_in_the_answer(self) -> None:
        self.connect()
        said = self.type("restart |lcquit|ltx|le{0}")
        self.assertNotIn("|lc", said)
        self.assertNotIn("{0}", said)

    def test_too_many_words_are_the_usage(self) -> None:
        self.connect()
        self.assertIn("Usage: phase", self.type("phase now"))
        self.assertIn("Usage: restart <agent>", self.type("restart " + "x" * 500))

    def test_a_watch_that_does_not_stir_is_told_after_two_seconds(self) -> None:
        session = self.connect()
        self.type("restart bezalel")
        self.lines.clear()
        self.clock.advance(1.9)
        self.assertEqual(self.lines, [])
        self.clock.advance(0.2)
        said = "\n".join(self.lines)
        self.assertIn("restart bezalel: the watch has not answered yet", said)
        self.assertRegex(said, r"last heard at \d\d:\d\d:\d\d UTC \(\d+ s ago\)")
        self.type("restart bezalel")
        request = session.sent[-1][1]
        session.call(
            "tower_result",
            v=1,
            id=request["id"],
            operation="restart",
            status="accepted",
            actor=request["actor"],
            lines=[],
        )
        self.lines.clear()
        self.clock.advance(10)
        self.assertEqual(self.lines, [])

    def test_an_answer_that_does_not_come_is_said_at_the_deadline(self) -> None:
        self.connect()
        self.type("health")
        self.clock.advance(14.9)
        self.lines.clear()
        self.clock.advance(0.2)
        self.assertIn("health: no answer of the watch within 15 s", "\n".join(self.lines))

    def test_an_answer_in_time_ends_the_waiting(self) -> None:
        session = self.connect()
        self.type("health")
        request = session.sent[0][1]
        session.call(
            "tower_result",
            v=1,
            id=request["id"],
            operation="health",
            status="ok",
            actor=request["actor"],
            lines=["ezra  up"],
        )
        self.assertIn("ezra", "\n".join(self.lines))
        self.lines.clear()
        self.clock.advance(100)
        self.assertEqual(self.lines, [])

    def test_who_has_no_account_cannot_ask(self) -> None:
        session = self.connect()
        nobody = create_object(self.character_typeclass, "nobody", location=self.room1)
        nobody.execute_cmd("restart bezalel")
        self.assertEqual(session.sent, [])


class Showing(TypingTest):
    """What is answered here."""

    def test_fleet_is_a_table_with_every_agent(self) -> None:
        self.connect(
            [agent_view("bezalel", state="down"), agent_view("timmy")], [host_view("ezra")]
        )
        said = self.type("fleet")
        self.assertRegex(said, r"bezalel +\|rdown")
        self.assertRegex(said, r"timmy +\|gup")
        self.assertEqual(self.type("roster"), said)

    def test_help_towerwatch_names_every_command_and_the_watch(self) -> None:
        self.connect()
        said = self.type("help towerwatch")
        for name in (
            "fleet",
            "health",
            "restart <agent>",
            "phase",
            "incidents",
            "is connected since",
        ):
            self.assertIn(name, said)
        for name in ("fleet", "health", "restart", "phase", "incidents"):
            self.assertIn("Usage", self.type(f"help {name}"))

    def test_every_operation_of_the_watch_has_a_command(self) -> None:
        for operation in load_protocol().operations:
            if operation["answeredBy"] == "shell":
                continue
            command = command_of(operation)()
            self.assertIn(f"tower/{operation['name']}", command._keyaliases)
            here = operation["answeredBy"] == "tower"
            self.assertEqual(here, operation["name"] in ANSWERED_HERE)

    def test_a_game_with_a_command_of_that_name_can_keep_it(self) -> None:
        health = next(one for one in load_protocol().operations if one["name"] == "health")
        with self.settings(TOWERWATCH_CANONICAL_ONLY=["health"]):
            command = command_of(health)()
        self.assertEqual(command._keyaliases, ("tower/health",))

    def test_a_lost_watch_shows_as_unknown_with_what_was_last_heard(self) -> None:
        session = self.connect()
        session.drop()
        said = self.type("fleet")
        self.assertIn("The watch is not connected since", said)
        self.assertRegex(said, r"bezalel +\|Wunknown")
        self.assertIsNone(evennia.SESSION_HANDLER.get(session.sessid))
        self.assertIsNone(BRIDGE.session)
