"""Who sits at a session of the game: where, and what they may."""

from typing import Any

from evennia.locks.lockhandler import check_lockstring

from . import conf


def where_it_sits(session: Any) -> str:
    """Protocol and address, as they come: `telnet 127.0.0.1`; empty where nobody knows.

    Whoever shows it to somebody escapes it first.
    """
    address = getattr(session, "address", None)
    # Some protocols keep the port beside it.
    where = address[0] if isinstance(address, tuple | list) and address else address
    protocol = getattr(session, "protocol_key", None)
    return " ".join(str(part) for part in (protocol, where) if part)


def has_role(session: Any, role: str) -> bool:
    """Whether somebody is logged in there who has the role: `see`, `operate` or `admin`."""
    account = getattr(session, "account", None)
    if not account or not session.logged_in:
        return False
    return passes(account, conf.lock_of(role))


def passes(who: Any, condition: str) -> bool:
    """Whether an account or object passes the condition of a lock, such as `perm(Builder)`."""
    return bool(check_lockstring(who, f"tower:{condition}", access_type="tower"))
