"""The open order: what only the build needs."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from compute_site.identity.models import Project
from servers.models.instance import Instance


class BuildRequest(models.Model):
    """Exists until a host has taken the build, or until the user deletes the server first.

    While it exists, nobody has begun to build: who deletes the row decides what happens to the
    server.
    """

    instance = models.OneToOneField(
        Instance, on_delete=models.CASCADE, related_name="build_request"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    requested_networks = models.JSONField(default=list, blank=True)
    """``"none"`` or a list of network_id, fixed_ip, port_id, tag, pci_request_id, device_profile.
    """
    security_groups = models.JSONField(default=list, blank=True)
    """Ids of security groups, or ``default``."""
    block_devices = models.JSONField(default=list, blank=True)
    injected_files = models.JSONField(default=list, blank=True)
    """List of path and contents (base64)."""
    tags = models.JSONField(default=list, blank=True)
    admin_password = models.TextField(blank=True, default="")
    """Sealed with the site's key (``servers.lifecycle.sealing``)."""
    request_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"build request of {self.instance_id}"
