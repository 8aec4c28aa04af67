"""Pages: Evennia's own, with the webclient."""

from evennia.web.urls import urlpatterns

__all__ = ["urlpatterns"]
