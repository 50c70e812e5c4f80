"""The disks of a server."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from servers.models.instance import Instance


class BlockDevice(models.Model):
    """One disk, written when the server reaches its cell. ``volume_size`` GiB; for swap MiB."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="block_devices")
    source_type = models.CharField(max_length=16, null=True, blank=True)
    destination_type = models.CharField(max_length=16, null=True, blank=True)
    guest_format = models.CharField(max_length=255, null=True, blank=True)
    device_type = models.CharField(max_length=255, null=True, blank=True)
    disk_bus = models.CharField(max_length=255, null=True, blank=True)
    boot_index = models.IntegerField(null=True, blank=True)
    device_name = models.CharField(max_length=255, null=True, blank=True)
    delete_on_termination = models.BooleanField(default=False)
    snapshot_id = models.CharField(max_length=36, null=True, blank=True)
    volume_id = models.CharField(max_length=36, null=True, blank=True)
    volume_size = models.PositiveIntegerField(null=True, blank=True)
    volume_type = models.CharField(max_length=255, null=True, blank=True)
    image_id = models.CharField(max_length=36, null=True, blank=True)
    no_device = models.BooleanField(default=False)
    connection_info = models.TextField(null=True, blank=True)
    tag = models.CharField(max_length=255, null=True, blank=True)
    attachment_id = models.UUIDField(null=True, blank=True)
    encrypted = models.BooleanField(default=False)
    encryption_format = models.CharField(max_length=128, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["volume_id"],
                condition=Q(volume_id__isnull=False),
                name="servers_device_volume",
            ),
        ]

    def __str__(self) -> str:
        return self.device_name or f"{self.source_type} → {self.destination_type}"
