"""Host aggregates: groups of hosts, some of them availability zones."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from servers.models.service import Service


class Aggregate(models.Model):
    """A host aggregate; the key ``availability_zone`` of its metadata makes it a zone."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, unique=True)
    metadata = models.JSONField(default=dict, blank=True)
    hosts = models.ManyToManyField(Service, blank=True, related_name="aggregates")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def availability_zone(self) -> str | None:
        zone: str | None = self.metadata.get("availability_zone")
        return zone
