"""Volumes that belong together, and snapshots of all of them."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.ids import LONGEST_USER_ID
from compute_site.identity.models import Project
from compute_site.neighbours.ownership import OwnedQuerySet


class GroupTypeQuerySet(models.QuerySet["GroupType"]):
    def visible_to(self, caller: Caller) -> Self:
        """The public ones; an admin sees all."""
        return self if caller.is_admin else self.filter(is_public=True)


class GroupType(models.Model):
    """A kind of groups of volumes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, unique=True, db_collation="C")
    description = models.CharField(max_length=255, blank=True, default="")
    is_public = models.BooleanField(default=True)
    group_specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = GroupTypeQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class VolumeGroup(models.Model):
    """Volumes of some types that belong together; ``available`` from the start."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user_id = models.CharField(max_length=LONGEST_USER_ID, blank=True, default="")
    group_type = models.ForeignKey(GroupType, on_delete=models.PROTECT, related_name="groups")
    volume_types = models.ManyToManyField("volume.VolumeType", related_name="+")
    status = models.CharField(max_length=32, default="available")
    availability_zone = models.CharField(max_length=255, default="nova")
    group_snapshot_id = models.UUIDField(null=True, blank=True)
    source_group_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["VolumeGroup"].as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)


class GroupSnapshot(models.Model):
    """Snapshots of all volumes that a group had at one time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user_id = models.CharField(max_length=LONGEST_USER_ID, blank=True, default="")
    group = models.ForeignKey(VolumeGroup, on_delete=models.RESTRICT, related_name="snapshots")
    status = models.CharField(max_length=32, default="available")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["GroupSnapshot"].as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)
