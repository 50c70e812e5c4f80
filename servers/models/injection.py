"""Faults that somebody has asked for, to see how clients and people deal with them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class Injection(models.Model):
    """One fault on request; ``details`` are the keys of its kind, as they were asked for."""

    uuid = models.UUIDField("id", unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=16)
    details = models.JSONField(default=dict)
    left = models.PositiveIntegerField(null=True)
    """How often it may still be met; ``None``: always."""
    met = models.PositiveIntegerField("times met", default=0)
    undo = models.JSONField(default=dict)
    """What its end restores."""
    created_by = models.CharField(max_length=255, default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "fault on request"
        verbose_name_plural = "faults on request"

    def __str__(self) -> str:
        told = ", ".join(f"{key} {value}" for key, value in self.details.items() if value)
        return f"{self.kind}: {told}"
