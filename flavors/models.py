"""Flavors: the sizes of servers that operators offer."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.models import Project

OFFER = (
    "vcpus",
    "memory_mb",
    "root_gb",
    "ephemeral_gb",
    "swap",
    "rxtx_factor",
    "disabled",
    "is_public",
    "description",
    "extra_specs",
)


class FlavorQuerySet(models.QuerySet["Flavor"]):
    def visible_to(self, caller: Caller) -> Self:
        """Public flavors and those shared with the caller's project; an admin sees all."""
        if caller.is_admin:
            return self
        return self.filter(
            Q(is_public=True)
            | Q(pk__in=FlavorAccess.objects.filter(project=caller.project_id).values("flavor"))
        )


class Flavor(models.Model):
    """Units: memory MiB, root and ephemeral disk GiB, swap MiB. Each server has its own copy."""

    flavorid = models.CharField("ID", max_length=255, unique=True, db_collation="C")
    name = models.CharField(max_length=255, unique=True, db_collation="C")
    vcpus = models.PositiveIntegerField("vCPUs")
    memory_mb = models.PositiveIntegerField("memory (MiB)")
    root_gb = models.PositiveIntegerField("root disk (GiB)", default=0)
    ephemeral_gb = models.PositiveIntegerField("ephemeral disk (GiB)", default=0)
    swap = models.PositiveIntegerField("swap (MiB)", default=0)
    rxtx_factor = models.FloatField(default=1.0)
    disabled = models.BooleanField(default=False)
    is_public = models.BooleanField("public", default=True)
    description = models.TextField(null=True, blank=True)
    extra_specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = FlavorQuerySet.as_manager()

    class Meta:
        ordering = ["flavorid"]

    def __str__(self) -> str:
        return self.name

    def offer(self) -> dict[str, Any]:
        """The values of a copy of the flavor, by field: all but id, name and times."""
        return {field: getattr(self, field) for field in OFFER}


class FlavorAccess(models.Model):
    """The access of one project to a private flavor."""

    flavor = models.ForeignKey(Flavor, on_delete=models.CASCADE, related_name="access")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="flavor_access")

    class Meta:
        verbose_name_plural = "flavor access"
        constraints = [
            models.UniqueConstraint(fields=["flavor", "project"], name="flavors_access_once"),
        ]

    def __str__(self) -> str:
        return f"{self.flavor_id}: {self.project_id}"
