"""The settings of a game that concern the plugin: defaults, and what makes them wrong."""

import difflib
import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

DEFAULTS: dict[str, Any] = {
    "TOWERWATCH_CHANNEL": "Fleet",
    "TOWERWATCH_WATCH_ROOM": "Watch Room",
    "TOWERWATCH_SEE_LOCK": "all()",
    "TOWERWATCH_OPERATE_LOCK": "perm(Builder)",
    "TOWERWATCH_ADMIN_LOCK": "perm(Admin)",
    "TOWERWATCH_OBJECT_LOCK": "false()",
    "TOWERWATCH_PREFIX": "tower",
    "TOWERWATCH_CANONICAL_ONLY": (),
    "TOWERWATCH_PAGE": "accounts",
    # Three pings of the watch. Evennia keeps the session of a websocket that was cut off, so that
    # a watch that was killed is found missing by its silence alone.
    "TOWERWATCH_SILENT_AFTER_S": 7,
}

_LOCKS = {
    "see": "TOWERWATCH_SEE_LOCK",
    "operate": "TOWERWATCH_OPERATE_LOCK",
    "admin": "TOWERWATCH_ADMIN_LOCK",
}
# What was called otherwise once. Taking it for the new one could leave a door open that somebody
# had shut, so the start is refused.
_RENAMED = {"TOWERWATCH_ACT_LOCK": "TOWERWATCH_OPERATE_LOCK"}

# What Evennia takes for one word; its own prefixes (@, /, +) would be cut off.
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,19}")

INPUT_FUNCS = "evennia_towerwatch.inputfuncs"
SERVER_HOOKS = "evennia_towerwatch.server_hooks"


def channel_name() -> str:
    """Name of the channel on which alerts are said."""
    return _get("TOWERWATCH_CHANNEL")


def watch_room_name() -> str:
    """Name that the Watch Room gets when it is made."""
    return _get("TOWERWATCH_WATCH_ROOM")


def lock_of(role: str) -> str:
    """The lock that stands for a role: `see`, `operate` or `admin`."""
    return _get(_LOCKS[role])


def object_lock() -> str:
    """The lock that objects without an account have to pass, besides that of the role."""
    return _get("TOWERWATCH_OBJECT_LOCK")


def prefix() -> str:
    """The word before the slash of canonical commands: `tower` in `tower/health`."""
    return _get("TOWERWATCH_PREFIX")


def is_canonical_only(name: str) -> bool:
    """Whether an operation gets no short command, only `tower/<name>`."""
    value = _get("TOWERWATCH_CANONICAL_ONLY")
    return value is True or (value is not False and name in value)


# Who may see the page of the fleet, where it isn't the condition of a lock.
EVERYBODY, ACCOUNTS = "everybody", "accounts"


def page_for() -> str:
    """Who may see the page: `everybody`, `accounts` that are logged in, or a lock's condition."""
    return _get("TOWERWATCH_PAGE")


def silent_after_ms() -> float:
    """A watch of which nothing was heard for so long counts as not connected, in milliseconds."""
    return _get("TOWERWATCH_SILENT_AFTER_S") * 1000


def _get(name: str) -> Any:
    return getattr(settings, name, DEFAULTS[name])


def check(operation_names: set[str]) -> None:
    """Refuse settings with which the plugin would not work.

    Args:
        operation_names: All operations that operations.json declares.

    Raises:
        ImproperlyConfigured: With one sentence that names the setting and the remedy.
    """
    for name in dir(settings):
        if name.startswith("TOWERWATCH_") and name not in DEFAULTS:
            if name in _RENAMED:
                raise ImproperlyConfigured(
                    f"{name} is called {_RENAMED[name]} now: rename it. What is for a host or for "
                    "everything takes TOWERWATCH_ADMIN_LOCK."
                )
            near = difflib.get_close_matches(name, DEFAULTS, 1, 0)[0]
            raise ImproperlyConfigured(
                f"{name} is no setting of evennia_towerwatch; did you mean {near}?"
            )
    for name in ("TOWERWATCH_CHANNEL", "TOWERWATCH_WATCH_ROOM"):
        value = _get(name)
        if not isinstance(value, str) or not value.strip() or "|" in value or len(value) > 60:
            raise ImproperlyConfigured(
                f"{name} must be a name of 1 to 60 characters without '|', not {value!r}."
            )
    for name in (*_LOCKS.values(), "TOWERWATCH_OBJECT_LOCK"):
        value = _get(name)
        if not isinstance(value, str) or "(" not in value or ":" in value or ";" in value:
            raise ImproperlyConfigured(
                f"{name} must be the condition of a lock without an access type, "
                f"like 'perm(Builder)' or 'all()', not {value!r}."
            )
    silent = _get("TOWERWATCH_SILENT_AFTER_S")
    if isinstance(silent, bool) or not isinstance(silent, int | float) or silent < 5:
        raise ImproperlyConfigured(
            f"TOWERWATCH_SILENT_AFTER_S must be a number of seconds, 5 at least, not {silent!r}."
        )
    page = _get("TOWERWATCH_PAGE")
    is_lock = isinstance(page, str) and "(" in page and ":" not in page and ";" not in page
    if page not in (EVERYBODY, ACCOUNTS) and not is_lock:
        raise ImproperlyConfigured(
            "TOWERWATCH_PAGE must be 'accounts', 'everybody' or the condition of a lock "
            f"like 'perm(Builder)', not {page!r}."
        )
    canonical = _get("TOWERWATCH_CANONICAL_ONLY")
    if not isinstance(canonical, bool) and not _are_operations(canonical, operation_names):
        raise ImproperlyConfigured(
            "TOWERWATCH_CANONICAL_ONLY must be True for all operations, or a list of operations, "
            f"each one of {', '.join(sorted(operation_names))}, not {canonical!r}."
        )
    prefix = _get("TOWERWATCH_PREFIX")
    taken = {*operation_names, "verbosity"}
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix) or prefix in taken:
        raise ImproperlyConfigured(
            "TOWERWATCH_PREFIX must be one word of 1 to 20 small letters, digits and '-' that is "
            f"no operation itself, like 'tower' (without the slash), not {prefix!r}."
        )
    _check_module("INPUT_FUNC_MODULES", INPUT_FUNCS, "the game would not hear the watch")
    _check_module("AT_SERVER_STARTSTOP_MODULE", SERVER_HOOKS, "rooms and channel were never made")


def _are_operations(value: Any, operation_names: set[str]) -> bool:
    if not isinstance(value, list | tuple | set | frozenset):
        return False
    return all(isinstance(name, str) and name in operation_names for name in value)


def _check_module(setting: str, module: str, consequence: str) -> None:
    value = getattr(settings, setting, ())
    modules = [value] if isinstance(value, str) else list(value or ())
    if module not in modules:
        raise ImproperlyConfigured(
            f"{setting} must be a list that has {module!r} in it, or {consequence}; "
            "see Installation in the README of evennia_towerwatch."
        )
