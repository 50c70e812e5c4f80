"""Counts what a project, or a user in it, has: the truth behind the counters of quotas."""

from __future__ import annotations

from django.db.models import Count, Sum

from servers.models.instance import Instance
from servers.models.server_group import ServerGroup
from servers.models.states import VmState


def count_usage(project_id: str, user_id: str | None = None) -> dict[str, int]:
    """Servers, vCPUs, memory (MiB) and server groups (two statements).

    Servers that are deleted, for good or softly, do not count.
    """
    groups = ServerGroup.objects.filter(project=project_id)
    if user_id is not None:
        groups = groups.filter(user_id=user_id)
    return {**count_server_usage(project_id, user_id), "server_groups": groups.count()}


def count_server_usage(project_id: str, user_id: str | None = None) -> dict[str, int]:
    """Servers, vCPUs and memory (MiB) alone (one statement)."""
    servers = Instance.objects.alive().filter(project=project_id)
    servers = servers.exclude(vm_state=VmState.SOFT_DELETED)
    if user_id is not None:
        servers = servers.filter(user=user_id)
    sums = servers.aggregate(instances=Count("pk"), cores=Sum("vcpus"), ram=Sum("memory_mb"))
    return {resource: amount or 0 for resource, amount in sums.items()}
