"""The fleet as data for players' own clients: over GMCP, and over the websocket of the web client.

A client that sends `Tower.Subscribe {}` (`["tower_subscribe", [], {}]`) gets

- `Tower.Fleet`: everybody, once at first and whenever somebody comes, goes or moves, when the watch
  comes or goes, and when too much changed at once to be told one by one;
- `Tower.Agent`: one agent of which something changed;
- `Tower.Alert`: what is said aloud, as it is said.

`Tower.Unsubscribe {}` ends it. Ages are those of the moment of sending: a client adds what has
passed since.

Whoever listens asks again at least every ten minutes. What is sent to a client that has stopped
reading is kept for it in the memory of the Portal, which has no bound and tells nobody.
"""

from collections.abc import Callable
from typing import Any

import evennia
from twisted.internet import reactor

from .appearance import shown_name
from .bridge import BRIDGE, now_ms
from .escape import escape
from .fleet import Agent, Host, by_name
from .sessions import has_role

# What changed is gathered for so long. The watch itself sends a batch a second.
_GATHER_S = 1.0
# More agents than this at once are told as the whole fleet.
_ONE_BY_ONE = 20
# The whole fleet is told at most so often: a second for every hundred agents.
_AGENTS_PER_S = 100
# All clients together are told of so many agents in a second: one by one, and in whole fleets.
_FRAMES_PER_S = 200
_VIEWS_PER_S = 5_000
# Of whom nothing was heard for so long, nothing more is told.
_LEASE_MS = 600_000.0
_LAPSED = (
    "Nothing was heard of this client for 10 min, so it is told no more of the fleet. "
    "Tower.Subscribe {} begins anew."
)
_LONGEST_TEXT = 200
_FLAG = "TOWER_FEED"
# A watch that falls silent says nothing of it: somebody has to look.
_LOOK_EVERY_S = 5.0


class ClientFeed:
    """Who listens, and what they have not been told yet. All of it is in memory."""

    def __init__(self, later: Callable[..., Any] | None = None) -> None:
        """Nobody listens.

        Args:
            later: `later(seconds, function)`; the reactor's callLater when left out.
        """
        self._later = later or reactor.callLater
        self._listeners: dict[int, Any] = {}
        self._heard_ms: dict[int, float] = {}
        self._told_all_ms: dict[int, float] = {}
        self._changed: set[str] = set()
        self._whole = False
        # Not before: the next whole fleet, the next frames of single agents.
        self._whole_at_ms = 0.0
        self._frames_at_ms = 0.0
        self._watched = False
        self._waits = False
        self._looks = False

    def subscribe(self, session: Any) -> None:
        """A client asks for it. Who may not see the fleet gets a `Tower.Error` and nothing else."""
        if not has_role(session, "see"):
            _send(session, "tower_error", text="Log in with an account that may see the fleet.")
            return
        self._listen(session)
        # The Portal keeps the flag, so that the client need not ask again after a reload.
        session.update_flags(**{_FLAG: True})
        # A client that asks again and again, or leaves and comes back, is answered once a second; a
        # large fleet is told more seldom.
        rest_ms = max(1000.0, float(len(BRIDGE.fleet.agents)))
        if now_ms() - self._told_all_ms.get(session.sessid, -1e9) >= rest_ms:
            self._told_all_ms[session.sessid] = now_ms()
            self._watched = BRIDGE.is_watched()
            _send(session, "tower_fleet", **fleet_view())

    def unsubscribe(self, session: Any) -> None:
        """It wants no more of it."""
        session.update_flags(**{_FLAG: False})
        self._forget(session)

    def start(self) -> None:
        """The game's server has started: look now and then who listens, from now on.

        At this moment the Portal has not told yet who is connected, so whoever listened before a
        reload is found a little later.
        """
        if not self._looks:
            self._looks = True
            self._later(_LOOK_EVERY_S, self._look)

    def agents_changed(self, ids: list[str]) -> None:
        """Something about these agents is new."""
        if self._listeners:
            self._changed.update(ids)
            self._wake()

    def fleet_changed(self) -> None:
        """Somebody came, went or moved, or the watch did."""
        self._find()
        if self._listeners:
            self._whole = True
            self._wake()

    def alert(self, message: dict[str, Any]) -> None:
        """A valid `tower_alert` is being said."""
        view = {
            "id": message["id"],
            "kind": message["kind"],
            "text": escape(message["text"]),
            "subjects": [
                {"kind": one["kind"], "id": one["id"], "host": one["host"]}
                for one in message["subjects"]
            ],
            "incidents": list(message["incidents"]),
        }
        for session in self._live():
            _send(session, "tower_alert", **view)

    def _listen(self, session: Any) -> None:
        self._listeners[session.sessid] = session
        self._heard_ms[session.sessid] = now_ms()

    def _find(self) -> None:
        """Whoever listened before the game's server started anew does so still."""
        for session in list(evennia.SESSION_HANDLER.values()):
            known = session.sessid in self._listeners
            if not known and session.protocol_flags.get(_FLAG) and has_role(session, "see"):
                self._listen(session)
                # That is what it was told last; if the watch doesn't come back, it hears of that.
                self._watched = True

    def _forget(self, session: Any) -> None:
        self._listeners.pop(session.sessid, None)
        self._heard_ms.pop(session.sessid, None)

    def _look(self) -> None:
        self._later(_LOOK_EVERY_S, self._look)
        self._told_all_ms = {
            sessid: told_ms
            for sessid, told_ms in self._told_all_ms.items()
            if evennia.SESSION_HANDLER.get(sessid) is not None
        }
        self._find()
        if self._live() and BRIDGE.is_watched() != self._watched:
            self.fleet_changed()

    def _wake(self) -> None:
        if not self._waits:
            self._waits = True
            self._later(_GATHER_S, self._flush)

    def _flush(self) -> None:
        self._waits = False
        listeners = self._live()
        if not listeners:
            self._changed.clear()
            self._whole = False
            return
        watched = BRIDGE.is_watched()
        whole = self._whole or len(self._changed) > _ONE_BY_ONE or watched != self._watched
        wait_ms = (self._whole_at_ms if whole else self._frames_at_ms) - now_ms()
        if wait_ms > 0 and watched == self._watched:
            # What changes meanwhile goes along.
            self._whole = whole
            self._waits = True
            self._later(wait_ms / 1000, self._flush)
            return
        if whole:
            self._tell_all(listeners)
        else:
            self._tell_changed(listeners)
        self._changed.clear()

    def _tell_all(self, listeners: list[Any]) -> None:
        view = fleet_view()
        count = len(view["agents"])
        rest_s = max(count / _AGENTS_PER_S, count * len(listeners) / _VIEWS_PER_S)
        self._whole, self._watched = False, view["watched"]
        self._whole_at_ms = now_ms() + rest_s * 1000
        for session in listeners:
            _send(session, "tower_fleet", **view)

    def _tell_changed(self, listeners: list[Any]) -> None:
        agents = [BRIDGE.fleet.agents.get(agent_id) for agent_id in sorted(self._changed)]
        views = [agent_view(agent) for agent in agents if agent is not None]
        self._frames_at_ms = now_ms() + len(views) * len(listeners) / _FRAMES_PER_S * 1000
        for view in views:
            for session in listeners:
                _send(session, "tower_agent", **view)

    def _live(self) -> list[Any]:
        """Those who still are there, still may, and have asked lately."""
        for sessid, session in list(self._listeners.items()):
            if evennia.SESSION_HANDLER.get(sessid) is not session or not has_role(session, "see"):
                self._forget(session)
            elif now_ms() - self._heard_ms[sessid] >= _LEASE_MS:
                _send(session, "tower_error", text=_LAPSED)
                self.unsubscribe(session)
        return list(self._listeners.values())


def fleet_view() -> dict[str, Any]:
    """`Tower.Fleet`: all hosts, all agents, and whether the watch is there."""
    problem = BRIDGE.problem()
    return {
        "watched": problem is None,
        "problem": problem or "",
        "hosts": [_host_view(host) for host in by_name(list(BRIDGE.fleet.hosts.values()))],
        "agents": [agent_view(agent) for agent in by_name(list(BRIDGE.fleet.agents.values()))],
    }


def agent_view(agent: Agent) -> dict[str, Any]:
    """`Tower.Agent`. Texts are cleaned as everywhere in the game; ages are in milliseconds."""
    now = now_ms()
    watched = BRIDGE.is_watched()
    age_ms = agent.beat_age_at(now)
    return {
        "id": agent.id,
        "name": shown_name(agent),
        "host": agent.host,
        "state": agent.state if watched else "unknown",
        "cause": escape(agent.cause or "", 60),
        "forMs": round(agent.state_for_at(now)),
        # -1: none was ever seen. GMCP has no place for what is missing.
        "beatAgeMs": -1 if age_ms is None else round(age_ms),
        "periodMs": round(agent.period_ms),
        "graceMs": round(agent.grace_ms),
        "busy": agent.busy is True,
        "doing": escape(agent.doing or "", _LONGEST_TEXT),
        "incident": agent.incident.number
        if agent.incident and agent.incident.duration_ms is None
        else 0,
    }


def _host_view(host: Host) -> dict[str, Any]:
    state = host.state if BRIDGE.is_watched() else "unknown"
    return {"id": host.id, "name": shown_name(host), "state": state}


def _send(session: Any, message: str, /, **data: Any) -> None:
    # Keyword arguments only, and raw: what the bridge does, for the same reasons.
    session.msg(**{message: ((), data)}, options={"raw": True})


# One game's server per process.
CLIENTS = ClientFeed()
