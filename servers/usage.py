"""Counts what a project, or a user in it, has: the truth behind the counters of quotas."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import (
    Aggregate,
    Count,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    QuerySet,
    Sum,
)
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


def count_all_usage() -> dict[str, dict[str, int]]:
    """The same of every project that has anything (two statements)."""
    return _count_by("project_id", _counted_servers(), ServerGroup.objects.all())


def count_users_usage(project_id: str, user_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """The same of those users that have anything in the project (two statements)."""
    theirs = {"project": project_id, "user_id__in": user_ids}
    return _count_by(
        "user_id", _counted_servers().filter(**theirs), ServerGroup.objects.filter(**theirs)
    )


def _count_by(
    owner: str, servers: QuerySet[Instance], groups: QuerySet[ServerGroup]
) -> dict[str, dict[str, int]]:
    usage: dict[str, dict[str, int]] = {}
    sums = servers.order_by().values(owner).annotate(**_sums())
    for key, *amounts in sums.values_list(owner, *_sums()):
        usage[key] = dict(zip(_sums(), amounts, strict=True))
    for key, number in groups.order_by().values_list(owner).annotate(Count("pk")):
        usage.setdefault(key, {})["server_groups"] = number
    return usage


def count_server_usage(project_id: str, user_id: str | None = None) -> dict[str, int]:
    """Servers, vCPUs and memory (MiB) alone (one statement).

    A server that is being resized counts with the larger of both flavors.
    """
    servers = _counted_servers().filter(project=project_id)
    if user_id is not None:
        servers = servers.filter(user=user_id)
    return {resource: amount or 0 for resource, amount in servers.aggregate(**_sums()).items()}


def count_reserved(project_id: str, user_id: str | None = None) -> dict[str, int]:
    """What servers that are being resized hold beyond their present flavors (one statement)."""
    servers = _counted_servers().filter(Q(("move__isnull", False)), project=project_id)
    if user_id is not None:
        servers = servers.filter(user=user_id)
    spare = {
        "cores": Sum(_largest("vcpus") - F("vcpus")),
        "ram": Sum(_largest("memory_mb") - F("memory_mb")),
    }
    return {resource: amount or 0 for resource, amount in servers.aggregate(**spare).items()}


def count_states() -> dict[str, int]:
    """How many servers of the whole cloud are in each ``vm_state`` (one statement)."""
    counted = Instance.objects.alive().order_by().values_list("vm_state")
    return dict(counted.annotate(number=Count("pk")))


def _counted_servers() -> QuerySet[Instance]:
    servers = Instance.objects.alive().filter(soft_deleted_at__isnull=True)
    return servers.annotate(move=FilteredRelation("moves", condition=~Q(moves__status__in=ENDED)))


def _sums() -> dict[str, Aggregate]:
    return {
        "instances": Count("pk"),
        "cores": Sum(_largest("vcpus")),
        "ram": Sum(_largest("memory_mb")),
    }


def _largest(size: str) -> Greatest:
    """Where no move goes on there are no other flavors: PostgreSQL passes nulls over."""
    others = (
        Cast(KeyTextTransform(size, f"move__{flavor}"), IntegerField())
        for flavor in ("old_flavor", "new_flavor")
    )
    return Greatest(F(size), *others)
