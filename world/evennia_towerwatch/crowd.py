"""A place with many agents: who is not well comes first, the many who are well in few lines. Pure.

A line for each of two hundred is a wall that nobody reads at night. Nobody is left out all the
same: everybody is named, under the word of their state.
"""

from collections.abc import Sequence
from functools import lru_cache

from .appearance import MANY, state_word
from .bodies import posture
from .fleet import WORST_FIRST, Agent, worst_first
from .layout import Screen, wrap_list

# Of these there is more to say than the word: since when.
_IN_FULL = ("down", "late")


def crowd_sentences(agents: Sequence[Agent], now_ms: float, watched: bool) -> list[str]:
    """How the many in a room are: who is down or late in a sentence each, the others in one."""
    if not watched:
        return []
    troubled = worst_first(agent for agent in agents if agent.state in _IN_FULL)
    lines = [posture(agent, now_ms, watched) for agent in troubled[:MANY]]
    if len(troubled) > MANY:
        lines.append(f"Of {len(troubled) - MANY} more who are down or late, the names are below.")
    up = [agent for agent in agents if agent.state == "up"]
    busy = sum(agent.busy is True for agent in up)
    parts = [f"{busy} at work"] * bool(busy) + [f"{len(up) - busy} ready"] * (len(up) > busy)
    return [*lines, f"Up: {', '.join(parts)}."] if up else lines


# People look again more often than somebody's state changes.
@lru_cache(maxsize=64)
def names_by_state(told: tuple[tuple[str, str], ...], screen: Screen) -> tuple[str, ...]:
    """Everybody's name behind the word of their state: `down (2): Ann, Bob`, worst first.

    Args:
        told: Names as they are shown, with states; behind each word they come by the alphabet.
        screen: What it is read on.
    """
    names: dict[str, list[str]] = {}
    for name, state in sorted(told, key=lambda one: one[0].casefold()):
        names.setdefault(state, []).append(name)
    blanks = "" if screen.reader else "  "
    return tuple(
        line
        for state in WORST_FIRST
        if state in names
        for line in wrap_list(
            f"{blanks}{state_word(state)} ({len(names[state])}):", names[state], screen
        )
    )
