"""Numbers and moments as the page writes them. Pure."""

from datetime import UTC, datetime


def percent(share: float | None) -> str:
    """`99.95 %`, never rounded up; `-` where nothing was seen."""
    if share is None:
        return "-"
    text = f"{int(share * 10_000 + 1e-6) / 100:.2f}".rstrip("0").rstrip(".")
    return f"{text} %"


def floor(value: float) -> str:
    """With one digit, never rounded up, so that nothing looks met that is not."""
    return f"{int(value * 10 + 1e-6) / 10:g}"


def moment(at_ms: float) -> str:
    """`2026-11-23 09:30 UTC`."""
    return f"{datetime.fromtimestamp(min(at_ms, 4e12) / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def some(names: list[str], most: int) -> str:
    """`a, b, c and 4 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
