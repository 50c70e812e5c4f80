"""What becomes of networks when their project is deleted."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from compute_site.identity.errors import StillInUse
from compute_site.identity.models import Project, User
from compute_site.neighbours.network.models import OF_SERVICE, FloatingIp, Port, Router


def check_networks_free(owner: Project | User, **_: Any) -> None:
    """Check that no other project has ports or addresses in the project's networks (receiver of
    ``owner_leaves``).

    Raises:
        StillInUse: another project has.
    """
    texts = (
        f"Ports of other projects are in networks of the project {owner.pk}.",
        f"Other projects hold floating IPs of networks of the project {owner.pk}.",
        f"Routers of other projects lead out by networks of {owner.pk}.",
    )
    for rows, text in zip(list_uses(owner), texts, strict=False):  # none of a user
        if rows.exists():
            raise StillInUse(text)


def list_uses(owner: Project | User, **_: Any) -> list[QuerySet[Any]]:
    """Ports, floating IPs and routers of other projects that need the project's networks (receiver
    of ``owner_is_looked_at``).
    """
    if not isinstance(owner, Project):
        return []
    return [
        Port.objects.filter(network__project=owner).exclude(project=owner),
        FloatingIp.objects.filter(outside__network__project=owner).exclude(project=owner),
        Router.objects.filter(gateway__network__project=owner).exclude(project=owner),
    ]


def give_outside_back(owner: Project | User, **_: Any) -> None:
    """Delete the ports of other projects that hold the project's floating IPs, and those of its
    routers (receiver of ``owner_leaves``).
    """
    if not isinstance(owner, Project):
        return
    routers = [str(pk) for pk in Router.objects.filter(project=owner).values_list("pk", flat=True)]
    mine = Q(floating_ip__project=owner) | Q(device_id__in=routers, device_owner__in=OF_SERVICE)
    Port.objects.filter(mine).exclude(project=owner).delete()
