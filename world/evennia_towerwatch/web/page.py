"""What the page of the fleet shows, as plain data. Pure.

Texts of others are cleaned here as they are everywhere (`escape`), and the template escapes them
once more for HTML.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from evennia_towerwatch.appearance import duration, shown_name
from evennia_towerwatch.escape import escape
from evennia_towerwatch.fleet import Agent, Fleet, by_name
from evennia_towerwatch.history import AgentDays, Budget, History, PastIncident

from . import charts

PER_PAGE = 100
INCIDENTS_SHOWN = 30

# A sign for each state, so that nobody has to tell them by colour.
SIGNS = {
    "up": "●",
    "late": "◐",
    "down": "✕",
    "unreachable": "?",
    "paused": "‖",
    "unknown": "?",
    "new": "○",
}

_REQUIREMENTS = {
    "uptime_30d_percent": ("Uptime over 30 days", "%", "at least"),
    "days_at_95_percent": ("Days in a row at 95 % and more", "", "at least"),
    "capacity_utilization_percent": ("Capacity: time that agents were busy", "%", "more than"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the page is made of at one moment.

    Attributes:
        fleet: What is mirrored.
        history: The last whole set, or None.
        problem: Why the watch is not there, or None while it is.
        now_ms: Monotonic.
        wall_ms: Since 1970.
    """

    fleet: Fleet
    history: History | None
    problem: str | None
    now_ms: float
    wall_ms: float


def page_of(told: Told, number: int) -> dict[str, Any]:
    """All that one page shows; JSON has the same.

    Args:
        told: The moment.
        number: Of the page, from 1; beyond the last one it is the last one.
    """
    agents = by_name(list(told.fleet.agents.values()))
    pages = max(1, -(-len(agents) // PER_PAGE))
    number = min(max(1, number), pages)
    shown = agents[(number - 1) * PER_PAGE : number * PER_PAGE]
    states = [agent.state if told.problem is None else "unknown" for agent in agents]
    history = told.history
    return {
        "problem": told.problem,
        "counts": [
            {"state": state, "sign": SIGNS[state], "count": states.count(state)}
            for state in SIGNS
            if state in states
        ],
        "total": len(agents),
        "page": number,
        "pages": pages,
        "agents": [_agent(agent, told) for agent in shown],
        "history": None if history is None else _history(history, told.wall_ms),
    }


def _agent(agent: Agent, told: Told) -> dict[str, Any]:
    state = agent.state if told.problem is None else "unknown"
    age_ms = agent.beat_age_at(told.now_ms)
    host = told.fleet.hosts.get(agent.host)
    cause = escape(agent.cause, 60) if agent.cause and told.problem is None else None
    days = told.history.agents.get(agent.id) if told.history else None
    return {
        "id": agent.id,
        "name": shown_name(agent),
        "state": state,
        "sign": SIGNS[state],
        "for": duration(agent.state_for_at(told.now_ms)) if told.problem is None else None,
        "cause": cause,
        "beat": None if age_ms is None else f"{duration(age_ms)} ago",
        "freshness": agent.freshness_at(told.now_ms),
        "doing": escape(agent.doing, 120) if agent.doing else None,
        "busy": agent.busy,
        "host": shown_name(host) if host else agent.host,
        "maintenance": escape(agent.maintenance, 200) if agent.maintenance else None,
        "incident": agent.incident.number
        if agent.incident and agent.incident.duration_ms is None
        else None,
        "days": None if days is None or told.history is None else _days(days, told.history),
    }


def _days(days: AgentDays, history: History) -> dict[str, Any]:
    by_day = [days.availability_of(index) for index in range(len(history.days))]
    return {
        "availability": days.availability(),
        "up": percent(days.availability()),
        "bars": charts.bars(by_day, history.target),
        "width": charts.bars_width(len(by_day)),
        "summary": _summary(by_day, history),
        "budget": _budget(days.budget),
    }


def _summary(by_day: Sequence[float | None], history: History) -> str:
    """What the bars say, in words."""
    seen = [
        (share, day) for share, day in zip(by_day, history.days, strict=True) if share is not None
    ]
    if not seen:
        return "Nothing was seen in 30 days."
    worst, day = min(seen)
    good = sum(share >= history.target for share, _ in seen)
    text = f"{good} of {len(seen)} days seen at {percent(history.target)} or more"
    return text if worst >= history.target else f"{text}; the worst was {day} with {percent(worst)}"


def _budget(budget: Budget) -> dict[str, Any]:
    used = min(1.0, budget.used_s / budget.total_s) if budget.total_s > 0 else 0.0
    spent = budget.left_s < 0
    left = duration(abs(budget.left_s) * 1000)
    return {
        "used": used,
        "usedPercent": round(used * 100),
        "usedText": duration(budget.used_s * 1000),
        "totalText": duration(budget.total_s * 1000),
        "left": f"{left} too much" if spent else f"{left} left",
        "spent": spent,
        "gone": None if budget.gone_at_ms is None or spent else moment(budget.gone_at_ms),
    }


def _history(history: History, wall_ms: float) -> dict[str, Any]:
    return {
        "at": moment(history.at_ms),
        "age": duration(max(0.0, wall_ms - history.at_ms)),
        "from": history.days[0],
        "to": history.days[-1],
        "target": percent(history.target),
        "days": [
            {"day": day, "up": percent(up), "busy": percent(busy)}
            for day, up, busy in zip(history.days, history.up, history.busy, strict=True)
        ],
        "upLine": charts.line(history.up, 600, 120),
        "busyLine": charts.line(history.busy, 600, 120),
        "targetY": round(120 - history.target * 120, 1),
        "budget": _budget(history.budget),
        "ready": history.ready,
        "requirements": [
            _requirement(one.name, one.value, one.target, one.met) for one in history.requirements
        ],
        "timeline": _timeline(history, wall_ms),
        "incidents": [_incident(one) for one in history.incidents[:INCIDENTS_SHOWN]],
        "more": max(0, len(history.incidents) - INCIDENTS_SHOWN),
    }


def _requirement(name: str, value: float, target: float, met: bool) -> dict[str, Any]:
    words, unit, how = _REQUIREMENTS.get(name, (escape(name, 60), "", "at least"))
    unit = f" {unit}" if unit else ""
    return {
        "name": words,
        "value": f"{_floor(value)}{unit}",
        "target": f"{how} {target:g}{unit}",
        "met": met,
    }


def _floor(value: float) -> str:
    """Never rounded up, so that nothing looks met that is not."""
    return f"{int(value * 10) / 10:g}"


def _timeline(history: History, wall_ms: float) -> dict[str, str]:
    """Paths of what was wrong in 30 days: agents above, hosts below."""
    to_ms = wall_ms
    from_ms = to_ms - 30 * 86_400_000
    times: dict[str, list[tuple[float, float]]] = {"agent": [], "host": []}
    for one in history.incidents:
        lasted_ms = to_ms - one.opened_at_ms if one.duration_ms is None else one.duration_ms
        times[one.kind].append((one.opened_at_ms, one.opened_at_ms + lasted_ms))
    return {kind: charts.spans(times[kind], from_ms, to_ms, 600, 16) for kind in times}


def _incident(one: PastIncident) -> dict[str, Any]:
    return {
        "number": one.number,
        "kind": one.kind,
        "subject": one.subject,
        "cause": escape(one.cause, 60),
        "began": moment(one.opened_at_ms),
        "lasted": None if one.duration_ms is None else duration(one.duration_ms),
        "acknowledged": None if one.acknowledged_by is None else escape(one.acknowledged_by, 80),
    }


def percent(share: float | None) -> str:
    """`99.95 %`, never rounded up; `-` where nothing was seen."""
    if share is None:
        return "-"
    text = f"{int(share * 10_000 + 1e-6) / 100:.2f}".rstrip("0").rstrip(".")
    return f"{text} %"


def moment(at_ms: float) -> str:
    """`2026-11-23 09:30 UTC`."""
    return f"{datetime.fromtimestamp(min(at_ms, 4e12) / 1000, UTC):%Y-%m-%d %H:%M} UTC"
