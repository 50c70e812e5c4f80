"""What is said of the speed of volumes, by type."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

FRONT_END, BACK_END, BOTH = "front-end", "back-end", "both"
CONSUMERS = (FRONT_END, BACK_END, BOTH)


class QosSpecs(models.Model):
    """Limits of volumes, for the types that are associated with them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, unique=True, db_collation="C")
    consumer = models.CharField(
        max_length=16, default=BACK_END, choices=[(word, word) for word in CONSUMERS]
    )
    """Who is to keep them: the host of the server (``front-end``), or the store of the volumes."""
    specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "QoS specs"
        verbose_name_plural = "QoS specs"

    def __str__(self) -> str:
        return self.name
