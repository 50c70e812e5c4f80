"""Deletes the deleted servers of a project or user that is deleted itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q, QuerySet

from compute_site.identity.models import Project, User
from servers.delete.archive import forget_grants
from servers.models import Instance
from servers.models.states import TaskState


def list_servers(owner: Project | User, **_: Any) -> list[QuerySet[Instance]]:
    """The servers for which the owner must stay (receiver of ``owner_is_looked_at``)."""
    return [Instance.objects.alive().filter(**_owned_by(owner)).order_by("pk")]


def _owned_by(owner: Project | User) -> dict[str, Project | User]:
    return {"project": owner} if isinstance(owner, Project) else {"user": owner}


def find_leaving(owners: Collection[str]) -> set[str]:
    """Projects and users with servers, all of which are being deleted (two statements)."""
    servers = Instance.objects.alive().filter(Q(project__in=owners) | Q(user__in=owners))
    going = _owners_of(servers.filter(task_state=TaskState.DELETING)).intersection(owners)
    return going - _owners_of(servers.exclude(task_state=TaskState.DELETING)) if going else going


def _owners_of(servers: QuerySet[Instance]) -> set[str]:
    pairs = servers.order_by().values_list("project_id", "user_id").distinct()
    return {str(owner) for pair in pairs for owner in pair}


def forget_history(owner: Project | User, **_: Any) -> None:
    """Remove the owner's deleted servers; existing ones prevent its deletion (receiver of
    ``owner_leaves``).
    """
    gone = Instance.objects.filter(**_owned_by(owner), deleted_at__isnull=False)
    forget_grants(list(gone.values_list("pk", flat=True)))
    gone.delete()
