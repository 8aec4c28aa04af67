"""What is in a game's database, in a form in which two of them can be compared."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

# When something happened, and what the server notes of its own running.
_DATES = ("date", "time", "login", "applied")
_OF_THE_RUN = ("django_session", "server_serverconfig", "sqlite_sequence")


def contents(file: Path) -> dict[str, list[str]]:
    """Rows by table, sorted, without ids of rows and dates; links say what is at their other end.

    Things, accounts and channels keep their ids, which other rows mean them by.
    """
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        tables = [
            row["name"]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {table: list(database.execute(f"SELECT * FROM {table}")) for table in tables}
    ends: dict[str, dict[Any, str]] = {
        "attribute_id": _by_id(rows["typeclasses_attribute"]),
        "tag_id": _by_id(rows["typeclasses_tag"]),
        "content_type_id": _by_id(rows["django_content_type"]),
        "permission_id": _by_id(rows["auth_permission"]),
    }
    return {
        table: sorted(_text(row, table, ends) for row in found)
        for table, found in sorted(rows.items())
        if table not in _OF_THE_RUN
    }


def _by_id(rows: list[sqlite3.Row]) -> dict[Any, str]:
    return {row["id"]: _text(row, "", {}) for row in rows}


def _text(row: sqlite3.Row, table: str, ends: dict[str, dict[Any, str]]) -> str:
    has_identity = table in ("objects_objectdb", "accounts_accountdb", "comms_channeldb")
    fields = []
    for name in row.keys():  # noqa: SIM118 -- iterating over a Row gives its values
        if (name == "id" and not has_identity) or any(date in name for date in _DATES):
            continue
        value = ends[name].get(row[name]) if name in ends else row[name]
        fields.append(f"{name}={value!r}")
    return ", ".join(fields)
