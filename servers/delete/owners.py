"""Deletes the deleted servers of a project or user that is deleted itself."""

from __future__ import annotations

from typing import Any

from compute_site.identity.models import Project, User
from servers.delete.archive import forget_grants
from servers.models import Instance


def forget_history(owner: Project | User, **_: Any) -> None:
    """Remove the owner's deleted servers; existing ones prevent its deletion (receiver of
    ``owner_leaves``).
    """
    who = {"project": owner} if isinstance(owner, Project) else {"user": owner}
    gone = Instance.objects.filter(**who, deleted_at__isnull=False)
    forget_grants(list(gone.values_list("pk", flat=True)))
    gone.delete()
