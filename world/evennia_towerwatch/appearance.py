"""What the fleet looks like: texts with Evennia's colour markup. Pure.

Every state is said in a word as well as in a colour. Every outside text goes through `escape`.
When the watch isn't there, nobody knows how an agent is: then its state is `unknown`, and what was
last heard is told as such.
"""

import re
from collections.abc import Iterable, Sequence

from .escape import escape
from .fleet import Agent, Fleet, Host, by_name, worst_first
from .layout import NARROW, USUAL, Screen, wrap

_COLOURS = {
    "new": "|c",
    "up": "|g",
    "late": "|y",
    "down": "|r",
    "unreachable": "|m",
    "paused": "|b",
    "unknown": "|W",
}

_STATUS_COLOURS = {"failed": "|r", "timeout": "|y", "refused": "|y"}

# More agents than this in one place are a crowd: who is not well comes first, not all have a line.
MANY = 12

# Of what `look` tells of an agent, texts begin here.
_LABELS = 11

# A state as the cell of a table that the watch has drawn: alone between edges and double spaces.
_CELL = re.compile(rf"(?:^|(?<=  ))({'|'.join(_COLOURS)})(?=  |$)")


def state_word(state: str, shown: str | None = None) -> str:
    """A state in its colour; `shown` is what to write instead of the bare word."""
    return f"{_COLOURS.get(state, '|W')}{shown or state}|n"


def duration(ms: float) -> str:
    """A duration as people say it, in the two largest units: `45 s`, `3 min 10 s`, `2 d 4 h`."""
    seconds = int(ms // 1000)
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if parts or count or unit == "s":
            parts.append((count, unit))
        if len(parts) == 2:
            break
    if len(parts) == 2 and parts[1][0] == 0:
        parts.pop()
    return " ".join(f"{count} {unit}" for count, unit in parts)


def shown_name(thing: Agent | Host) -> str:
    """The name of an agent or host, escaped; its id where nothing of the name can be seen."""
    return escape(thing.name, 60).strip() or thing.id


def npc_name(agent: Agent, watched: bool) -> str:
    """An agent's name with its state at a glance: `Bezalel (down)`."""
    state = agent.state if watched else "unknown"
    return f"{shown_name(agent)} ({state_word(state)})"


def npc_text(
    agent: Agent, host: Host | None, now_ms: float, watched: bool, screen: Screen = USUAL
) -> str:
    """What `look` tells of an agent, below its name.

    Args:
        agent: The one looked at.
        host: Where it lives, when the Tower knows that host.
        now_ms: Monotonic.
        watched: Whether the watch is connected and answering.
        screen: What it is read on.
    """
    if watched:
        state = f"{state_word(agent.state)} for {duration(agent.state_for_at(now_ms))}"
        if agent.cause:
            state += f" ({escape(agent.cause, 60)})"
    else:
        state = f"{state_word('unknown')} (the watch is not here; last heard: {agent.state})"
    rows = [
        ("State", state),
        ("Last beat", _beat(agent, now_ms)),
        ("Doing", _doing(agent)),
        ("Host", _host(agent, host, watched)),
        ("Runs in", escape(agent.place, 120)),
    ]
    if agent.model:
        rows.append(("Model", escape(agent.model, 100)))
    rows.append(("Respawn", agent.policy))
    if agent.maintenance is not None:
        rows.append(("Work", f"|bin maintenance|n: {escape(agent.maintenance, 200)}"))
    rows.append(("Incident", _incident(agent)))
    if screen.reader:
        return "\n".join(f"{label}: {text}" for label, text in rows)
    hang = _LABELS if screen.columns >= NARROW else 2
    lines = [wrap(f"|w{label + ':':<{_LABELS}}|n{text}", screen, hang) for label, text in rows]
    return "\n".join(line for part in lines for line in part)


def _beat(agent: Agent, now_ms: float) -> str:
    age_ms = agent.beat_age_at(now_ms)
    if age_ms is None:
        return "none was ever seen"
    colour = {"fresh": "|g", "late": "|y", "stale": "|r"}[agent.freshness_at(now_ms)]
    freshness = agent.freshness_at(now_ms)
    return f"{duration(age_ms)} ago, {colour}{freshness}|n (due every {duration(agent.period_ms)})"


def _doing(agent: Agent) -> str:
    busy = {True: "busy", False: "idle", None: ""}[agent.busy]
    doing = escape(agent.doing, 200) if agent.doing else ""
    if busy and doing:
        return f"{busy}: {doing}"
    return busy or doing or "it does not say"


def _host(agent: Agent, host: Host | None, watched: bool) -> str:
    if host is None:
        return escape(agent.host, 63)
    state = host.state if watched else "unknown"
    return f"{shown_name(host)} ({state_word(state)})"


def _incident(agent: Agent) -> str:
    incident = agent.incident
    if incident is None:
        return "none"
    what = f"#{incident.number} {escape(incident.cause, 60)}"
    if incident.duration_ms is not None:
        return f"{what}, closed after {duration(incident.duration_ms)}"
    flapping = ", |yflapping|n (open until it is stable)" if agent.flapping else ""
    if incident.acknowledged_by is None:
        return f"{what}, |ropen|n{flapping}. To look after it, type: ack {incident.number}"
    return f"{what}, |ropen|n{flapping}, acknowledged by {escape(incident.acknowledged_by, 80)}"


def counts(agents: Iterable[Agent], watched: bool) -> str:
    """How many are in which state: `5 up, 1 down`."""
    states = [agent.state if watched else "unknown" for agent in agents]
    if not states:
        return "no agents"
    return ", ".join(
        state_word(state, f"{states.count(state)} {state}") for state in _COLOURS if state in states
    )


def host_room_text(host: Host, agents: Sequence[Agent], now_ms: float, watched: bool) -> str:
    """The state of a host and of those who live on it, for the description of its room."""
    state = host.state if watched else "unknown"
    since = f" for {duration(host.state_for_at(now_ms))}" if watched else ""
    return f"Host {shown_name(host)} is {state_word(state)}{since}: {counts(agents, watched)}."


def watch_room_text(fleet: Fleet, watched: bool) -> str:
    """The whole fleet in one line per host, for the description of the Watch Room."""
    if not fleet.complete:
        return "The boards on the walls are still blank: no fleet has been seen yet."
    lines = [f"The fleet: {counts(fleet.agents.values(), watched)}."]
    for host in by_name(fleet.hosts.values()):
        state = host.state if watched else "unknown"
        agents = fleet.agents_on(host.id)
        if len(agents) > MANY and watched:
            agents = worst_first(agents)
        names = ", ".join(npc_name(agent, watched) for agent in agents[:MANY])
        more = f" and {len(agents) - MANY} more" if len(agents) > MANY else ""
        lines.append(f"  {shown_name(host)} ({state_word(state)}): {names or 'nobody'}{more}")
    return "\n".join(lines)


def result_lines(
    operation: str, status: str, lines: Sequence[str], screen: Screen | None = None
) -> list[str]:
    """The lines of an answer of the watch, escaped, states in tables coloured.

    The watch has made them for the screen of the one who asked. Some signs become wider when they
    are escaped; a line that does not fit any more is wrapped once more.

    An end that is not `ok` is said in a line of its own first, so that nobody has to guess it.
    """
    safe = [escape(line) for line in lines]
    if screen is not None:
        safe = [part for line in safe for part in wrap(line, screen)]
    shown = [_CELL.sub(lambda cell: state_word(cell[1]), line) for line in safe]
    if status in _STATUS_COLOURS:
        return [f"{_STATUS_COLOURS[status]}{escape(operation, 32)}: {status}|n", *shown]
    if status == "waiting":
        return [
            f"|y{escape(operation, 32)}: nothing was done yet, a second person is needed|n",
            *shown,
        ]
    if status == "ok" and not shown:
        return [f"{escape(operation, 32)}: done"]
    return shown


_ALERT_COLOURS = {"problem": "|r", "recovery": "|g", "reminder": "|y", "acknowledged": "|c"}

# So many numbers are shown behind an alert; of more, `incidents` tells.
_MOST_NUMBERS = 3


def alert_line(kind: str, text: str, incidents: Sequence[int] = ()) -> str:
    """An alert as it is said: its text, escaped, in the colour of its kind.

    The text says by itself what kind it is, and begins with who it is about. It ends with the
    numbers of its incidents, so that `ack 12` can be typed, unless the text names them.
    """
    numbers = "" if kind == "notice" else _numbers(text, incidents)
    said = escape(text) + numbers
    colour = _ALERT_COLOURS.get(kind)
    return f"{colour}{said}|n" if colour else said


def _numbers(text: str, incidents: Sequence[int]) -> str:
    new = [number for number in incidents if not re.search(rf"(?:#|ack ){number}\b", text)]
    if not new:
        return ""
    shown = ", ".join(f"#{number}" for number in new[:_MOST_NUMBERS])
    more = f" and {len(new) - _MOST_NUMBERS} more" if len(new) > _MOST_NUMBERS else ""
    return f" (incident{'' if len(new) == 1 else 's'} {shown}{more})"
