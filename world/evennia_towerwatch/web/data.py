"""What `/fleet/data.json` answers: the page's facts as numbers, for programs. Pure.

Durations and ages end in `Ms`, times since 1970 in `At` (milliseconds, too), sums of a day in `S`
(seconds). What is not known is null.
"""

from typing import Any

from evennia_towerwatch.appearance import shown_name
from evennia_towerwatch.escape import escape
from evennia_towerwatch.fleet import Agent, Incident, by_name
from evennia_towerwatch.history import AgentDays, Budget, History, PastIncident

from .days import budget_by_day
from .page import SIGNS, Told


def data_of(told: Told, number: int) -> dict[str, Any]:
    """The same page of agents as `page_of`, and all of the history.

    Args:
        told: The moment.
        number: Of the page, from 1; beyond the last one it is the last one.
    """
    agents, number, pages = told.page(number)
    states = [told.state_of(agent.state) for agent in told.fleet.agents.values()]
    return {
        "at": round(told.wall_ms),
        "watched": told.problem is None,
        "problem": told.problem,
        "total": len(states),
        "counts": {state: states.count(state) for state in SIGNS if state in states},
        "page": number,
        "pages": pages,
        "hosts": [
            {
                "id": host.id,
                "name": shown_name(host),
                "state": told.state_of(host.state),
                "forMs": round(host.state_for_at(told.now_ms)),
            }
            for host in by_name(told.fleet.hosts.values())
        ],
        "agents": [_agent(agent, told) for agent in agents],
        "history": None if told.history is None else _history(told.history),
    }


def _agent(agent: Agent, told: Told) -> dict[str, Any]:
    age_ms = agent.beat_age_at(told.now_ms)
    days = told.history.agents.get(agent.id) if told.history else None
    return {
        "id": agent.id,
        "name": shown_name(agent),
        "host": agent.host,
        "state": told.state_of(agent.state),
        "forMs": round(agent.state_for_at(told.now_ms)) if told.problem is None else None,
        "cause": _text(agent.cause, 60) if told.problem is None else None,
        "beatAgeMs": None if age_ms is None else round(age_ms),
        "freshness": agent.freshness_at(told.now_ms),
        "periodMs": agent.period_ms,
        "graceMs": agent.grace_ms,
        "busy": agent.busy,
        "doing": _text(agent.doing, 200),
        "maintenance": _text(agent.maintenance, 200),
        "flapping": agent.flapping,
        "incident": _incident_now(agent.incident),
        "days": None if days is None else _days(days),
    }


def _incident_now(incident: Incident | None) -> dict[str, Any] | None:
    """The one that is open."""
    if incident is None or incident.duration_ms is not None:
        return None
    return {
        "number": incident.number,
        "cause": escape(incident.cause, 60),
        "openedAt": incident.opened_at_ms,
        "acknowledgedBy": _text(incident.acknowledged_by, 80),
    }


def _days(days: AgentDays) -> dict[str, Any]:
    return {
        "availability": days.availability(),
        "upS": days.up_s,
        "downS": days.down_s,
        "unknownS": days.unknown_s,
        "excludedS": days.excluded_s,
        "budget": _budget(days.budget),
    }


def _history(history: History) -> dict[str, Any]:
    return {
        "at": history.at_ms,
        "days": history.days,
        "target": history.target,
        "up": history.up,
        "busy": history.busy,
        "budget": _budget(history.budget),
        "budgetUsed": budget_by_day(history),
        "ready": history.ready,
        "requirements": [
            {
                "name": escape(one.name, 60),
                "value": one.value,
                "target": one.target,
                "met": one.met,
            }
            for one in history.requirements
        ],
        "incidents": [_incident(one) for one in history.incidents],
    }


def _incident(one: PastIncident) -> dict[str, Any]:
    return {
        "number": one.number,
        "kind": one.kind,
        "subject": one.subject,
        "cause": escape(one.cause, 60),
        "openedAt": one.opened_at_ms,
        "durationMs": one.duration_ms,
        "acknowledgedBy": _text(one.acknowledged_by, 80),
    }


def _budget(budget: Budget) -> dict[str, Any]:
    return {"totalS": budget.total_s, "usedS": budget.used_s, "goneAt": budget.gone_at_ms}


def _text(text: str | None, limit: int) -> str | None:
    return None if text is None else escape(text, limit)
