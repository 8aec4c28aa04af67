"""Which role an operation takes, as it was typed. Pure.

There are three: `see`, `operate`, `admin`; the game's settings say which lock stands for each.
"""

from typing import Any

from .fleet import Fleet

# Kinds of arguments by which an operation can be about more than one agent.
_MANY = frozenset({"subject", "host", "agent-or-host"})


def role_of(operation: dict[str, Any], arguments: dict[str, str], fleet: Fleet) -> str:
    """`see`, `operate` or `admin`.

    What is not plainly one agent counts as many: while no fleet is mirrored, a name is left for the
    watch to judge, and it may turn out to be a host.

    Args:
        operation: Its declaration.
        arguments: As `typed.parse` gives them.
        fleet: Who is known.
    """
    role = operation["role"]
    for argument in operation["arguments"]:
        value = arguments.get(argument["name"])
        if value is None or argument["kind"] not in _MANY:
            continue
        many = operation.get("roleForMany", role)
        if argument["kind"] == "subject" and value.lower() == "all":
            return operation.get("roleForAll", many)
        if not _is_one_agent(argument["kind"], value, fleet):
            return many
    return role


def _is_one_agent(kind: str, value: str, fleet: Fleet) -> bool:
    if kind == "subject":
        return value.startswith("agent:")
    return kind == "agent-or-host" and fleet.complete and value in fleet.agents
