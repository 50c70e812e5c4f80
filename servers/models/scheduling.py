"""Reports on the scheduling of servers: why a host was chosen, or why none was."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from servers.models.instance import Instance


class SchedulingReport(models.Model):
    """What the last search for a host has considered, for the server's owner and the operator."""

    instance = models.OneToOneField(
        Instance, on_delete=models.CASCADE, related_name="scheduling_report"
    )
    report = models.JSONField()
    """See ``servers.placement.report``."""
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"scheduling of {self.instance_id}"
