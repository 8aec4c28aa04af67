"""What `fleet` shows: a table, records on a narrow screen, sentences for who hears it. Pure."""

from collections.abc import Sequence

from .appearance import counts, duration, shown_name, state_word
from .bodies import fleet_sentences
from .escape import escape
from .fleet import Agent, Fleet, by_name
from .layout import NARROW, Screen, columns_of, fill, wrap, wrap_parts

_WIDE = 110
_LONGEST_HOST, _LONGEST_PLACE, _LEAST_DOING = 14, 30, 5


def fleet_lines(fleet: Fleet, now_ms: float, watched: bool, screen: Screen) -> list[str]:
    """All agents with their states, in lines that fit the screen."""
    if not fleet.agents:
        return wrap("No agents: the watch has not told of any.", screen)
    if screen.reader:
        return fleet_sentences(fleet, now_ms, watched)
    rows = [_row(agent, fleet, now_ms, watched) for agent in by_name(fleet.agents.values())]
    lines = _table(rows, screen.columns) if screen.columns >= NARROW else None
    if lines is None:
        lines = [line for row in rows for line in _record(*row, screen)]
    total = f"{len(rows)} {'agent' if len(rows) == 1 else 'agents'}"
    return [*lines, *wrap(f"{total}: {counts(fleet.agents.values(), watched)}.", screen)]


Row = dict[str, str]


def _row(agent: Agent, fleet: Fleet, now_ms: float, watched: bool) -> tuple[str, Row]:
    state = agent.state if watched else "unknown"
    age_ms = agent.beat_age_at(now_ms)
    host = fleet.hosts.get(agent.host)
    doing = escape(agent.doing, 200) if agent.doing else ""
    if agent.state in ("down", "unreachable", "paused") and agent.cause:
        doing = escape(agent.cause, 60)
    if agent.maintenance is not None:
        doing = f"in maintenance: {escape(agent.maintenance, 200)}"
    return state, {
        "Agent": escape(agent.id, 63),
        "State": state,
        "Beat": "never" if age_ms is None else duration(age_ms),
        "Host": shown_name(host) if host else agent.host,
        "Runs in": escape(agent.place, 120),
        "Doing": doing,
    }


def _record(state: str, row: Row, screen: Screen) -> list[str]:
    """`ezra  down`, and below it what else there is to say."""
    beat = "no beat yet" if row["Beat"] == "never" else f"beat {row['Beat']} ago"
    parts = [part for part in (row["Doing"], beat, f"on {row['Host']}") if part]
    title = f"{row['Agent']}  {state_word(state)}"
    return [*wrap(title, screen), *wrap_parts(parts, screen)]


def _table(rows: Sequence[tuple[str, Row]], width: int) -> list[str] | None:
    """None where it does not fit: an id is what is typed, so it is never cut."""
    names = ["Agent", "State", "Beat", "Host", "Doing"]
    if width >= _WIDE:
        names.insert(4, "Runs in")
    most = {"Host": _LONGEST_HOST, "Runs in": _LONGEST_PLACE}
    widths = {}
    for name in names[:-1]:
        longest = max([columns_of(name), *(columns_of(row[name]) for _, row in rows)])
        widths[name] = min(most.get(name, width), longest)
    widths["Doing"] = width - sum(widths.values()) - 2 * len(widths)
    if widths["Doing"] < _LEAST_DOING:
        return None
    lines = [f"|w{'  '.join(fill(name, widths[name]) for name in names).rstrip()}|n"]
    for state, row in rows:
        cells = [fill(row[name], widths[name]) for name in names]
        cells[1] = state_word(state, cells[1])
        lines.append("  ".join(cells).rstrip())
    return lines
