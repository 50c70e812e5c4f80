"""Limits on what projects and domains may have of a service (unified limits)."""

from __future__ import annotations

from django.db import models

from compute_site.identity.ids import new_id
from compute_site.identity.service_models import Region, Service


class RegisteredLimit(models.Model):
    """The limit on a resource of a service that counts where no other one is set."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="limits")
    region = models.ForeignKey(
        Region, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resource_name = models.CharField(max_length=255)
    default_limit = models.IntegerField()
    """-1: none."""
    description = models.TextField(blank=True, null=True)

    class Meta:
        ordering = ["resource_name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "region", "resource_name"], name="identity_limit_registered_once"
            ),
            models.UniqueConstraint(
                fields=["service", "resource_name"],
                condition=models.Q(region=None),
                name="identity_limit_registered_once_everywhere",
            ),
        ]

    def __str__(self) -> str:
        return self.resource_name


class Limit(models.Model):
    """The limit of one project or domain."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    registered = models.ForeignKey(RegisteredLimit, on_delete=models.PROTECT, related_name="limits")
    project = models.ForeignKey(
        "identity.Project",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="unified_limits",
    )
    domain = models.ForeignKey(
        "identity.Domain",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="unified_limits",
    )
    resource_limit = models.IntegerField()
    """-1: none."""
    description = models.TextField(blank=True, null=True)

    class Meta:
        ordering = ["registered__resource_name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["registered", "project"], name="identity_limit_once"),
            models.UniqueConstraint(
                fields=["registered", "domain"], name="identity_limit_once_in_domain"
            ),
            models.CheckConstraint(
                condition=models.Q(project=None) ^ models.Q(domain=None),
                name="identity_limit_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered}: {self.resource_limit}"
