"""Services, their endpoints, and regions: what the catalogue is made of."""

from __future__ import annotations

from django.db import models

from compute_site.identity.ids import new_id

INTERFACES = ("public", "internal", "admin")


class Region(models.Model):
    """A part of the cloud; regions can lie within others."""

    id = models.CharField(primary_key=True, max_length=255, default=new_id, db_collation="C")
    description = models.TextField(blank=True, default="")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.id


class Service(models.Model):
    """A service of the catalogue. One that is disabled does not stand in tokens."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    type = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    place = models.PositiveSmallIntegerField(default=100, editable=False)
    """Where it stands in the catalogue."""
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["place", "id"]

    def __str__(self) -> str:
        return self.name or self.type


class Endpoint(models.Model):
    """Where a service is. One that is disabled does not stand in tokens."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="endpoints")
    interface = models.CharField(max_length=8, choices=[(one, one) for one in INTERFACES])
    region = models.ForeignKey(
        Region, null=True, blank=True, on_delete=models.PROTECT, related_name="endpoints"
    )
    url = models.TextField()
    """A path, such as ``/image``, stands for the site itself, under the address by which it is
    called.
    """
    enabled = models.BooleanField(default=True)
    place = models.PositiveSmallIntegerField(default=100, editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["place", "id"]

    def __str__(self) -> str:
        return f"{self.service} {self.interface}"


class EndpointGroup(models.Model):
    """The endpoints that have all of what is not empty here; projects are given them together."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    name = models.CharField(max_length=255, db_collation="C")
    description = models.TextField(blank=True, null=True)
    service_id = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    region_id = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    interface = models.CharField(
        max_length=8, blank=True, default="", choices=[(one, one) for one in INTERFACES]
    )
    projects = models.ManyToManyField(
        "identity.Project", related_name="endpoint_groups", blank=True
    )
    """Those whose tokens name these endpoints."""

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "group of endpoints"
        verbose_name_plural = "groups of endpoints"

    def __str__(self) -> str:
        return self.name


class EndpointOfProject(models.Model):
    """The tokens of the project name this endpoint, and no others but such ones."""

    project = models.ForeignKey("identity.Project", on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="of_projects")

    class Meta:
        verbose_name = "endpoint of a project"
        verbose_name_plural = "endpoints of projects"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "endpoint"], name="identity_endpoint_of_project_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} of {self.project}"
