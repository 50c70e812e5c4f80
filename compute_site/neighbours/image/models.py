"""Images of the local image service; their data are files (``neighbours.image.data``)."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.models import Project
from compute_site.neighbours.quotas import ProjectQuota

LIMITED = ("image_count_total", "image_size_total")
"""What quotas limit."""
FOR_EVERYONE = ("public", "community")
"""Images of these visibilities are for all projects; the others are for their owner."""


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, caller: Caller) -> Self:
        """The project's own images, the public and the community ones; an admin sees all.

        Images have no members here, so that only the owner sees a ``shared`` one. An image whose
        project was deleted has no owner: only an admin sees it, unless it is public or community.
        """
        if caller.is_admin:
            return self
        return self.filter(Q(visibility__in=FOR_EVERYONE) | Q(owner=caller.project_id))

    def listed_for(self, caller: Caller) -> Self:
        """The images of a list without filters: of other projects only the public ones."""
        return self.filter(Q(visibility="public") | Q(owner=caller.project_id))


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
    """MD5 of the data in hex."""
    os_hash_value = models.CharField(max_length=128, null=True, blank=True)
    """SHA-512 of the data in hex."""
    virtual_size = models.BigIntegerField(null=True, blank=True)
    """Bytes of the disk that the data describe."""
    stored = models.BooleanField(default=False, editable=False)
    """Are there data? Images of a cloud file and of simulated servers have none."""
    tags = models.JSONField(default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["name"], name="image_name")]

    def __str__(self) -> str:
        return self.name or str(self.id)


class Quota(ProjectQuota):
    """A limit of one project in the image service."""

    resource = models.CharField(max_length=32, choices=[(name, name) for name in LIMITED])
