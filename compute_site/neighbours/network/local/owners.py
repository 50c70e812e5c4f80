"""Checks that a project's networks are not used by others before the project is deleted."""

from __future__ import annotations

from typing import Any

from compute_site.identity.errors import StillInUse
from compute_site.identity.models import Project, User
from compute_site.neighbours.network.models import FloatingIp, Port


def check_networks_free(owner: Project | User, **_: Any) -> None:
    """Check that no other project has ports or addresses in the project's networks (receiver of
    ``owner_leaves``).

    Raises:
        StillInUse: another project has.
    """
    if not isinstance(owner, Project):
        return
    foreign = Port.objects.filter(network__project=owner).exclude(project=owner)
    if foreign.exists():
        raise StillInUse(f"Ports of other projects are in networks of the project {owner.pk}.")
    lent = FloatingIp.objects.filter(outside__network__project=owner).exclude(project=owner)
    if lent.exists():
        raise StillInUse(f"Other projects hold floating IPs of networks of the project {owner.pk}.")
