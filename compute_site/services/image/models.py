"""Images of the local image service: metadata only."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.identity.caller import Caller
from compute_site.identity.models import Project


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, caller: Caller) -> Self:
        """All but the private images of other projects; an admin sees all."""
        if caller.is_admin:
            return self
        return self.filter(~Q(visibility="private") | Q(owner=None) | Q(owner=caller.project_id))

    def listed_for(self, caller: Caller) -> Self:
        """What a list shows unasked: of other projects only the public images."""
        return self.filter(Q(visibility="public") | Q(owner=caller.project_id) | Q(owner=None))


class Image(models.Model):
    """Sizes: ``min_ram`` MiB, ``min_disk`` GiB, ``size`` bytes. Properties stay as given."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    status = models.CharField(max_length=32, default="active")
    visibility = models.CharField(max_length=16, default="private")
    owner = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="images"
    )
    min_ram = models.PositiveIntegerField(default=0)
    min_disk = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(null=True, blank=True)
    disk_format = models.CharField(max_length=32, null=True, blank=True)
    container_format = models.CharField(max_length=32, null=True, blank=True)
    checksum = models.CharField(max_length=64, null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["name"], name="image_name")]

    def __str__(self) -> str:
        return self.name or str(self.id)
