"""Build requests: what only the build of a server needs."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from compute_site.identity.models import Project
from servers.models.instance import Instance


class BuildRequest(models.Model):
    """A server that no host has begun to build. It exists until a host takes the build, or until
    the user deletes the server.

    Both delete the row. Only one of them can, which decides whether the server is built or deleted.
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
    """Sealed with the site's key (``compute_site.secrets.sealing``)."""
    user_token = models.TextField(blank=True, default="", db_default="")
    """The same of the token that services elsewhere take for the owner."""
    request_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"build request of {self.instance_id}"
