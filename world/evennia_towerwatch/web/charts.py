"""Plots as SVG paths. Pure: numbers in, the text of `d` attributes out.

One path per colour instead of one element per day: a hundred agents of thirty days each have to
fit into a page of 150 kB.
"""

from collections.abc import Sequence

# What a day of an agent is shown as, by how much of what was seen was up.
DAY_KINDS = ("good", "fair", "bad", "none")

_BAR, _STEP, _HEIGHT = 6, 8, 20


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
    paths: dict[str, list[str]] = {}
    for index, share in enumerate(days):
        kind = day_kind(share, target)
        height = 2 if share is None else max(3, round(_HEIGHT * share))
        paths.setdefault(kind, []).append(
            f"M{index * _STEP} {_HEIGHT - height}h{_BAR}v{height}h-{_BAR}z"
        )
    return {kind: "".join(paths[kind]) for kind in DAY_KINDS if kind in paths}


def bars_width(count: int) -> int:
    """Of the box of `bars` for so many days."""
    return max(1, count * _STEP - (_STEP - _BAR))


def line(values: Sequence[float | None], width: int, height: int) -> str:
    """A line through shares from 0 to 1; interrupted where nothing was seen."""
    if not values:
        return ""
    step = width / max(1, len(values) - 1)
    drawn: list[str] = []
    pen = "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{index * step:.1f} {height - value * height:.1f}")
        # A day alone between two that nobody saw is a dot, which needs a line of no length.
        following = values[index + 1] if index + 1 < len(values) else None
        if pen == "M" and following is None:
            drawn.append("h0")
        pen = "L"
    return "".join(drawn)


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
