"""Compute nodes: the machines that run servers."""

from __future__ import annotations

import uuid

from django.db import models

from servers.models.service import Service


class ComputeNode(models.Model):
    """A compute node, which runs servers; memory MiB, disk GiB.

    The amounts are copies of the inventories of the node's resource provider; the database copies
    each change in the same transaction. With them the search for hosts can use an index. ``vcpus``
    counts shared and dedicated CPUs, ``free_vcpus`` only the shared ones.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    service = models.OneToOneField(Service, on_delete=models.CASCADE, related_name="node")
    hypervisor_hostname = models.CharField(max_length=255, unique=True, db_collation="C")
    driver = models.CharField(max_length=32, default="fake")
    vcpus = models.PositiveIntegerField(default=0, editable=False)
    memory_mb = models.PositiveIntegerField(default=0, editable=False)
    local_gb = models.PositiveIntegerField(default=0, editable=False)
    vcpus_used = models.PositiveIntegerField(default=0, editable=False)
    memory_mb_used = models.PositiveIntegerField(default=0, editable=False)
    local_gb_used = models.PositiveIntegerField(default=0, editable=False)
    free_vcpus = models.BigIntegerField(default=0, editable=False)
    free_memory_mb = models.BigIntegerField(default=0, editable=False)
    free_disk_gb = models.BigIntegerField(default=0, editable=False)
    most_vcpus = models.BigIntegerField(default=0, editable=False)
    most_memory_mb = models.BigIntegerField(default=0, editable=False)
    most_disk_gb = models.BigIntegerField(default=0, editable=False)
    """What one server gets at most."""
    has_odd_units = models.BooleanField(default=False, editable=False)
    """Are any of these amounts given in steps, or only from some amount on?"""
    running_vms = models.PositiveIntegerField(default=0, editable=False)
    """How many servers and moves hold something of it."""
    failed_builds = models.PositiveIntegerField(default=0, editable=False)
    """Since the last that came to an end."""

    class Meta:
        verbose_name = "host"
        indexes = [
            models.Index(
                fields=["-free_memory_mb", "id"],
                include=["free_vcpus", "free_disk_gb", "service"],
                name="servers_node_best_first",
            ),
        ]

    def __str__(self) -> str:
        return self.hypervisor_hostname
