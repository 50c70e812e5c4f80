"""Copies of volumes that stay when the volumes are gone."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.identity.ids import LONGEST_USER_ID
from compute_site.identity.models import Project
from compute_site.neighbours.ownership import OwnedQuerySet


class Backup(models.Model):
    """A copy of a volume or of a snapshot of it; ``size`` in GiB.

    ``creating`` → ``available`` or ``error``; ``restoring`` while a volume is made of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user_id = models.CharField(max_length=LONGEST_USER_ID, blank=True, default="")
    volume_id = models.UUIDField(db_index=True)
    snapshot_id = models.UUIDField(null=True, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.RESTRICT, related_name="increments"
    )
    """The backup before, of an incremental one; each has all of the bytes."""
    size = models.PositiveIntegerField()
    status = models.CharField(max_length=32, default="available")
    fail_reason = models.CharField(max_length=255, blank=True, default="")
    container = models.CharField(max_length=255, blank=True, default="")
    availability_zone = models.CharField(max_length=255, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    of_volume = models.JSONField("what the volume said of itself", default=dict, blank=True)
    """Columns of the volume, which one that is made of the backup gets."""
    awaits = models.JSONField(null=True, blank=True, editable=False)
    """As of volumes."""
    data_timestamp = models.DateTimeField(default=timezone.now)
    """Since when its bytes have been what they are."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    """A trigger of the database keeps it."""

    objects = OwnedQuerySet["Backup"].as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(awaits__isnull=False), name="backups_awaiting_bytes"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)
