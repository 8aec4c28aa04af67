"""The fleet as the watch mirrors it into the game's memory. Pure.

Nothing of it is in the database: it changes with every beat, and the watch sends it anew after a
restart of the game. Ages come over the wire as ages; what is shown is the age at receipt plus the
time since, by this machine's own monotonic clock, so that two wall clocks need not agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

AGENT_STATES = ("new", "up", "late", "down", "unreachable", "paused", "unknown")
HOST_STATES = ("new", "up", "unreachable", "unknown")


@dataclass(frozen=True, slots=True)
class Incident:
    """The last incident of an agent; `duration_ms` is None while it is open."""

    number: int
    cause: str
    opened_at_ms: float
    duration_ms: float | None
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent as it was told at `seen_ms` (monotonic). All texts are outside texts: escape."""

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
        before = self._shape(message)
        _put(message, now_ms, self.agents, self.hosts)
        if self._parts is not None:
            # It came after the parts that are here already, so it is newer than they are.
            _put(message, now_ms, self._parts.agents, self._parts.hosts)
        if before == self._shape(message):
            return False
        self._shaped += 1
        return self.complete

    def _shape(self, message: dict[str, Any]) -> list[tuple[str, str] | str | None]:
        agents = (self.agents.get(view["id"]) for view in message["agents"])
        hosts = (self.hosts.get(view["id"]) for view in message["hosts"])
        return [agent and (agent.name, agent.host) for agent in agents] + [
            host and host.name for host in hosts
        ]

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


def _put(
    message: dict[str, Any], now_ms: float, agents: dict[str, Agent], hosts: dict[str, Host]
) -> None:
    for view in message["agents"]:
        agents[view["id"]] = _agent(view, now_ms)
    for view in message["hosts"]:
        hosts[view["id"]] = Host(view["id"], view["name"], view["state"], view["forMs"], now_ms)


def _agent(view: dict[str, Any], now_ms: float) -> Agent:
    incident = view.get("incident")
    return Agent(
        id=view["id"],
        name=view["name"],
        host=view["host"],
        state=view["state"],
        for_ms=view["forMs"],
        cause=view.get("cause"),
        beat_age_ms=view.get("beatAgeMs"),
        period_ms=view["periodMs"],
        grace_ms=view["graceMs"],
        doing=view.get("doing"),
        busy=view.get("busy"),
        model=view.get("model"),
        place=view["place"],
        policy=view["policy"],
        incident=incident
        and Incident(
            incident["number"],
            incident["cause"],
            incident["openedAt"],
            incident.get("durationMs"),
            incident.get("acknowledgedBy"),
        ),
        maintenance=view.get("maintenance"),
        flapping=view.get("flapping", False),
        seen_ms=now_ms,
    )
