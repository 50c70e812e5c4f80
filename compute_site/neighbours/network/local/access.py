"""Opens networks to single projects, and closes them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from compute_site.caller import Caller
from compute_site.faults import BadReference, Conflict
from compute_site.identity.models import Project
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.rights import check_project, permit
from compute_site.neighbours.network.models import (
    EXTERNAL,
    ROUTER_GATEWAY,
    SHARED,
    FloatingIp,
    Network,
    NetworkAccess,
    Port,
    Subnet,
)


class AccessExists(Conflict):
    """The network is open to the project as that already."""

    code = "access_exists"


class AccessInUse(Conflict):
    """The project has something on the network that it would not see any more."""

    code = "access_in_use"


class NotYours(BadReference):
    """The network does not exist, or is another project's."""

    code = "not_yours"


@transaction.atomic
def create_access(
    caller: Caller,
    values: Mapping[str, Any],
    given: Collection[str],  # noqa: ARG001 - every create function is called alike
) -> NetworkAccess:
    project_id = values["project_id"] or caller.project_id
    permit(caller, policies.CREATE_RBAC, project_id)
    check_project(caller, project_id)
    # locked, so that it is not closed to others meanwhile
    networks = Network.objects.select_for_update(no_key=True).filter(pk=values["object_id"])
    if not caller.is_admin:
        networks = networks.filter(project=caller.project_id)
    network = networks.first()
    if network is None:
        raise NotYours(f"You have no network {values['object_id']}.", field="object_id")
    QUOTAS.check(project_id, rbac_policy=1)
    access = NetworkAccess(
        network=network,
        project_id=project_id,
        action=values["action"],
        target_project=values["target_tenant"],
    )
    _save(access, force_insert=True)
    return access


@transaction.atomic
def change_access(
    caller: Caller, access: NetworkAccess, values: Mapping[str, Any], given: Collection[str]
) -> None:
    """Open the network to another project instead."""
    permit(caller, policies.UPDATE_RBAC, access.project_id)
    if not given or values["target_tenant"] == access.target_project:
        return
    _check_unused(access)
    access.target_project = values["target_tenant"]
    _save(access, update_fields=["target_project"])


@transaction.atomic
def delete_access(caller: Caller, access: NetworkAccess) -> None:
    permit(caller, policies.DELETE_RBAC, access.project_id)
    _check_unused(access)
    access.delete()


def forget_accesses(owner: Project) -> None:
    """Close what is open to the project, which is about to go."""
    NetworkAccess.objects.filter(target_project=owner.pk).delete()


def _save(access: NetworkAccess, **how: Any) -> None:
    try:
        with transaction.atomic():
            access.save(**how)
    except IntegrityError:
        raise AccessExists(
            f"Network {access.network_id} is open to {access.target_project} as that already."
        ) from None


def _check_unused(access: NetworkAccess) -> None:
    """Check that the project loses nothing that it has on the network.

    Raises:
        AccessInUse: it would.
    """
    network = Network.objects.select_for_update(no_key=True).get(pk=access.network_id)
    target = access.target_project
    everyones = network.shared if access.action == SHARED else network.external
    if network.project_id == target or everyones:
        return
    if access.action == EXTERNAL:
        floating = FloatingIp.objects.filter(outside__network=network, project=target)
        gateways = Q(device_owner=ROUTER_GATEWAY, gateway_of__project=target)
        used = floating.exists() or network.ports.filter(gateways).exists()
    else:
        ports = Port.objects.filter(network=network, project=target)
        subnets = Subnet.objects.filter(network=network, project=target)
        used = ports.exists() or subnets.exists()
    if used:
        raise AccessInUse(f"The project {target} uses the network {network.pk}.")
