"""The steps of the work on servers, for their history."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from servers.models.instance import Instance

QUEUED = "queued"
"""It waits for a worker."""
SCHEDULING = "scheduling"
"""A worker looks for a host."""
WAITING_FOR_PLACE = "waiting_for_place"
"""Its host builds as many servers as it may at once."""


class ServerStep(models.Model):
    """A step of the work on a server has begun. It ends when the next one begins, or with the
    action that it is a part of.

    ``step`` is one of the words above, or what the server's task_state is meanwhile.
    """

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="steps")
    step = models.CharField(max_length=64)
    host = models.CharField(max_length=255, null=True, blank=True)
    request_id = models.CharField(max_length=64, null=True, blank=True)
    """Only where several actions can be at work."""
    started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.step
