"""The account of the watch: what it can do in a game besides being the watch, which is nothing."""

import random
from typing import Any
from unittest.mock import patch

import evennia
from django.conf import settings
from evennia.accounts.models import AccountDB
from evennia.commands.cmdhandler import cmdhandler
from evennia.objects.models import ObjectDB
from evennia.server.serversession import ServerSession
from evennia.utils.utils import class_from_module

from evennia_towerwatch import rivals
from evennia_towerwatch.account import ensure_bridge_account
from evennia_towerwatch.tests.game.support import PASSWORD, TowerTest

CMDSETS = ("CMDSET_UNLOGGEDIN", "CMDSET_SESSION", "CMDSET_CHARACTER", "CMDSET_ACCOUNT")
# `sessions` lists the connections of one's own account; who is not in a character has it always.
HARMLESS = {"@sessions", "sessions"}
# Left as they are: its own screen, its own settings, and examples that answer to whoever asks.
OWN_ONLY = {"client_options", "hello", "supports_set", "webclient_options", "repeat", "unrepeat"}


class ServiceAccount(TowerTest):
    """Whoever knows its password can tell the game of a fleet, and nothing else."""

    def setUp(self) -> None:
        super().setUp()
        self.bridge = ensure_bridge_account("watch", PASSWORD)
        dummy = ServerSession()
        dummy.init_session("websocket", ("127.0.0.1", 1), evennia.SESSION_HANDLER)
        dummy.sessid = 77
        evennia.SESSION_HANDLER.portal_connect(dummy.get_sync_data())
        self.line = evennia.SESSION_HANDLER.session_from_sessid(77)
        evennia.SESSION_HANDLER.login(self.line, self.bridge, testmode=True)
        self.addCleanup(evennia.SESSION_HANDLER.pop, 77, None)
        self.said: list[str] = []
        self.sent: list[str] = []

        def msg(text: Any = None, **more: Any) -> None:
            self.said.append(str(text))
            self.sent.extend(more)

        self.line.msg = msg
        self.bridge.msg = msg
        self.listen(self.account, self.account2, self.char1, self.char2)

    def world(self) -> list[Any]:
        """All that a command could change in the database."""
        from evennia.comms.models import ChannelDB, Msg
        from evennia.help.models import HelpEntry
        from evennia.scripts.models import ScriptDB
        from evennia.server.models import ServerConfig

        rows: list[Any] = []
        for model in (AccountDB, ObjectDB, ChannelDB, Msg, HelpEntry, ServerConfig):
            rows += list(model.objects.order_by("pk").values_list())
        rows += list(ScriptDB.objects.order_by("pk").values_list("db_key"))
        for thing in [*ObjectDB.objects.all(), *AccountDB.objects.all()]:
            rows.append((thing.locks.all(), sorted(thing.permissions.all())))
        return rows

    def test_no_command_of_the_game_is_there_for_it(self) -> None:
        keys = set()
        for setting in CMDSETS:
            cmdset = class_from_module(getattr(settings, setting))()
            cmdset.at_cmdset_creation()
            for command in cmdset.commands:
                keys.update([command.key, *command.aliases])
        keys -= HARMLESS | {"__unloggedin_look_command", "__nomatch_command", "__noinput_command"}
        self.assertGreater(len(keys), 150)
        before = self.world()
        for key in sorted(keys):
            self.said.clear()
            cmdhandler(self.line, f"{key} here = me", callertype="session", session=self.line)
            told = " ".join(self.said)
            self.assertRegex(told, "not available|Command '", key)
        self.assertEqual(self.world(), before)
        self.assertEqual({line for lines in self.heard.values() for line in lines}, set())

    def test_no_ear_of_the_game_does_anything_for_it_but_those_of_the_watch(self) -> None:
        chance = random.Random(6)
        before = self.world()
        names = evennia.SESSION_HANDLER.get_inputfuncs()
        self.assertGreater(len(names), 20)
        # What the core says of its own faults is not the matter here.
        with (
            patch("evennia.server.inputfuncs.log_err"),
            patch("evennia.server.sessionhandler.log_trace"),
            patch.object(rivals.logger, "log_warn"),
        ):
            for name in sorted(set(names) - OWN_ONLY):
                if name.startswith("tower_"):
                    continue
                for _ in range(10):
                    words = ["create_object", "Limbo", "#1", "say hello", "py 1", "location", 1]
                    args = chance.choices(words, k=chance.randint(0, 2))
                    keys = ["name", "password", "callback", "txt", "raw_string", "value", "stop"]
                    kwargs = {key: chance.choice(words) for key in chance.choices(keys, k=2)}
                    evennia.SESSION_HANDLER.call_inputfuncs(self.line, **{name: (args, kwargs)})
        self.assertEqual(self.world(), before)
        self.assertEqual({line for lines in self.heard.values() for line in lines}, set())

    def test_it_gets_no_character_by_whatever_way(self) -> None:
        character, faults = self.bridge.create_character(key="Watch", ip="127.0.0.1")
        self.assertIsNone(character)
        self.assertTrue(faults)
        # As the page on the game's website does it.
        kind = class_from_module(settings.BASE_CHARACTER_TYPECLASS)
        character, faults = kind.create("Watch", self.bridge)
        self.assertIsNone(character)
        self.assertTrue(faults)
        with self.assertRaises(RuntimeError):
            self.bridge.puppet_object(self.line, self.char1)
        self.assertEqual(self.char1.account, self.account)
        self.assertIsNone(self.line.puppet)

    def test_it_is_not_found_by_permission_or_lock_as_anybody_who_may_act(self) -> None:
        for lock in ("perm(Builder)", "perm(Admin)", "perm(Developer)", "perm(Player)"):
            self.assertFalse(self.bridge.locks.check_lockstring(self.bridge, f"x:{lock}"), lock)
        self.assertFalse(self.bridge.is_staff)
        self.assertFalse(self.bridge.is_superuser)
