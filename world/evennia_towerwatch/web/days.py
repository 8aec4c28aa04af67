"""What the page shows of the last 30 days of the fleet, as plain data. Pure."""

from collections.abc import Sequence
from typing import Any

from evennia_towerwatch.appearance import duration, shown_name
from evennia_towerwatch.escape import escape
from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.history import AgentDays, Budget, History, PastIncident, Requirement

from . import charts
from .words import floor, moment, percent

INCIDENTS_SHOWN = 30
# Who gets a line of his own in the picture of the incidents; the others share the last one.
LANES = 8

DAY_MS = 86_400_000
_WINDOW_MS = 30 * DAY_MS
_PLOT_HEIGHT = 100

UPTIME, IN_A_ROW, CAPACITY = (
    "uptime_30d_percent",
    "days_at_95_percent",
    "capacity_utilization_percent",
)
_REQUIREMENTS = {
    UPTIME: ("Uptime over 30 days", " %", "at least"),
    IN_A_ROW: ("Days in a row at 95 % and more", " days", "at least"),
    CAPACITY: ("Capacity: time that agents were busy", " %", "more than"),
}


def fleet_days(history: History, fleet: Fleet, wall_ms: float) -> dict[str, Any]:
    """All that is shown of the fleet's history.

    Args:
        history: A whole set.
        fleet: For the names of its agents and hosts.
        wall_ms: Now, since 1970.
    """
    used = budget_by_day(history)
    return {
        "at": moment(history.at_ms),
        "age": duration(max(0.0, wall_ms - history.at_ms)),
        "from": history.days[0],
        "to": history.days[-1],
        "target": percent(history.target),
        "budget": budget_view(history.budget),
        "ready": history.ready,
        "requirements": [_requirement(one) for one in history.requirements],
        "missing": [_requirement(one)["name"] for one in history.requirements if not one.met],
        "plots": [_uptime(history), _capacity(history), _budget_plot(history, used)],
        "days": [
            {"day": day, "up": percent(up), "busy": percent(busy), "used": percent(share)}
            for day, up, busy, share in zip(
                history.days, history.up, history.busy, used, strict=True
            )
        ][::-1],
        "lanes": _lanes(history, fleet, wall_ms),
        "incidents": [_incident(one, fleet) for one in history.incidents[:INCIDENTS_SHOWN]],
        "more": max(0, len(history.incidents) - INCIDENTS_SHOWN),
        "open": sum(one.duration_ms is None for one in history.incidents),
    }


def agent_days(days: AgentDays, history: History) -> dict[str, Any]:
    """The same of one agent, for its row of the table."""
    by_day = [days.availability_of(index) for index in range(len(history.days))]
    return {
        "up": percent(days.availability()),
        "bars": charts.bars(by_day, history.target),
        "width": charts.bars_width(len(by_day)),
        "summary": _summary(by_day, history),
        "budget": budget_view(days.budget),
    }


def budget_by_day(history: History) -> list[float | None]:
    """How much of the fleet's budget was used up to the end of each day; 1 is all of it."""
    total_s = history.budget.total_s
    if total_s <= 0:
        return [None] * len(history.days)
    down_s = [
        sum(agent.down_s[index] for agent in history.agents.values())
        for index in range(len(history.days))
    ]
    # Backwards, from what the watch says is used now: the oldest day lies half out of the window.
    left_s, used = float(history.budget.used_s), []
    for seconds in reversed(down_s):
        used.append(max(0.0, left_s) / total_s)
        left_s -= seconds
    return used[::-1]


def budget_view(budget: Budget) -> dict[str, Any]:
    """A budget in words: how much is used, what is left, and when that will be gone."""
    used = budget.used_s / budget.total_s if budget.total_s > 0 else 0.0
    spent = budget.left_s < 0
    left = duration(abs(budget.left_s) * 1000)
    return {
        "usedPercent": min(100, round(used * 100)),
        "usedText": duration(budget.used_s * 1000),
        "totalText": duration(budget.total_s * 1000),
        "left": f"{left} too much" if spent else f"{left} left",
        "spent": spent,
        # A day is as exact as a guess from the last days can be.
        "gone": None if budget.gone_at_ms is None or spent else moment(budget.gone_at_ms)[:10],
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


def _uptime(history: History) -> dict[str, Any]:
    kinds = [charts.day_kind(share, history.target) for share in history.up]
    return _plot(
        name="Uptime",
        value=_value(history, UPTIME),
        asked=percent(history.target),
        values=history.up,
        kinds=kinds,
        axis=(charts.low_of(history.up, history.target), 1.0),
        mark=history.target,
        summary=_summary(history.up, history),
    )


def _capacity(history: History) -> dict[str, Any]:
    asked = next((one.target / 100 for one in history.requirements if one.name == CAPACITY), 0.6)
    seen = [share for share in history.busy if share is not None]
    above = sum(share > asked for share in seen)
    words = f"{above} of {len(seen)} days seen above {percent(asked)}"
    if seen:
        words += f"; from {percent(min(seen))} to {percent(max(seen))}"
    return _plot(
        name="Capacity",
        value=_value(history, CAPACITY),
        asked=percent(asked),
        values=history.busy,
        kinds=["none" if share is None else "busy" for share in history.busy],
        axis=(0.0, 1.0),
        mark=asked,
        summary=words,
    )


def _budget_plot(history: History, used: Sequence[float | None]) -> dict[str, Any]:
    last = used[-1]
    top = max(1.0, *[share for share in used if share is not None], 0.0)
    words = "There is no budget." if last is None else f"{percent(last)} used at the end"
    gone = next((day for share, day in zip(used, history.days, strict=True) if over(share)), None)
    if gone is not None:
        words += f"; all of it was used on {gone}"
    return _plot(
        name="Error budget used",
        value=percent(last),
        asked="all of it",
        values=used,
        kinds=[
            "none" if share is None else "bad" if over(share) else "spent-part" for share in used
        ],
        axis=(0.0, top),
        mark=1.0,
        summary=words,
    )


def over(share: float | None) -> bool:
    """Whether more than all of a budget was used."""
    return share is not None and share > 1


def _plot(
    name: str,
    value: str,
    asked: str,
    values: Sequence[float | None],
    kinds: Sequence[str],
    axis: tuple[float, float],
    mark: float,
    summary: str,
) -> dict[str, Any]:
    low, high = axis
    return {
        "name": name,
        "value": value,
        "asked": asked,
        "paths": charts.columns(values, kinds, axis, _PLOT_HEIGHT),
        "width": charts.bars_width(len(values)),
        "mark": round(_PLOT_HEIGHT * (1 - (mark - low) / (high - low)), 1),
        "bottom": percent(low),
        "top": percent(high),
        "summary": summary,
    }


def _value(history: History, name: str) -> str:
    """A requirement's value as the phase report has it."""
    for one in history.requirements:
        if one.name == name:
            return f"{floor(one.value)} %"
    return "-"


def _requirement(one: Requirement) -> dict[str, Any]:
    words, unit, how = _REQUIREMENTS.get(one.name, (escape(one.name, 60), "", "at least"))
    share = one.value / one.target if one.target > 0 else float(one.met)
    reached = max(0, min(100, int(share * 100)))
    return {
        "name": words,
        "value": f"{floor(one.value)}{unit}",
        "target": f"{how} {one.target:g}{unit}",
        "met": one.met,
        # So that nothing looks full that is not met.
        "reached": 100 if one.met else min(99, reached),
    }


def _lanes(history: History, fleet: Fleet, wall_ms: float) -> list[dict[str, Any]]:
    """Who had trouble when, the one with the most of it first."""
    from_ms = wall_ms - _WINDOW_MS
    by_subject: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for one in history.incidents:
        end_ms = wall_ms if one.duration_ms is None else one.opened_at_ms + one.duration_ms
        if end_ms > from_ms:
            times = by_subject.setdefault((one.kind, one.subject), [])
            times.append((one.opened_at_ms, end_ms))

    def lost_ms(subject: tuple[str, str]) -> float:
        return sum(end - max(begin, from_ms) for begin, end in by_subject[subject])

    order = sorted(by_subject, key=lambda subject: (-lost_ms(subject), subject))
    most = LANES if len(order) <= LANES else LANES - 1
    lanes = [
        _lane(subject_name(*subject, fleet), subject[0], by_subject[subject], wall_ms)
        for subject in order[:most]
    ]
    rest = order[most:]
    if rest:
        times = [time for subject in rest for time in by_subject[subject]]
        lanes.append(_lane(f"{len(rest)} others", "agent", times, wall_ms))
    return lanes


def _lane(name: str, kind: str, times: list[tuple[float, float]], wall_ms: float) -> dict[str, Any]:
    count = len(times)
    lost = duration(sum(end - max(begin, wall_ms - _WINDOW_MS) for begin, end in times))
    return {
        "name": name,
        "kind": kind,
        "path": charts.spans(times, wall_ms - _WINDOW_MS, wall_ms, 600, 10),
        "summary": f"{count} incident{'' if count == 1 else 's'}, {lost} in all",
    }


def subject_name(kind: str, subject: str, fleet: Fleet) -> str:
    """The name of an agent or a host as it is now, or its id where it is gone; a host says so."""
    things = fleet.hosts if kind == "host" else fleet.agents
    thing = things.get(subject)
    name = shown_name(thing) if thing else subject
    return f"host {name}" if kind == "host" else name


def _incident(one: PastIncident, fleet: Fleet) -> dict[str, Any]:
    return {
        "number": one.number,
        "who": subject_name(one.kind, one.subject, fleet),
        "cause": escape(one.cause, 60),
        "began": moment(one.opened_at_ms),
        "lasted": None if one.duration_ms is None else duration(one.duration_ms),
        "acknowledged": None if one.acknowledged_by is None else escape(one.acknowledged_by, 80),
    }
