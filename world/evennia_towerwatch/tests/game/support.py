"""A game with the plugin in it, and a watch that can be played by hand."""

from typing import Any
from unittest.mock import patch

import evennia
from evennia.utils.create import create_account
from evennia.utils.test_resources import EvenniaTest
from twisted.internet.task import Clock

from evennia_towerwatch import announce, build, inputfuncs
from evennia_towerwatch.account import BridgeAccount, ensure_bridge_account
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

PASSWORD = "a-long-password"


class FakeSession:
    """A connection that keeps what is sent over it."""

    _numbers = iter(range(10_000, 10_000_000))
    clock = Clock()

    def __init__(self, account: Any = None) -> None:
        self.sessid = next(self._numbers)
        self.account = account
        self.uid = account and account.id
        self.logged_in = account is not None
        self.protocol_flags: dict[str, Any] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        evennia.SESSION_HANDLER[self.sessid] = self

    def msg(self, **kwargs: Any) -> None:
        """Called by the plugin; holds it to the one shape that is not ambiguous."""
        assert kwargs.pop("options") == {"raw": True}
        for name, (args, data) in kwargs.items():
            assert args == ()
            self.sent.append((name, data))

    def call(self, name: str, *args: Any, **kwargs: Any) -> list[tuple[str, dict[str, Any]]]:
        """Send a message as the watch would; returns what was answered."""
        before = len(self.sent)
        getattr(inputfuncs, name)(self, *args, **kwargs)
        if name == "tower_alert":
            # It is saved, and acknowledged, when it has been written.
            self.clock.advance(announce.WRITTEN_AFTER_S)
        return self.sent[before:]

    def update_flags(self, **flags: Any) -> None:
        """As a session does; the Portal keeps them over a reload."""
        self.protocol_flags.update(flags)

    def drop(self) -> None:
        """The connection is gone."""
        evennia.SESSION_HANDLER.pop(self.sessid, None)
        self.logged_in = False


def forget_unsaved() -> None:
    """As after a start of the game's server: what was said is known from the disk alone."""
    announce._unsaved.clear()
    announce._waiting.clear()


class TowerTest(EvenniaTest):
    """A game in which no watch is connected yet; `char1` is played by `account`, a Developer."""

    def setUp(self) -> None:
        """A bridge as after a start of the game's server."""
        super().setUp()
        self.sessions: list[FakeSession] = []
        self.heard: dict[Any, list[str]] = {}
        self.now = patch("evennia_towerwatch.bridge.time.monotonic", lambda: self.time_s)
        self.time_s = 1000.0
        self.now.start()
        self.addCleanup(self.now.stop)
        self.clock = FakeSession.clock = Clock()
        BRIDGE.__init__(later=self.clock.callLater)
        forget_unsaved()
        self.disconnected: list[Any] = []
        leave = patch.object(
            evennia.SESSION_HANDLER,
            "disconnect",
            lambda session, reason="", **_: self.disconnected.append((session, reason)),
        )
        leave.start()
        self.addCleanup(leave.stop)
        follow = patch("evennia_towerwatch.build.follow", build.build_now)
        follow.start()
        self.addCleanup(follow.stop)

    def tearDown(self) -> None:
        """Take the connections out again."""
        for session in self.sessions:
            session.drop()
        super().tearDown()

    def bridge_session(self) -> FakeSession:
        """A connection on which the watch's account is logged in."""
        account = BridgeAccount.objects.filter(db_key="watch").first()
        session = FakeSession(account or ensure_bridge_account("watch", PASSWORD))
        self.sessions.append(session)
        return session

    def session_of(self, account: Any) -> FakeSession:
        """A connection of anybody, or of nobody."""
        session = FakeSession(account)
        self.sessions.append(session)
        return session

    def connect(
        self, agents: list[dict] | None = None, hosts: list[dict] | None = None
    ) -> FakeSession:
        """A watch that has said hello and mirrored a fleet."""
        session = self.bridge_session()
        session.call("tower_hello", **hello())
        session.call(
            "tower_snapshot",
            v=1,
            boot=BRIDGE.boot,
            **snapshot(
                [agent_view("bezalel", "bezalel"), agent_view("timmy", "local")]
                if agents is None
                else agents,
                [host_view("bezalel"), host_view("local")] if hosts is None else hosts,
            ),
        )
        session.sent.clear()
        return session

    def listen(self, *listeners: Any) -> None:
        """Keep what is said to these objects or accounts in `self.heard`."""
        for listener in listeners:
            lines = self.heard.setdefault(listener, [])

            def msg(text: Any = None, _lines: list[str] = lines, **_: Any) -> None:
                if text is not None:
                    _lines.append(text[0] if isinstance(text, tuple) else text)

            listener.msg = msg

    def player(self, name: str, permission: str = "Player") -> Any:
        """An account."""
        return create_account(
            name, None, PASSWORD, permissions=[permission], typeclass=self.account_typeclass
        )


def hello(**more: Any) -> dict[str, Any]:
    """A hello that fits."""
    return {
        "v": 1,
        "id": "h1",
        "watch": "0.1.0",
        "fleet": "demo",
        "protocolHash": BRIDGE.protocol.hash,
        "operationsHash": BRIDGE.protocol.operations_hash,
        **more,
    }


def codes(answers: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Names of answers, errors with their code."""
    return [f"{name}:{data['code']}" if "code" in data else name for name, data in answers]
