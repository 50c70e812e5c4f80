"""What the service tells users of work of theirs that failed."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import models
from django.utils import timezone

from compute_site.identity.models import Project
from compute_site.neighbours.ownership import OwnedQuerySet

KEPT = dt.timedelta(days=30)


def in_a_month() -> dt.datetime:
    return timezone.now() + KEPT


class Message(models.Model):
    """What failed (``action``), and why (``detail``); both are numbers of Cinder's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    request_id = models.CharField(max_length=100, blank=True, default="")
    resource_type = models.CharField(max_length=32)
    resource_uuid = models.UUIDField()
    action = models.CharField(max_length=8)
    detail = models.CharField(max_length=8)
    event_id = models.CharField(max_length=64)
    level = models.CharField(max_length=16, default="ERROR")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=in_a_month, db_index=True)

    objects = OwnedQuerySet["Message"].as_manager()

    def __str__(self) -> str:
        return self.event_id
