"""Counts what a project, or a user in it, has: the truth behind the counters of quotas."""

from __future__ import annotations

from django.db.models import Count, F, FilteredRelation, IntegerField, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Greatest

from servers.models.instance import Instance
from servers.models.migration import ENDED
from servers.models.server_group import ServerGroup


def count_usage(project_id: str, user_id: str | None = None) -> dict[str, int]:
    """Servers, vCPUs, memory (MiB) and server groups (two statements).

    Servers that are deleted, for good or so that they can be restored, do not count.
    """
    groups = ServerGroup.objects.filter(project=project_id)
    if user_id is not None:
        groups = groups.filter(user_id=user_id)
    return {**count_server_usage(project_id, user_id), "server_groups": groups.count()}


def count_server_usage(project_id: str, user_id: str | None = None) -> dict[str, int]:
    """Servers, vCPUs and memory (MiB) alone (one statement).

    A server that is being resized counts with the larger of both flavors.
    """
    servers = Instance.objects.alive().filter(project=project_id, soft_deleted_at__isnull=True)
    if user_id is not None:
        servers = servers.filter(user=user_id)
    servers = servers.annotate(
        move=FilteredRelation("moves", condition=~Q(moves__status__in=ENDED))
    )
    sums = servers.aggregate(
        instances=Count("pk"), cores=Sum(_largest("vcpus")), ram=Sum(_largest("memory_mb"))
    )
    return {resource: amount or 0 for resource, amount in sums.items()}


def _largest(size: str) -> Greatest:
    """Where no move goes on there are no other flavors: PostgreSQL passes nulls over."""
    others = (
        Cast(KeyTextTransform(size, f"move__{flavor}"), IntegerField())
        for flavor in ("old_flavor", "new_flavor")
    )
    return Greatest(F(size), *others)
