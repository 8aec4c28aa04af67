"""What the plugin keeps in the game's database. Nothing else, ever.

Which alerts were told, and which objects of the game it has made.
"""

import datetime

from django.db import models, transaction
from django.utils import timezone

# The watch sends an alert again until it is acknowledged, so an id is needed only as long as a
# Tower may be away. Both bounds are far beyond that.
KEEP_DAYS = 90
KEEP_COUNT = 20_000


class ToldAlert(models.Model):
    """The id of an alert that was said in this game, so that nobody hears it twice."""

    alert_id = models.CharField(max_length=64, primary_key=True)
    told_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.alert_id


def was_told(alert_id: str) -> bool:
    """Whether this alert was said before."""
    return ToldAlert.objects.filter(pk=alert_id).exists()


def remember_told(alert_id: str) -> None:
    """Save that this alert was said; on return it is on disk."""
    with transaction.atomic():
        ToldAlert.objects.get_or_create(pk=alert_id, defaults={"told_at": timezone.now()})


def prune(keep_days: int = KEEP_DAYS, keep_count: int = KEEP_COUNT) -> int:
    """Forget the oldest ids beyond both bounds; returns how many."""
    oldest = timezone.now() - datetime.timedelta(days=keep_days)
    beyond = ToldAlert.objects.order_by("-told_at").values_list("pk", flat=True)[keep_count:]
    gone, _ = ToldAlert.objects.filter(pk__in=list(beyond)).delete()
    return gone + ToldAlert.objects.filter(told_at__lt=oldest).delete()[0]


class Made(models.Model):
    """An object of the game that the plugin has made for a host or an agent.

    Tags say it, too, so that people can find them. But each builder may tag anything, and make any
    object one of the plugin's types; nobody but the plugin writes here.
    """

    category = models.CharField(max_length=32)
    key = models.CharField(max_length=64)
    object_id = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["category", "key"], name="towerwatch_made_once")
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.key} #{self.object_id}"


def note_made(category: str, key: str, object_id: int) -> None:
    """Save that this object is the one of that name; what was it before is not any more."""
    Made.objects.update_or_create(category=category, key=key, defaults={"object_id": object_id})


def made_key(category: str, object_id: int) -> str | None:
    """For what the plugin has made this object; None where it hasn't."""
    rows = Made.objects.filter(category=category, object_id=object_id)
    return rows.values_list("key", flat=True).first()
