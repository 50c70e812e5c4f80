"""The build request of a server that could not be placed, kept for another try."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from servers.models.instance import Instance


class KeptRequest(models.Model):
    """Exists for a server in ``cell0`` that never reached a host, until the build is tried again or
    the server is deleted.
    """

    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="kept_request")
    order = models.JSONField()
    """The columns of the build request; the admin password is sealed in there as well."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "servers_buriedorder"

    def __str__(self) -> str:
        return f"kept build request of {self.instance_id}"
