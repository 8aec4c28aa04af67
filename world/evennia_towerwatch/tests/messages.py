"""Valid messages and views for tests."""

from typing import Any


def agent_view(agent_id: str, host: str = "ezra", **more: Any) -> dict[str, Any]:
    """An agent as the watch mirrors it."""
    view = {
        "id": agent_id,
        "name": agent_id.title(),
        "host": host,
        "state": "up",
        "forMs": 65_000,
        "beatAgeMs": 1_000,
        "periodMs": 2_000,
        "graceMs": 4_000,
        "place": f"pane fleet:{agent_id}",
        "policy": "auto",
    }
    return {**view, **more}


def host_view(host_id: str, **more: Any) -> dict[str, Any]:
    """A host as the watch mirrors it."""
    return {"id": host_id, "name": host_id.title(), "state": "up", "forMs": 100_000, **more}


def snapshot(
    agents: list[dict[str, Any]], hosts: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """A snapshot of one part."""
    message = {"id": "s1", "snapshot": "s", "part": 1, "parts": 1}
    return {**message, "agents": agents, "hosts": hosts, **more}
