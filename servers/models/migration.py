"""The moves of servers from one host to another."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from flavors.models import Flavor
from servers.models.instance import Instance


class MigrationType(models.TextChoices):
    """Why a server moves."""

    RESIZE = "resize"
    MIGRATION = "migration"
    LIVE = "live-migration"
    EVACUATION = "evacuation"


class MigrationStatus(models.TextChoices):
    """The status of a move."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    PRE_MIGRATING = "pre-migrating"
    MIGRATING = "migrating"
    POST_MIGRATING = "post-migrating"
    FINISHED = "finished"
    CONFIRMING = "confirming"
    REVERTING = "reverting"
    CONFIRMED = "confirmed"
    REVERTED = "reverted"
    COMPLETED = "completed"
    DONE = "done"
    CANCELLED = "cancelled"
    ERROR = "error"


ENDED = (
    MigrationStatus.CONFIRMED,
    MigrationStatus.REVERTED,
    MigrationStatus.COMPLETED,
    MigrationStatus.DONE,
    MigrationStatus.CANCELLED,
    MigrationStatus.ERROR,
)
"""A move with one of these holds nothing any more."""


class MigrationQuerySet(models.QuerySet["Migration"]):
    def open(self) -> Self:
        """The moves that have not ended, which have claims on two hosts."""
        return self.exclude(status__in=ENDED)


class Migration(models.Model):
    """A move of a server; there is at most one that has not ended.

    ::

        resize, migration:  pre-migrating ──> migrating ──> post-migrating ──> finished
                                                     confirming <──┴──> reverting
                                                         v                  v
                                                     confirmed          reverted
        live-migration:     accepted ──> queued ──> running ──> post-migrating ──> completed
                                            cancelled <┴────────┘
        evacuation:         accepted ──> pre-migrating ──> done

    Every move that has not ended can go to ``error``. Until the end the project's quota counts the
    larger of both flavors, so that neither confirming nor reverting can exceed the quota.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="moves")
    migration_type = models.CharField("type", max_length=16, choices=MigrationType.choices)
    status = models.CharField(max_length=16, choices=MigrationStatus.choices)
    source_compute = models.CharField(max_length=255, null=True, blank=True)
    source_node = models.CharField(max_length=255, null=True, blank=True)
    dest_compute = models.CharField(max_length=255, null=True, blank=True)
    dest_node = models.CharField(max_length=255, null=True, blank=True)
    old_flavor_record = models.ForeignKey(
        Flavor, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    new_flavor_record = models.ForeignKey(
        Flavor, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    old_flavor = models.JSONField()
    new_flavor = models.JSONField()
    """As ``Instance.flavor``; the same where the flavor does not change."""
    old_hardware = models.JSONField(default=dict)
    new_hardware = models.JSONField(default=dict)
    """What else the flavor decides: numa_topology and pci_requests."""
    old_vm_state = models.CharField(max_length=32)
    """What the server was before, and will be again after the move."""
    user_id = models.CharField(max_length=255)
    project_id = models.CharField(max_length=255)
    """Of who asked for the move."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    copied: Mapping[str, int] = MappingProxyType({})
    """Bytes of a live migration that goes on, where its host tells: ``memory_total``, … (no
    column).
    """

    objects = MigrationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["instance"],
                condition=~Q(status__in=ENDED),
                name="servers_migration_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.migration_type} of {self.instance_id}"

    @property
    def changes_host(self) -> bool:
        """Are source and destination different hosts? A resize may stay on its host."""
        return (self.source_compute, self.source_node) != (self.dest_compute, self.dest_node)

    @property
    def flavor_names(self) -> str:
        """The names of both flavors, for people; only one where it does not change."""
        return " → ".join(dict.fromkeys((self.old_flavor["name"], self.new_flavor["name"])))

    def amounts(self) -> dict[str, int]:
        """The server's quota usage until the move ends; memory in MiB."""
        flavors: list[dict[str, Any]] = [self.old_flavor, self.new_flavor]
        return {
            "cores": max(flavor["vcpus"] for flavor in flavors),
            "ram": max(flavor["memory_mb"] for flavor in flavors),
        }
