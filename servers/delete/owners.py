"""What servers have to do with the end of a project or user."""

from __future__ import annotations

from typing import Any

from compute_site.identity.models import Project, User
from servers.delete.archive import forget_grants
from servers.models import Instance


def forget_history(owner: Project | User, **_: Any) -> None:
    """Deleted servers go with their owner; living ones keep it here (receiver of
    ``owner_leaves``).
    """
    who = {"project": owner} if isinstance(owner, Project) else {"user": owner}
    gone = Instance.objects.filter(**who, deleted_at__isnull=False)
    forget_grants(list(gone.values_list("pk", flat=True)))
    gone.delete()
