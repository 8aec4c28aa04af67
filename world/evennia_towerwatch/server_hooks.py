"""What happens when the game's server starts; Evennia calls it by AT_SERVER_STARTSTOP_MODULE."""

from typing import Any


def at_server_start() -> None:
    """Make what is missing: the Watch Room and the channel."""
    # Evennia reads this module while it is itself half imported, so all else comes only now.
    from evennia.server.models import ServerConfig
    from evennia.server.signals import SIGNAL_ACCOUNT_POST_LOGOUT
    from evennia.utils import logger

    from .boot import log_faults
    from .build import ensure_watch_room, take_over_tagged
    from .channel import ensure_channel
    from .clients import CLIENTS
    from .models import prune

    SIGNAL_ACCOUNT_POST_LOGOUT.connect(_on_logout, dispatch_uid="towerwatch")
    CLIENTS.start()
    # On the very first start Evennia makes objects #1 and #2 itself and then starts again; an
    # object of ours before them would take their numbers.
    if ServerConfig.objects.conf("last_initial_setup_step") not in ("done", -1):
        return
    try:
        take_over_tagged()
        ensure_watch_room()
        ensure_channel()
        prune()
    except Exception:
        logger.log_trace("Towerwatch: the Watch Room or the channel could not be made")
    try:
        log_faults()
    except Exception:
        logger.log_trace("Towerwatch: the installation could not be looked at")


def at_server_stop() -> None:
    """Called before every kind of stop that is in order, a reload too."""
    from .announce import save_now

    save_now()


def _on_logout(sender: Any, session: Any = None, **kwargs: Any) -> None:
    from .bridge import BRIDGE

    BRIDGE.ended(session)
