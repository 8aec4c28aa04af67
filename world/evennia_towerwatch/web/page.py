"""What the page of the fleet shows, as plain data. Pure.

Texts of others are cleaned here as they are everywhere (`escape`), and the template escapes them
once more for HTML.
"""

from dataclasses import dataclass
from typing import Any

from evennia_towerwatch.appearance import duration, shown_name
from evennia_towerwatch.escape import escape
from evennia_towerwatch.fleet import Agent, Fleet, by_name
from evennia_towerwatch.history import History

from .days import agent_days, fleet_days
from .words import moment, some

PER_PAGE = 100
# Of who needs somebody; the others are counted.
TROUBLES_SHOWN = 20
_NAMED = 12

# A sign for each state, so that nobody has to tell them by colour.
SIGNS = {
    "up": "●",
    "late": "◐",
    "down": "✕",
    "unreachable": "⌀",
    "paused": "‖",
    "unknown": "?",
    "new": "○",
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

    def state_of(self, state: str) -> str:
        """A state as it may be shown: what nobody watches is unknown."""
        return state if self.problem is None else "unknown"

    def page(self, number: int) -> tuple[list[Agent], int, int]:
        """The agents of a page, its number within bounds, and how many there are."""
        agents = by_name(self.fleet.agents.values())
        pages = max(1, -(-len(agents) // PER_PAGE))
        number = min(max(1, number), pages)
        return agents[(number - 1) * PER_PAGE : number * PER_PAGE], number, pages


def page_of(told: Told, number: int) -> dict[str, Any]:
    """All that one page shows.

    Args:
        told: The moment.
        number: Of the page, from 1; beyond the last one it is the last one.
    """
    agents, number, pages = told.page(number)
    everybody = told.fleet.agents.values()
    history = told.history
    return {
        "problem": told.problem,
        "now": moment(told.wall_ms),
        "counts": _counts([told.state_of(agent.state) for agent in everybody], "agent"),
        "hosts": _counts([told.state_of(host.state) for host in told.fleet.hosts.values()], "host"),
        "total": len(everybody),
        "troubles": troubles(told),
        "page": number,
        "pages": pages,
        "first": (number - 1) * PER_PAGE + 1,
        "last": (number - 1) * PER_PAGE + len(agents),
        "agents": [_agent(agent, told) for agent in agents],
        "history": None if history is None else fleet_days(history, told.fleet, told.wall_ms),
    }


def _counts(states: list[str], noun: str) -> dict[str, Any]:
    """How many are in which state."""
    return {
        "total": f"{len(states)} {noun}{'' if len(states) == 1 else 's'}",
        "states": [
            {"state": state, "sign": SIGNS[state], "count": states.count(state)}
            for state in SIGNS
            if state in states
        ],
    }


def troubles(told: Told) -> dict[str, Any]:
    """Who needs somebody, in sentences, the hosts first. Nobody is judged without the watch."""
    found = [] if told.problem is not None else [*_lost_hosts(told), *_fallen(told)]
    return {"shown": found[:TROUBLES_SHOWN], "more": max(0, len(found) - TROUBLES_SHOWN)}


def _lost_hosts(told: Told) -> list[dict[str, str]]:
    lost = []
    for host in by_name(told.fleet.hosts.values()):
        if host.state != "unreachable":
            continue
        since = duration(host.state_for_at(told.now_ms))
        names = [shown_name(agent) for agent in told.fleet.agents_on(host.id)]
        text = f"unreachable for {since}"
        if names:
            text += f"; nobody can see {some(names, _NAMED)}"
        lost.append(_trouble(f"Host {shown_name(host)}", "unreachable", text))
    return lost


def _fallen(told: Told) -> list[dict[str, str]]:
    fallen = [agent for agent in told.fleet.agents.values() if agent.state == "down"]
    return [
        _trouble(shown_name(agent), "down", _fall(agent, told.now_ms)) for agent in by_name(fallen)
    ]


def _fall(agent: Agent, now_ms: float) -> str:
    text = f"down for {duration(agent.state_for_at(now_ms))}"
    if agent.cause:
        text += f": {escape(agent.cause, 60)}"
    incident = agent.incident
    if incident is not None and incident.duration_ms is None:
        who = incident.acknowledged_by
        care = "nobody looks after it yet" if who is None else f"{escape(who, 80)} looks after it"
        text += f" (incident #{incident.number}, {care})"
    return text


def _trouble(who: str, state: str, text: str) -> dict[str, str]:
    return {"who": who, "state": state, "sign": SIGNS[state], "text": text}


def _agent(agent: Agent, told: Told) -> dict[str, Any]:
    state = told.state_of(agent.state)
    watched = told.problem is None
    age_ms = agent.beat_age_at(told.now_ms)
    host = told.fleet.hosts.get(agent.host)
    history = told.history
    days = history.agents.get(agent.id) if history else None
    return {
        "id": agent.id,
        "name": shown_name(agent),
        "state": state,
        "sign": SIGNS[state],
        "for": duration(agent.state_for_at(told.now_ms)) if watched else None,
        "notes": _notes(agent, watched),
        "beat": None if age_ms is None else f"{duration(age_ms)} ago",
        "freshness": agent.freshness_at(told.now_ms),
        "doing": _doing(agent),
        "host": shown_name(host) if host else agent.host,
        "days": None if days is None or history is None else agent_days(days, history),
    }


def _notes(agent: Agent, watched: bool) -> list[str]:
    """What there is to say about its state."""
    incident = agent.incident
    return [
        *([escape(agent.cause, 60)] if agent.cause and watched else []),
        *([f"incident #{incident.number}"] if incident and incident.duration_ms is None else []),
        *(["flapping: up and down all the time"] if agent.flapping and watched else []),
        *([f"in maintenance: {escape(agent.maintenance, 200)}"] if agent.maintenance else []),
    ]


def _doing(agent: Agent) -> str | None:
    busy = {True: "busy", False: "idle", None: ""}[agent.busy]
    doing = escape(agent.doing, 120) if agent.doing else ""
    return f"{busy}: {doing}" if busy and doing else busy or doing or None
