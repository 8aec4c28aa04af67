"""The page of the fleet, and the same as JSON. No script is needed to read it, and none is sent."""

import time

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from evennia_towerwatch import conf
from evennia_towerwatch.bridge import BRIDGE, now_ms
from evennia_towerwatch.escape import escape
from evennia_towerwatch.sessions import passes

from .data import data_of
from .page import Told, page_of

# Nothing but our own style sheet: whatever slips through every escape still can't load or run.
_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def fleet_page(request: HttpRequest) -> HttpResponse:
    """How the fleet is, and what its last 30 days were like. `?page=2` for more agents."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    fleet = escape(BRIDGE.fleet_name, 60) or "The fleet"
    context = {**page_of(_told(), _number(request)), "game": settings.SERVERNAME, "fleet": fleet}
    return _sealed(render(request, "evennia_towerwatch/fleet.html", context))


def fleet_data(request: HttpRequest) -> HttpResponse:
    """The same as JSON, for programs: 403 with a sentence where a page would ask for a login."""
    if not _may(request):
        return _sealed(JsonResponse({"error": _NOT_ALLOWED}, status=403))
    return _sealed(JsonResponse(data_of(_told(), _number(request))))


_NOT_ALLOWED = "Log in to the game's website with an account that may see the fleet."


def _number(request: HttpRequest) -> int:
    typed = request.GET.get("page", "1")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 1


def _told() -> Told:
    return Told(
        BRIDGE.fleet, BRIDGE.histories.latest, BRIDGE.problem(), now_ms(), time.time() * 1000
    )


def _may(request: HttpRequest) -> bool:
    who = conf.page_for()
    if who == conf.EVERYBODY:
        return True
    account = request.user
    if not account.is_authenticated:
        return False
    return who == conf.ACCOUNTS or passes(account, who)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if _may(request):
        return None
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    context = {"game": settings.SERVERNAME, "refused": True, "fleet": "The fleet"}
    return _sealed(render(request, "evennia_towerwatch/fleet.html", context, status=403))


def _sealed(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = _POLICY
    response["Referrer-Policy"] = "no-referrer"
    # How the fleet is at this moment: neither a proxy nor the browser's history may answer later.
    response["Cache-Control"] = "no-store, private"
    return response
