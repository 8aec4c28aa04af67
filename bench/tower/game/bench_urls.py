"""The test game's pages, and Evennia's own front page beside them, which The Tower doesn't show."""

from django.urls import path
from evennia.web.website.views.index import EvenniaIndexView
from web.urls import urlpatterns as pages

urlpatterns = [path("front-page/", EvenniaIndexView.as_view()), *pages]
