"""The order of a server that could not be placed, kept for another try."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from servers.models.instance import Instance


class BuriedOrder(models.Model):
    """Exists while a server lies in ``cell0`` that never reached a host; gone when the build is
    tried again, or when the server is deleted.
    """

    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="buried_order")
    order = models.JSONField()
    """The columns of the build request; the admin password is sealed in there as well."""
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"buried order of {self.instance_id}"
