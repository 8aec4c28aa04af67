"""How agents stand in their rooms, and how the rooms look, in sentences. Pure.

They say in words of the place what the tables say in words of the watch, and nothing that those
don't: colours, signs and columns are never needed to know how somebody is.
"""

from collections.abc import Sequence

from .appearance import counts, duration, shown_name
from .escape import escape
from .fleet import Agent, Fleet, Host, by_name


def posture(agent: Agent, now_ms: float, watched: bool) -> str:
    """What the body of an agent does at `now_ms` (monotonic), as one sentence."""
    name = shown_name(agent)
    since = duration(agent.state_for_at(now_ms))
    if not watched:
        return f"Nobody is watching: how {name} is, nobody knows."
    match agent.state:
        case "up" | "late" if agent.busy:
            work = f"at work on {escape(agent.doing, 120)}" if agent.doing else "at work"
            quiet = ", and has been quiet for a while" if agent.state == "late" else ""
            return f"{name} is {work}{quiet}."
        case "up":
            return f"{name} stands ready."
        case "late":
            return f"{name} stands still and has been quiet for a while."
        case "down":
            return f"{name} lies on the floor and has not moved for {since}."
        case "unreachable":
            return f"It is too dark to see {name}."
        case "paused":
            return f"{name} sits aside, as somebody asked, and is left alone."
        case "new":
            return f"{name} has not moved yet."
        case _:
            return f"How {name} is, nobody knows."


def light(host: Host, now_ms: float, watched: bool) -> str:
    """What there is to be seen in the room of a host; empty where it is as ever."""
    if not watched or host.state == "unknown":
        return "The lamps are out: nobody is watching."
    if host.state == "unreachable":
        since = duration(host.state_for_at(now_ms))
        return f"It has been dark in here for {since}: the host can't be reached."
    return ""


def fleet_sentences(fleet: Fleet, now_ms: float, watched: bool) -> list[str]:
    """What `fleet` shows, for who has it read aloud: a sentence for each agent, no columns."""
    if not fleet.agents:
        return ["No agents: the watch has not told of any."]
    agents: Sequence[Agent] = by_name(fleet.agents.values())
    total = f"{len(agents)} {'agent' if len(agents) == 1 else 'agents'}"
    lines = [f"{total}: {counts(agents, watched)}."]
    for agent in agents:
        state = agent.state if watched else "unknown"
        host = fleet.hosts.get(agent.host)
        age_ms = agent.beat_age_at(now_ms)
        parts = [
            f"{shown_name(agent)} on {shown_name(host) if host else agent.host}: {state}",
            escape(agent.cause, 60) if agent.cause and watched else "",
            "no heartbeat yet" if age_ms is None else f"heartbeat {duration(age_ms)} ago",
            escape(agent.doing, 120) if agent.doing else "",
            f"in maintenance: {escape(agent.maintenance, 200)}" if agent.maintenance else "",
        ]
        lines.append(", ".join(part for part in parts if part) + ".")
    return lines
