"""Request specs: what the scheduler must know of a server."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from servers.models.instance import Instance
from servers.models.server_group import ServerGroup


class RequestSpec(models.Model):
    """The demand of one server (docs/contract/create-flow.md G7); kept for later moves."""

    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="request_spec")
    flavor = models.JSONField()
    image = models.JSONField(default=dict, blank=True)
    numa_topology = models.JSONField(null=True, blank=True)
    pci_requests = models.JSONField(default=list, blank=True)
    availability_zone = models.CharField(max_length=255, null=True, blank=True)
    scheduler_hints = models.JSONField(default=dict, blank=True)
    """Every value is a list."""
    force_hosts = models.JSONField(default=list, blank=True)
    force_nodes = models.JSONField(default=list, blank=True)
    requested_destination = models.JSONField(null=True, blank=True)
    """``{"host": …, "node": …}`` as asked for from 2.74 on."""
    instance_group = models.ForeignKey(
        ServerGroup,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    security_groups = models.JSONField(default=list, blank=True)
    num_instances = models.PositiveIntegerField(default=1)
    is_bfv = models.BooleanField("boot from volume", default=False)
    network_metadata = models.JSONField(null=True, blank=True)
    """``{"physnets": […], "tunneled": bool}``."""
    requested_resources = models.JSONField(default=list, blank=True)
    """Resource groups of ports and device profiles."""
    ignore_hosts = models.JSONField(default=list, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["instance_group"],
                condition=Q(instance_group__isnull=False),
                name="servers_spec_group",
            ),
        ]

    def __str__(self) -> str:
        return f"request spec of {self.instance_id}"
