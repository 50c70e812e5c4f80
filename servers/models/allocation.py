"""Consumers and their allocations of resource providers, as in Placement."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from servers.models.instance import Instance
from servers.models.migration import Migration
from servers.models.provider import ResourceProvider


class ConsumerType(models.TextChoices):
    """The kinds of consumers; clients of Placement may use others."""

    INSTANCE = "INSTANCE"
    MIGRATION = "MIGRATION"
    UNKNOWN = "unknown"


class Consumer(models.Model):
    """A holder of allocations; it exists as long as it has any.

    A server is a consumer, with the server's UUID. While it moves, the allocations that it is about
    to leave belong to a second consumer with the move's UUID; ``instance`` is the server in both.
    Other consumers come from clients of Placement.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    consumer_type = models.CharField(
        max_length=255, db_collation="C", default=ConsumerType.INSTANCE
    )
    project_id = models.CharField(max_length=255)
    user_id = models.CharField(max_length=255)
    generation = models.PositiveIntegerField(default=1)
    """Counts the changes of what it holds, as a provider's does."""
    instance = models.ForeignKey(
        Instance, null=True, blank=True, on_delete=models.CASCADE, related_name="consumers"
    )
    migration = models.OneToOneField(
        Migration, null=True, blank=True, on_delete=models.CASCADE, related_name="consumer"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="servers_consumer_of_a_move_has_its_server",
                condition=Q(migration__isnull=True) | Q(instance__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["instance"],
                condition=Q(migration__isnull=True),
                name="servers_consumer_once_a_server",
            ),
        ]
        indexes = [
            models.Index(fields=["project_id", "user_id"], name="servers_consumer_owner"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class Allocation(models.Model):
    """An amount of a resource class of a provider; made and removed together with ``used`` of the
    inventory (``servers.placement.claims``).
    """

    consumer = models.ForeignKey(
        Consumer, on_delete=models.CASCADE, related_name="allocations", db_index=False
    )
    provider = models.ForeignKey(
        ResourceProvider, on_delete=models.PROTECT, related_name="allocations"
    )
    resource_class = models.CharField(max_length=255, db_collation="C")
    amount = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "provider", "resource_class"],
                name="servers_allocation_once_a_class",
            ),
            models.CheckConstraint(
                name="servers_allocation_of_something", condition=Q(amount__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.resource_class} of {self.provider_id}"
