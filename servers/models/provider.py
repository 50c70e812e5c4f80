"""Resource providers as in Placement, with their inventories and traits.

The root of a tree is a compute node; its children are devices, networks and the like. Names of
resource classes and traits are texts: those of ``os-resource-classes`` and ``os-traits``, and the
custom ones that have rows here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast, Floor
from django.utils import timezone

from servers.models.compute_node import ComputeNode

LARGEST = 2**31 - 1
VCPU, PCPU, MEMORY_MB, DISK_GB = "VCPU", "PCPU", "MEMORY_MB", "DISK_GB"
USUAL_CLASSES = (VCPU, MEMORY_MB, DISK_GB)
"""What nearly every server asks for. The compute node of a root has copies of these amounts."""


class ResourceProviderQuerySet(models.QuerySet["ResourceProvider"]):
    def lock_trees(self, keys: Iterable[int]) -> None:
        """Lock the trees of these providers: until the transaction ends nothing else can claim or
        release their resources. Roots are always locked in the order of their keys.
        """
        roots = self.filter(pk__in=list(keys)).values("root")
        list(
            self.model.objects.filter(pk__in=roots)
            .select_for_update(no_key=True)
            .order_by("pk")
            .values_list("pk", flat=True)
        )


class ResourceProvider(models.Model):
    """A resource provider. ``generation`` counts the changes of its inventories, traits and
    allocations: a client names the generation that it has read, and its change is refused if there
    is a later one.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(max_length=200, unique=True, db_collation="C")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    root = models.ForeignKey("self", on_delete=models.CASCADE, related_name="tree", editable=False)
    """Set by the database when the row is made: itself, or the root of its parent."""
    node = models.OneToOneField(
        ComputeNode, null=True, blank=True, on_delete=models.CASCADE, related_name="provider"
    )
    generation = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    objects = ResourceProviderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="servers_provider_of_a_node_is_a_root",
                condition=Q(node__isnull=True) | Q(parent__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ResourceClass(models.Model):
    """A resource class of the operator's own; its name begins with ``CUSTOM_``."""

    name = models.CharField(max_length=255, unique=True, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "resource classes"

    def __str__(self) -> str:
        return self.name


class Trait(models.Model):
    """A trait of the operator's own; its name begins with ``CUSTOM_``."""

    name = models.CharField(max_length=255, unique=True, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Inventory(models.Model):
    """A provider's amount of a resource class, and how much of it is allocated.

    One allocation takes from ``min_unit`` to ``max_unit``, in steps of ``step_size``. ``used`` is
    the sum of the allocations; it is changed together with them, in one statement.
    """

    provider = models.ForeignKey(
        ResourceProvider, on_delete=models.CASCADE, related_name="inventories", db_index=False
    )
    resource_class = models.CharField(max_length=255, db_collation="C")
    total = models.PositiveIntegerField()
    reserved = models.PositiveIntegerField(default=0)
    min_unit = models.PositiveIntegerField(default=1)
    max_unit = models.PositiveIntegerField(default=LARGEST)
    step_size = models.PositiveIntegerField(default=1)
    allocation_ratio = models.FloatField(default=1.0)
    used = models.PositiveBigIntegerField(default=0)
    free = models.GeneratedField(
        expression=Cast(
            Floor((F("total") - F("reserved")) * F("allocation_ratio")), models.BigIntegerField()
        )
        - F("used"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    """Negative where the provider has less than it has given away."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "inventories"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "resource_class"], name="servers_inventory_once_a_class"
            ),
            models.CheckConstraint(
                name="servers_inventory_units_are_positive",
                condition=Q(min_unit__gte=1, max_unit__gte=1, step_size__gte=1),
            ),
            models.CheckConstraint(
                name="servers_inventory_ratio_is_positive", condition=Q(allocation_ratio__gt=0)
            ),
        ]
        indexes = [
            # Without the usual classes: nearly every host has them, so no search starts there.
            models.Index(
                fields=["resource_class", "free"],
                include=["provider"],
                condition=~Q(resource_class__in=USUAL_CLASSES),
                name="servers_inventory_rare",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_class} of {self.provider_id}"


class ProviderTrait(models.Model):
    """A trait of a provider."""

    provider = models.ForeignKey(
        ResourceProvider, on_delete=models.CASCADE, related_name="traits", db_index=False
    )
    trait = models.CharField(max_length=255, db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "trait"], name="servers_provider_trait_once"
            ),
        ]
        indexes = [models.Index(fields=["trait", "provider"], name="servers_provider_by_trait")]

    def __str__(self) -> str:
        return self.trait


class ProviderAggregate(models.Model):
    """A provider in an aggregate of Placement, which is only a UUID. The aggregate with the UUID of
    a host aggregate contains the root providers of its hosts.
    """

    provider = models.ForeignKey(
        ResourceProvider, on_delete=models.CASCADE, related_name="aggregates", db_index=False
    )
    aggregate = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "aggregate"], name="servers_provider_aggregate_once"
            ),
        ]
        indexes = [
            models.Index(fields=["aggregate", "provider"], name="servers_provider_by_aggregate")
        ]

    def __str__(self) -> str:
        return str(self.aggregate)
