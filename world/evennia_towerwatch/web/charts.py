"""Plots as SVG paths. Pure: numbers in, the text of `d` attributes out.

One path per colour instead of one element per day: a hundred agents of thirty days each have to
fit into a page of 150 kB.
"""

from collections.abc import Sequence

# What a day of an agent is shown as, by how much of what was seen was up.
DAY_KINDS = ("good", "fair", "bad", "none")

_BAR, _STEP, _HEIGHT, _FLAT = 6, 8, 20, 2
# Where the axis of a plot of shares near to 1 may begin.
_LOWS = (0.9, 0.8, 0.5)


def day_kind(availability: float | None, target: float) -> str:
    """`good` at the target and above, `fair` down to nine tenths of it, `bad` below, or `none`."""
    if availability is None:
        return "none"
    if availability >= target:
        return "good"
    return "fair" if availability >= 0.9 * target else "bad"


def bars(days: Sequence[float | None], target: float) -> dict[str, str]:
    """A bar a day: by kind the path of its bars, in a box of `bars_width` by 20.

    Height says the same as colour: a good day is as high as the box, nothing seen is a line.
    """
    kinds = [day_kind(share, target) for share in days]
    return columns(days, kinds, (0.0, 1.0), _HEIGHT)


def columns(
    values: Sequence[float | None], kinds: Sequence[str], axis: tuple[float, float], height: int
) -> dict[str, str]:
    """A column for each value, as upright strokes of a width of 6: half as long as outlines.

    Args:
        values: None is a flat line: nothing is known.
        kinds: Of each value, its class of the style sheet.
        axis: The values at the bottom and at the top of the box.
        height: Of the box; `bars_width` is how wide it is.

    Returns:
        By kind the path of its columns.
    """
    low, high = axis
    paths: dict[str, list[str]] = {}
    for index, (value, kind) in enumerate(zip(values, kinds, strict=True)):
        share = 0.0 if value is None else (value - low) / (high - low)
        # What is nothing is still to be seen, and a little more than what is not known.
        least = _FLAT if value is None else _FLAT + 1
        tall = min(height, max(least, round(height * share)))
        paths.setdefault(kind, []).append(f"M{index * _STEP + _BAR // 2} {height}v-{tall}")
    ordered = [*DAY_KINDS, *sorted(set(paths) - set(DAY_KINDS))]
    return {kind: "".join(paths[kind]) for kind in ordered if kind in paths}


def bars_width(count: int) -> int:
    """Of the box of `bars` and `columns` for so many days."""
    return max(1, count * _STEP - (_STEP - _BAR))


def low_of(shares: Sequence[float | None], target: float) -> float:
    """Where the axis of these shares begins, so that both they and the target can be told apart."""
    worst = min([share for share in shares if share is not None], default=1.0)
    fitting = [low for low in _LOWS if low <= min(worst, target - 0.02)]
    return fitting[0] if fitting else 0.0


def spans(
    times: Sequence[tuple[float, float]], from_ms: float, to_ms: float, width: int, height: int
) -> str:
    """Bars for times (from, to) within a window, at least two wide so that none is lost."""
    scale = width / max(1.0, to_ms - from_ms)
    drawn = []
    for begin, end in times:
        left = (max(begin, from_ms) - from_ms) * scale
        wide = max(2.0, (min(end, to_ms) - max(begin, from_ms)) * scale)
        if begin < to_ms and end > from_ms:
            drawn.append(f"M{min(left, width - wide):.1f} 0h{wide:.1f}v{height}h-{wide:.1f}z")
    return "".join(drawn)
