"""What keeps a project from being deleted."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from compute_site.identity.models import Project, User
from compute_site.neighbours.volume.models import Snapshot


def list_snapshots(owner: Project | User, **_: Any) -> list[QuerySet[Snapshot]]:
    """The snapshots without which a project's volumes cannot go (receiver of
    ``owner_is_looked_at``).
    """
    if not isinstance(owner, Project):
        return []
    return [Snapshot.objects.filter(volume__project=owner)]
