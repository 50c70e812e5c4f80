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
