"""The hardware of hosts, and which CPUs, memory pages and devices of it the servers use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Case, Q, When

from servers.models.allocation import Consumer
from servers.models.compute_node import ComputeNode
from servers.models.instance import Instance
from servers.models.migration import MigrationStatus
from servers.models.provider import ResourceProvider


class HostHardware(models.Model):
    """The description of a compute node's hardware by its driver or the operator. It is not in the
    row of the node, because that changes with each server.
    """

    node = models.OneToOneField(ComputeNode, on_delete=models.CASCADE, related_name="hardware")
    hypervisor_type = models.CharField(max_length=255, default="fake")
    hypervisor_version = models.PositiveIntegerField(default=1000)
    """1,000,000 × major + 1,000 × minor + micro."""
    supported_instances = models.JSONField(default=list, blank=True)
    """Lists of architecture, hypervisor type and VM mode that guests may have."""
    cpu_info = models.JSONField(default=dict, blank=True)
    host_ip = models.GenericIPAddressField(null=True, blank=True)
    numa_topology = models.JSONField(null=True, blank=True)
    """The cells with CPUs, memory and pages (docs/hardware.md); null: nothing is known of it, and
    guests are not bound to cells.
    """

    class Meta:
        verbose_name_plural = "host hardware"

    def __str__(self) -> str:
        return f"hardware of {self.node_id}"


class HardwareClaimQuerySet(models.QuerySet["HardwareClaim"]):
    def placement_of(self, instance: Instance, node: str | None) -> Mapping[str, Any] | None:
        """The CPUs, pages and devices that the server has on the node. One that was resized there
        has two sets of them: the new one counts, unless it is going back.
        """
        held = self.filter(consumer__instance=instance, node__hypervisor_hostname=node)
        goes_back = Q(consumer__migration__status=MigrationStatus.REVERTING)
        order = held.order_by(
            Case(When(goes_back, then=0), When(consumer__migration=None, then=1), default=2)
        )
        return order.values_list("placement", flat=True).first()


class HardwareClaim(models.Model):
    """The placement of a consumer's guest on the NUMA cells and devices of a node."""

    consumer = models.OneToOneField(
        Consumer, on_delete=models.CASCADE, related_name="hardware_claim"
    )
    node = models.ForeignKey(ComputeNode, on_delete=models.CASCADE, related_name="hardware_claims")
    placement = models.JSONField()
    """Which CPUs, pages and devices it has (docs/hardware.md)."""

    objects = HardwareClaimQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.consumer_id} on {self.node_id}"


class PciDevice(models.Model):
    """A device that a host can pass to a guest; ``consumer`` is the one that uses it."""

    node = models.ForeignKey(
        ComputeNode, on_delete=models.CASCADE, related_name="pci_devices", db_index=False
    )
    provider = models.ForeignKey(
        ResourceProvider, null=True, blank=True, on_delete=models.CASCADE, related_name="devices"
    )
    """Whose inventory counts it, where Placement is told of devices."""
    address = models.CharField(max_length=32, db_collation="C")
    vendor_id = models.CharField(max_length=4)
    product_id = models.CharField(max_length=4)
    dev_type = models.CharField(max_length=8)
    """``type-PCI``, ``type-PF``, ``type-VF`` or ``vdpa``."""
    numa_node = models.IntegerField(null=True, blank=True)
    physical_network = models.CharField(max_length=255, null=True, blank=True)
    description = models.JSONField(default=dict, blank=True)
    """All that is known of it; the columns above are copies."""
    consumer = models.ForeignKey(
        Consumer, null=True, blank=True, on_delete=models.SET_NULL, related_name="pci_devices"
    )

    class Meta:
        verbose_name = "PCI device"
        verbose_name_plural = "PCI devices"
        constraints = [
            models.UniqueConstraint(fields=["node", "address"], name="servers_pci_device_address"),
        ]
        indexes = [
            models.Index(
                fields=["vendor_id", "product_id", "node"],
                condition=Q(consumer__isnull=True),
                name="servers_pci_device_free",
            ),
            models.Index(
                fields=["physical_network", "node"],
                condition=Q(consumer__isnull=True, physical_network__isnull=False),
                name="servers_pci_device_of_network",
            ),
        ]

    def __str__(self) -> str:
        return self.address
