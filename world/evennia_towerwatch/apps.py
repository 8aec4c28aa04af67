"""The Django app: a game that puts it in INSTALLED_APPS has its settings checked at every start."""

from django.apps import AppConfig


class TowerwatchConfig(AppConfig):
    """Named by INSTALLED_APPS as `evennia_towerwatch`."""

    name = "evennia_towerwatch"
    label = "evennia_towerwatch"
    verbose_name = "Towerwatch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Refuse a bad setting, or printed files that this plugin can't use, in a sentence."""
        from .boot import look
        from .protocol import load_protocol

        look({operation["name"] for operation in load_protocol().operations})
