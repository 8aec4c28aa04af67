"""What the plugin keeps in the game's database: which alerts were told. Nothing else, ever."""

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
