"""Valid `tower_history` messages for tests."""

from typing import Any


def agent_history(agent_id: str, up_s: list[int], **more: Any) -> dict[str, Any]:
    """An agent that was up so many seconds of each day and down for the rest of what was seen."""
    days = len(up_s)
    return {
        "id": agent_id,
        "upS": up_s,
        "downS": [86_400 - seconds for seconds in up_s],
        "unknownS": [0] * days,
        "excludedS": [0] * days,
        "budget": {"totalS": 129_600, "usedS": sum(86_400 - seconds for seconds in up_s)},
        **more,
    }


def history(agents: list[dict[str, Any]], days: int = 3, **more: Any) -> dict[str, Any]:
    """One part, which is the whole set."""
    return {
        "v": 1,
        "boot": "b",
        "history": "h1",
        "part": 1,
        "parts": 1,
        "at": 1_795_000_000_000,
        "days": [f"2026-11-{day:02}" for day in range(1, days + 1)],
        "target": 0.95,
        "fleet": {
            "up": [1.0] * days,
            "busy": [0.5] * days,
            "budget": {"totalS": 259_200, "usedS": 3_600},
            "requirements": [
                {"name": "uptime_30d_percent", "value": 94.97, "target": 95, "met": False},
                {"name": "days_at_95_percent", "value": 3, "target": 30, "met": False},
                {"name": "capacity_utilization_percent", "value": 61, "target": 60, "met": True},
            ],
            "ready": False,
        },
        "agents": agents,
        "incidents": [],
        **more,
    }


def past_incident(number: int, **more: Any) -> dict[str, Any]:
    """A problem of ezra's that lasted a minute."""
    return {
        "number": number,
        "subject": {"kind": "agent", "id": "ezra"},
        "cause": "its pane is dead",
        "openedAt": 1_794_999_000_000,
        "durationMs": 60_000,
        **more,
    }
