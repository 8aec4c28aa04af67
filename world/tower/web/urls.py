"""Pages: the web client, and Evennia's own beside it.

The way in is the web client: Evennia's front page loads its looks from other servers, and the Tower
is to work on a machine that reaches none.
"""

from django.urls import include, path
from django.views.generic import RedirectView
from evennia.web.urls import urlpatterns as evennia_patterns

urlpatterns = [
    path("", RedirectView.as_view(url="/webclient/")),
    path("fleet/", include("evennia_towerwatch.web.urls")),
    *evennia_patterns,
]
