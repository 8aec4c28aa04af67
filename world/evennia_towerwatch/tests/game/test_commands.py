"""What a person types."""

from typing import Any, ClassVar
from unittest.mock import patch

import evennia
from evennia.commands.default.system import CmdReload
from evennia.server.sessionhandler import ServerSessionHandler

from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.cmdset import ANSWERED_HERE, command_of
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.tests.game.support import TowerTest, hello
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot


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
            self.assertEqual(
                self.requests(session), [{"agent": "agent:bezalel"}], f"{line}: {said}"
            )
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
            self.assertEqual(self.requests(session), [{"agent": "agent:box-2"}], line)
        self.assertEqual(self.reloads, 0)

    def test_a_longer_word_is_not_restart(self) -> None:
        session = self.connect()
        self.type("restarting bezalel")
        self.assertEqual(session.sent, [])


class Asking(TypingTest):
    """Requests and refusals, on a screen on which every sentence is one line."""

    def setUp(self) -> None:
        super().setUp()
        self.session.protocol_flags["SCREENWIDTH"] = {0: 200}

    def test_a_request_says_who_asks_and_how_long_they_wait(self) -> None:
        session = self.connect()
        self.type("health")
        ((name, request),) = session.sent
        self.assertEqual((name, request["operation"]), ("tower_request", "health"))
        self.assertEqual(request["arguments"], {})
        actor = {"kind": "account", "id": str(self.account.id), "name": self.account.key}
        self.assertEqual(request["actor"], {**actor, "from": "telnet localhost"})
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
        self.assertEqual(refused["arguments"], {"agent": "agent:bezalel"})
        self.assertIn("perm(Builder)", refused["reason"])

    def test_what_is_for_everything_takes_the_role_of_an_admin(self) -> None:
        session = self.connect()
        self.set_permission("Builder")
        self.assertIn(
            "You may not use maintenance for so many here: it needs perm(Admin) (the role admin)",
            self.type("maintenance all 1h new kernel"),
        )
        self.type("maintenance bezalel 1h new kernel")
        self.set_permission("Admin")
        self.type("maintenance all 1h new kernel")
        self.assertEqual(
            [name for name, _ in session.sent], ["tower_refused", "tower_request", "tower_request"]
        )
        self.assertIn("admin", session.sent[0][1]["reason"])

    def test_who_asks_and_who_is_refused_is_told_with_where_they_sit(self) -> None:
        session = self.connect()
        self.session.protocol_key, self.session.address = "telnet", ("203.0.113.9", 4000)
        self.set_permission("Builder")
        self.type("restart bezalel")
        self.set_permission("Player")
        self.type("restart bezalel")
        for _, message in session.sent:
            self.assertEqual(message["actor"]["from"], "telnet 203.0.113.9")
        self.session.address = "|lcquit|lt::1\n" + "x" * 200
        self.type("restart bezalel")
        said = session.sent[-1][1]["actor"]["from"]
        self.assertLessEqual(len(said), 80)
        self.assertNotIn("|", said)

    def test_refusals_are_kept_while_the_watch_is_away_the_newest_fifty(self) -> None:
        self.connect()
        self.set_permission("Player")
        BRIDGE.ended(BRIDGE.session)
        for number in range(60):
            self.type(f"pause bezalel because of {number}")
        answers = self.bridge_session().call("tower_hello", **hello())
        self.assertEqual([name for name, _ in answers], ["tower_welcome", *["tower_refused"] * 50])
        first = answers[1][1]
        self.assertEqual(first["arguments"]["reason"], "because of 10")
        self.assertRegex(first["reason"], r"perm\(Builder\).*\(at .* UTC, while the watch was away")
        answers = self.bridge_session().call("tower_hello", **hello())
        self.assertEqual([name for name, _ in answers], ["tower_welcome"])

    def test_a_dry_run_is_asked_for_as_one_and_said_to_be(self) -> None:
        session = self.connect()
        self.set_permission("Builder")
        self.assertIn("restart bezalel --dry-run", self.type("restart bezalel --dry-run"))
        sent = session.sent[0][1]["arguments"]
        self.assertEqual(sent["dryRun"], "yes")

    def test_help_says_which_role_it_takes(self) -> None:
        self.assertIn("Everybody may use it (the role see)", self.type("help health"))
        self.assertIn("Who may use it: perm(Builder) (the role operate)", self.type("help silence"))
        self.assertIn("For all: perm(Admin) (the role admin)", self.type("help silence"))
        self.assertIn("[--dry-run]", self.type("help silence"))

    def test_a_player_may_see(self) -> None:
        session = self.connect()
        self.set_permission("Player")
        self.type("health")
        self.assertEqual([name for name, _ in session.sent], ["tower_request"])

    def test_the_locks_are_the_games_to_set(self) -> None:
        session = self.connect()
        self.set_permission("Player")
        with self.settings(TOWERWATCH_OPERATE_LOCK="all()", TOWERWATCH_SEE_LOCK="perm(Admin)"):
            self.type("restart bezalel")
            self.type("phase")
        self.assertEqual([name for name, _ in session.sent], ["tower_request", "tower_refused"])

    def test_a_refused_developer_does_not_reach_the_reload_instead(self) -> None:
        self.connect()
        self.account.unpuppet_object(self.session)
        with self.settings(TOWERWATCH_OPERATE_LOCK="false()"):
            for line in ("restart bezalel", "@restart bezalel"):
                self.assertIn("You may not", self.type(line))
        self.assertEqual(self.reloads, 0)

    def test_an_unknown_agent_is_said_here_with_the_nearest_one(self) -> None:
        session = self.connect()
        self.assertIn(
            "no agent or host called bezalal. Did you mean bezalel?", self.type("restart bezalal")
        )
        self.assertIn("There are: bezalel, local, timmy", self.type("restart xxxxxxx"))
        self.assertEqual(session.sent, [])

    def test_a_name_with_a_space_can_be_typed(self) -> None:
        session = self.connect([agent_view("code-claw", name="Code Claw")], [host_view("ezra")])
        self.type("restart Code Claw")
        self.assertEqual(session.sent[0][1]["arguments"], {"agent": "agent:code-claw"})

    def test_what_is_typed_is_never_markup_in_the_answer(self) -> None:
        self.connect()
        said = self.type("restart |lcquit|ltx|le{0}")
        self.assertNotIn("|lc", said)
        self.assertNotIn("{0}", said)

    def test_too_many_words_are_the_usage(self) -> None:
        self.connect()
        self.assertIn("Usage: phase", self.type("phase now"))
        self.assertIn("Usage: restart <agent>", self.type("restart bezalel now"))
        self.assertLess(len(self.type("restart " + "x" * 500)), 200)

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


class Quieting(TypingTest):
    """Acknowledging, silencing, pausing: commands of several words."""

    LINES: ClassVar[dict[str, tuple[str, dict[str, str]]]] = {
        "ack 12": ("ack", {"incident": "12"}),
        "ack #12 sticky 2h I am on it": (
            "ack",
            {"incident": "12", "kind": "sticky", "duration": "2h", "comment": "I am on it"},
        ),
        "acknowledge bez": ("ack", {"incident": "agent:bezalel"}),
        "@ack 12": ("ack", {"incident": "12"}),
        "unack host bezalel": ("unack", {"incident": "host:bezalel"}),
        "silence Code Claw 2h disk is being swapped": (
            "silence",
            {"subject": "agent:code-claw", "duration": "2h", "reason": "disk is being swapped"},
        ),
        "silence all for 30m new switch": (
            "silence",
            {"subject": "all", "duration": "30m", "reason": "new switch"},
        ),
        "silences": ("silences", {}),
        "unsilence #3": ("unsilence", {"number": "3"}),
        "end-maintenance 3": ("unsilence", {"number": "3"}),
        "maintenance host bezalel 1d new kernel": (
            "maintenance",
            {"subject": "host:bezalel", "duration": "1d", "reason": "new kernel"},
        ),
        "pause tim learning": ("pause", {"agent": "timmy", "reason": "learning"}),
        "tower/pause timmy 2h learning": (
            "pause",
            {"agent": "timmy", "duration": "2h", "reason": "learning"},
        ),
        "resume timmy": ("resume", {"agent": "timmy"}),
        "roll-back bez alive": ("roll-back", {"agent": "bezalel", "alive": "alive"}),
        "watch bez": ("watch", {"agent": "bezalel"}),
        "incidents open": ("incidents", {"only": "open"}),
        "incidents bez open": ("incidents", {"subject": "bezalel", "only": "open"}),
    }

    def setUp(self) -> None:
        super().setUp()
        agents = [
            agent_view("bezalel", "bezalel"),
            agent_view("timmy", "local"),
            agent_view("code-claw", name="Code Claw"),
        ]
        self.watch = self.connect(agents, [host_view("bezalel"), host_view("local")])

    def test_every_line_reaches_the_watch_with_its_arguments_in_and_out_of_character(self) -> None:
        for _ in range(2):
            for line, (operation, arguments) in self.LINES.items():
                self.watch.sent.clear()
                said = self.type(line)
                self.assertEqual(
                    [(data["operation"], data["arguments"]) for _, data in self.watch.sent],
                    [(operation, arguments)],
                    f"{line}: {said}",
                )
            self.out_of_character()

    def test_every_operation_of_the_watch_is_tried_here_or_with_restart(self) -> None:
        tried = {operation for operation, _ in self.LINES.values()}
        declared = {
            one["name"]
            for one in load_protocol().operations
            if sum(argument["kind"] != "flag" for argument in one["arguments"]) > 1
        }
        self.assertLessEqual(declared, tried)

    def test_who_may_not_act_may_not_quieten_and_the_watch_hears_the_whole_of_it(self) -> None:
        self.set_permission("Player")
        for line, (operation, arguments) in self.LINES.items():
            self.watch.sent.clear()
            self.type(line)
            ((name, data),) = self.watch.sent
            acts = operation not in ("incidents", "silences")
            self.assertEqual(name, "tower_refused" if acts else "tower_request", line)
            self.assertEqual(data["arguments"], arguments, line)

    def test_what_is_missing_or_wrong_is_said_here_with_an_example(self) -> None:
        said = {
            "silence": "Usage: silence <subject> <duration> <reason…>",
            "silence bezalel": "For example: silence",
            "silence bezalel 2h": "The reason is missing.",
            "silence bezalel testing": "The duration is missing.",
            "silence bezalel disk is bad": "The duration must be like 30m, 2h or 1d.",
            "silence bezalel 60d disk": "The duration may be 30d at most.",
            "silence gandalf 2h disk": "There is no agent or host called gandalf.",
            "ack": "Usage: ack <incident> [sticky] [duration] [comment…]",
            "ack gandalf": "There is no agent or host called gandalf.",
            "unsilence bezalel": "The number must be a number, like 3.",
            "pause bezalel": "Usage: pause <agent> [duration] <reason…>",
            "pause bezalel 2h": "The reason is missing.",
            "resume": "Usage: resume <agent>",
            "silence bezalel 2h " + "x" * 201: "The reason may have 200 characters at most.",
        }
        for line, sentence in said.items():
            self.assertIn(sentence, self.type(line), line)
        self.assertEqual(self.watch.sent, [])

    def test_the_beginning_of_several_names_is_told_with_all_of_them(self) -> None:
        self.watch.call(
            "tower_snapshot",
            v=1,
            boot=BRIDGE.boot,
            **snapshot([agent_view("ezra"), agent_view("ezekiel")], [host_view("ezra")]),
        )
        self.watch.sent.clear()
        self.assertIn("ez can be ezra, ezekiel. Type more of it.", self.type("restart ez"))
        self.assertEqual(self.watch.sent, [])
        self.type("restart ezr")
        self.assertEqual(self.watch.sent[0][1]["arguments"], {"agent": "agent:ezra"})

    def test_a_reason_is_repeated_without_its_markup(self) -> None:
        said = self.type("silence bezalel 2h |lcquit|ltclick|le {0} $You() <b>")
        self.assertIn("The watch is asked: silence bezalel 2h", said)
        for sign in ("|lc", "{0}", "$You", "<b>"):
            self.assertNotIn(sign, said)
        self.lines.clear()
        self.clock.advance(2.1)
        self.assertNotIn("|lc", "\n".join(self.lines))

    def test_a_subject_is_repeated_as_people_say_it(self) -> None:
        self.assertIn("silence host bezalel 2h fan", self.type("silence host:bezalel 2h fan"))

    def test_the_help_of_each_tells_its_arguments_and_examples(self) -> None:
        for operation in load_protocol().operations:
            said = self.type(f"help {operation['name']}")
            for argument in operation["arguments"]:
                self.assertIn(argument["help"], said)
            for example in operation["examples"]:
                self.assertIn(example, said)
        self.assertIn("[sticky]", self.type("help ack"))


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
