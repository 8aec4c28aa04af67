"""The last 30 days of the fleet, as the watch told them, in the game's memory. Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Budget:
    """Time that may be down in 30 days, in seconds; `gone_at_ms`: when it is used up, if ever."""

    total_s: int
    used_s: int
    gone_at_ms: float | None

    @property
    def left_s(self) -> int:
        """What is left of it; negative where it is overspent."""
        return self.total_s - self.used_s


@dataclass(frozen=True, slots=True)
class AgentDays:
    """One agent: seconds up, down, not seen and excluded, each by day."""

    up_s: tuple[int, ...]
    down_s: tuple[int, ...]
    unknown_s: tuple[int, ...]
    excluded_s: tuple[int, ...]
    budget: Budget

    def availability(self) -> float | None:
        """up / (up + down) over all days; None where nothing was seen."""
        up_s = sum(self.up_s)
        seen_s = up_s + sum(self.down_s)
        return up_s / seen_s if seen_s > 0 else None

    def availability_of(self, day: int) -> float | None:
        """The same for one day, by its place in `days`."""
        seen_s = self.up_s[day] + self.down_s[day]
        return self.up_s[day] / seen_s if seen_s > 0 else None


@dataclass(frozen=True, slots=True)
class PastIncident:
    """One problem; `duration_ms` is None while it is open. `cause` is an outside text."""

    number: int
    kind: str
    subject: str
    cause: str
    opened_at_ms: float
    duration_ms: float | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that the next phase asks for. `name` is an outside text."""

    name: str
    value: float
    target: float
    met: bool


@dataclass(frozen=True, slots=True)
class History:
    """One whole set. `days` are local dates, the oldest first; the last one is today so far."""

    at_ms: float
    days: tuple[str, ...]
    target: float
    up: tuple[float | None, ...]
    busy: tuple[float | None, ...]
    budget: Budget
    requirements: tuple[Requirement, ...]
    ready: bool
    agents: dict[str, AgentDays]
    incidents: tuple[PastIncident, ...]


class Histories:
    """The latest whole set; parts of the next one are gathered beside it."""

    def __init__(self) -> None:
        """Nothing has been told yet."""
        self.latest: History | None = None
        self._set = ""
        self._parts: dict[int, dict[str, Any]] = {}

    def part(self, message: dict[str, Any]) -> str | None:
        """Take in one valid `tower_history`.

        Returns:
            None, or a sentence that says why it can't be used.
        """
        fault = _fault(message)
        if fault is not None:
            return fault
        if message["history"] != self._set:
            self._set, self._parts = message["history"], {}
        self._parts[message["part"]] = message
        if len(self._parts) == message["parts"]:
            self.latest = _whole([self._parts[number] for number in sorted(self._parts)])
            self._set, self._parts = "", {}
        return None


def _fault(message: dict[str, Any]) -> str | None:
    """What a schema can't say: the lists by day belong together."""
    if message["part"] > message["parts"] or message["parts"] > 1000:
        return "tower_history: its parts don't add up"
    days = len(message["days"])
    if days == 0 or any(len(message["fleet"][key]) != days for key in ("up", "busy")):
        return "tower_history: the lists of the fleet must be as long as days"
    for agent in message["agents"]:
        if any(len(agent[key]) != days for key in ("upS", "downS", "unknownS", "excludedS")):
            return "tower_history: the lists of an agent must be as long as days"
    return None


def _whole(parts: list[dict[str, Any]]) -> History:
    first = parts[0]
    fleet = first["fleet"]
    return History(
        at_ms=first["at"],
        days=tuple(first["days"]),
        target=first["target"],
        up=tuple(map(_share, fleet["up"])),
        busy=tuple(map(_share, fleet["busy"])),
        budget=_budget(fleet["budget"]),
        requirements=tuple(
            Requirement(one["name"], one["value"], one["target"], one["met"])
            for one in fleet["requirements"]
        ),
        ready=fleet["ready"],
        agents={agent["id"]: _agent(agent) for part in parts for agent in part["agents"]},
        incidents=tuple(_incident(one) for part in parts for one in part["incidents"]),
    )


def _share(value: float) -> float | None:
    return None if value < 0 else float(value)


def _budget(view: dict[str, Any]) -> Budget:
    return Budget(view["totalS"], view["usedS"], view.get("goneAt"))


def _agent(view: dict[str, Any]) -> AgentDays:
    return AgentDays(
        tuple(view["upS"]),
        tuple(view["downS"]),
        tuple(view["unknownS"]),
        tuple(view["excludedS"]),
        _budget(view["budget"]),
    )


def _incident(view: dict[str, Any]) -> PastIncident:
    return PastIncident(
        view["number"],
        view["subject"]["kind"],
        view["subject"]["id"],
        view["cause"],
        view["openedAt"],
        view.get("durationMs"),
        view.get("acknowledgedBy"),
    )
