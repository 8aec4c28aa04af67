"""How faults of settings and installation reach the person who starts the game.

Evennia's launcher is one process, the game's portal and server are two others whose output goes to
log files: what only those say is not seen. So the launcher itself looks before it starts them.
"""

import os
import sys
from collections.abc import Iterable
from typing import Any

import evennia
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from evennia.utils import logger
from twisted.internet import reactor

from . import conf

_LAUNCHER = "evennia.server.evennia_launcher"
_STARTS = frozenset({"start", "istart", "sstart", "reload", "restart", "reset", "reboot"})
# A game whose settings have been broken while it ran must still be stopped.
_LOOKS_AND_ENDS = frozenset({"stop", "sstop", "kill", "skill", "status", "info"})


def look(operation_names: set[str]) -> None:
    """Called in every process of the game when Django is ready.

    Args:
        operation_names: All operations that operations.json declares.

    Raises:
        ImproperlyConfigured: For a bad setting. In Evennia's launcher one is told as a sentence and
            the launcher ends.
    """
    words = set(sys.argv[1:]) if _LAUNCHER in sys.modules else set()
    try:
        conf.check(operation_names)
    except ImproperlyConfigured as fault:
        if words & _LOOKS_AND_ENDS:
            return
        if words:
            _tell([str(fault)])
            raise SystemExit(1) from fault
        raise
    checks.register(_system_check, "towerwatch")
    if words & _STARTS:
        # By then Evennia is initialised, and nothing has been started yet.
        reactor.callWhenRunning(_look_at_installation)


def log_faults() -> None:
    """For the game's server: whoever starts it without the launcher reads them in its log."""
    for fault in _faults():
        logger.log_err(f"Towerwatch: {fault}")


def _look_at_installation() -> None:
    faults = _faults()
    if faults:
        _tell(faults)
        # Twisted would swallow a SystemExit here.
        os._exit(1)


def _faults() -> list[str]:
    from .installation import faults

    return faults()


def _system_check(
    app_configs: Any = None, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`evennia check`. Not for `migrate`, which is to mend some of it, nor before Evennia is up.

    Nor for tests: like `migrate` they name databases, if only none, whose tables aren't made yet.
    """
    if databases is not None or evennia.SESSION_HANDLER is None:
        return []
    return [checks.Error(fault, id="towerwatch.E001") for fault in _faults()]


def _tell(faults: list[str]) -> None:
    for fault in faults:
        sys.stderr.write(f"Towerwatch: {fault}\n")
    sys.stderr.write("Nothing was started.\n")
    sys.stdout.flush()
    sys.stderr.flush()
