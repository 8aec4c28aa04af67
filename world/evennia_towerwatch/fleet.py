"""The fleet as the watch mirrors it into the game's memory. Pure.

Nothing of it is in the database: it changes with every beat, and the watch sends it anew after a
restart of the game. Ages come over the wire as ages; what is shown is the age at receipt plus the
time since, by this machine's own monotonic clock, so that two wall clocks need not agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

AGENT_STATES = ("new", "up", "late", "down", "unreachable", "paused", "unknown")
HOST_STATES = ("new", "up", "unreachable", "unknown")

# In the order in which somebody who is called at night has to see them.
WORST_FIRST = ("down", "unreachable", "late", "unknown", "new", "paused", "up")
_RANKS = {state: rank for rank, state in enumerate(WORST_FIRST)}


class Incident(NamedTuple):
    """The last incident of an agent; `duration_ms` is None while it is open."""

    number: int
    cause: str
    opened_at_ms: float
    duration_ms: float | None
    acknowledged_by: str | None = None


class Agent(NamedTuple):
    """One agent as it was told at `seen_ms` (monotonic). All texts are outside texts: escape.

    A tuple, for thousands of them are made anew every few seconds: a frozen dataclass takes four
    times as long to make.
    """

    id: str
    name: str
    host: str
    state: str
    for_ms: float
    cause: str | None
    beat_age_ms: float | None
    period_ms: float
    grace_ms: float
    doing: str | None
    busy: bool | None
    model: str | None
    place: str
    policy: str
    incident: Incident | None
    maintenance: str | None
    flapping: bool
    seen_ms: float

    def beat_age_at(self, now_ms: float) -> float | None:
        """Age of the last beat at `now_ms` (monotonic); None when none was ever seen."""
        if self.beat_age_ms is None:
            return None
        return self.beat_age_ms + max(0.0, now_ms - self.seen_ms)

    def state_for_at(self, now_ms: float) -> float:
        """How long it has been in its state at `now_ms` (monotonic), in milliseconds."""
        return self.for_ms + max(0.0, now_ms - self.seen_ms)

    def freshness_at(self, now_ms: float) -> str:
        """`fresh`, `late`, `stale` or `none`: what the age of the last beat says at `now_ms`."""
        age_ms = self.beat_age_at(now_ms)
        if age_ms is None:
            return "none"
        if age_ms <= self.period_ms:
            return "fresh"
        return "late" if age_ms <= self.period_ms + self.grace_ms else "stale"


@dataclass(frozen=True, slots=True)
class Host:
    """One host as it was told at `seen_ms` (monotonic)."""

    id: str
    name: str
    state: str
    for_ms: float
    seen_ms: float

    def state_for_at(self, now_ms: float) -> float:
        """How long it has been in its state at `now_ms` (monotonic), in milliseconds."""
        return self.for_ms + max(0.0, now_ms - self.seen_ms)


class Fleet:
    """All agents and hosts, latest wins."""

    def __init__(self) -> None:
        """An empty fleet, of which no snapshot has come."""
        self.agents: dict[str, Agent] = {}
        self.hosts: dict[str, Host] = {}
        self.complete = False
        self._parts: _Parts | None = None
        # Counts who came, went, moved or was renamed; and who lives where as of which count.
        self._shaped = 0
        self._by_host: tuple[int, dict[str, list[str]]] = (-1, {})

    def snapshot_part(self, message: dict[str, Any], now_ms: float) -> bool:
        """Take in one valid `tower_snapshot`.

        Returns:
            True when it was the last missing part: the fleet now is what the snapshot says.
        """
        parts = self._parts
        if parts is None or parts.snapshot != message["snapshot"]:
            parts = self._parts = _Parts(message["snapshot"], set(), {}, {})
        parts.numbers.add(message["part"])
        _put(message, now_ms, parts.agents, parts.hosts)
        if len(parts.numbers) < message["parts"]:
            return False
        self.agents, self.hosts, self.complete = parts.agents, parts.hosts, True
        self._parts = None
        self._shaped += 1
        return True

    def change(self, message: dict[str, Any], now_ms: float) -> bool:
        """Take in one valid `tower_state`.

        Returns:
            True when somebody is new, renamed or on another host, so that rooms must follow.
        """
        is_shaped = _put(message, now_ms, self.agents, self.hosts)
        if self._parts is not None:
            # It came after the parts that are here already, so it is newer than they are.
            _put(message, now_ms, self._parts.agents, self._parts.hosts)
        if not is_shaped:
            return False
        self._shaped += 1
        return self.complete

    def agents_on(self, host_id: str) -> list[Agent]:
        """The agents of one host, by name."""
        # Read once: pages are made in threads of their own while the fleet changes.
        shaped, agents = self._shaped, self.agents
        known, by_host = self._by_host
        if known != shaped:
            by_host = {}
            for agent in by_name(agents.values()):
                by_host.setdefault(agent.host, []).append(agent.id)
            self._by_host = (shaped, by_host)
        found = (agents.get(agent_id) for agent_id in by_host.get(host_id, ()))
        return [agent for agent in found if agent is not None]

    def find(self, typed: str, kind: str) -> str | None:
        """The id of what a person typed: an id or a name, in any case.

        Args:
            typed: As typed, without space around it.
            kind: `agent`, `host` or `agent-or-host`; of the last, an agent wins over a host.
        """
        word = typed.casefold()
        for thing in self._things(kind):
            if thing.id == word:
                return thing.id
        named = {thing.id for thing in self._things(kind) if thing.name.casefold() == word}
        return named.pop() if len(named) == 1 else None

    def ids(self, kind: str) -> list[str]:
        """All ids that `find` knows of this kind, sorted."""
        return sorted({thing.id for thing in self._things(kind)})

    def _things(self, kind: str) -> list[Agent | Host]:
        agents = list(self.agents.values()) if kind in ("agent", "agent-or-host") else []
        hosts = list(self.hosts.values()) if kind in ("host", "agent-or-host") else []
        return [*agents, *hosts]


@dataclass(slots=True)
class _Parts:
    """A snapshot that is not whole yet, and the numbers of the parts that are here."""

    snapshot: str
    numbers: set[int]
    agents: dict[str, Agent]
    hosts: dict[str, Host]


def by_name(things: Iterable[Any]) -> list[Any]:
    """Agents or hosts in the order in which people look for them."""
    return sorted(things, key=lambda thing: (thing.name.casefold(), thing.id))


def worst_first(agents: Iterable[Agent]) -> list[Agent]:
    """Who is not well comes first; of one state they stay in the order in which they came."""
    return sorted(agents, key=lambda agent: _RANKS[agent.state])


def _put(
    message: dict[str, Any], now_ms: float, agents: dict[str, Agent], hosts: dict[str, Host]
) -> bool:
    """Put them in; True when somebody is new, renamed or on another host."""
    is_shaped = False
    for view in message["agents"]:
        agent = _agent(view, now_ms)
        old = agents.get(agent.id)
        if old is None or old.name != agent.name or old.host != agent.host:
            is_shaped = True
        agents[agent.id] = agent
    for view in message["hosts"]:
        host = Host(view["id"], view["name"], view["state"], view["forMs"], now_ms)
        known = hosts.get(host.id)
        is_shaped = is_shaped or known is None or known.name != host.name
        hosts[host.id] = host
    return is_shaped


def _agent(view: dict[str, Any], now_ms: float) -> Agent:
    get = view.get
    incident = get("incident")
    # By position: by their names, seventeen of them take as long again.
    return Agent(
        view["id"],
        view["name"],
        view["host"],
        view["state"],
        view["forMs"],
        get("cause"),
        get("beatAgeMs"),
        view["periodMs"],
        view["graceMs"],
        get("doing"),
        get("busy"),
        get("model"),
        view["place"],
        view["policy"],
        incident
        and Incident(
            incident["number"],
            incident["cause"],
            incident["openedAt"],
            incident.get("durationMs"),
            incident.get("acknowledgedBy"),
        ),
        get("maintenance"),
        get("flapping", False),
        now_ms,
    )
