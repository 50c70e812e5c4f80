"""Server groups: servers that should be on the same host, or on different ones."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.models import Project


class Policy(models.TextChoices):
    """The policy for the hosts of the members; a soft policy is preferred but not required."""

    AFFINITY = "affinity"
    ANTI_AFFINITY = "anti-affinity"
    SOFT_AFFINITY = "soft-affinity"
    SOFT_ANTI_AFFINITY = "soft-anti-affinity"


class ServerGroupQuerySet(models.QuerySet["ServerGroup"]):
    def visible_to(self, caller: Caller) -> Self:
        """The groups of the caller's project; an admin sees all."""
        return self if caller.is_admin else self.filter(project=caller.project_id)


class ServerGroup(models.Model):
    """``rules`` may hold ``max_server_per_host`` (anti-affinity only)."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(max_length=255)
    policy = models.CharField(max_length=32, choices=Policy.choices)
    rules = models.JSONField(default=dict, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="server_groups")
    user_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ServerGroupQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ServerGroupMember(models.Model):
    """A server in a group."""

    group = models.ForeignKey(ServerGroup, on_delete=models.CASCADE, related_name="members")
    instance = models.OneToOneField(
        "servers.Instance", on_delete=models.CASCADE, related_name="group_membership"
    )

    def __str__(self) -> str:
        return f"{self.instance_id} in {self.group_id}"
