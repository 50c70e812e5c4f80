"""Deletes the deleted servers of a project or user that is deleted itself."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from compute_site.identity.models import Project, User
from servers.delete.archive import forget_grants
from servers.models import Instance


def list_servers(owner: Project | User, **_: Any) -> list[QuerySet[Instance]]:
    """The servers for which the owner must stay (receiver of ``owner_is_looked_at``)."""
    return [Instance.objects.alive().filter(**_owned_by(owner)).order_by("pk")]


def _owned_by(owner: Project | User) -> dict[str, Project | User]:
    return {"project": owner} if isinstance(owner, Project) else {"user": owner}


def forget_history(owner: Project | User, **_: Any) -> None:
    """Remove the owner's deleted servers; existing ones prevent its deletion (receiver of
    ``owner_leaves``).
    """
    gone = Instance.objects.filter(**_owned_by(owner), deleted_at__isnull=False)
    forget_grants(list(gone.values_list("pk", flat=True)))
    gone.delete()
