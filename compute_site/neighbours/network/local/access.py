"""Opens networks to single projects or to all, and closes them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from compute_site.caller import Caller
from compute_site.faults import BadReference, Conflict
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.rights import choose_project, permit
from compute_site.neighbours.network.models import (
    EVERYBODY,
    EXTERNAL,
    FLOATING,
    ROUTER_GATEWAY,
    SHARED,
    FloatingIp,
    Network,
    NetworkAccess,
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
    project_id = choose_project(caller, policies.CREATE_RBAC, values)
    permit(caller, policies.CREATE_RBAC, project_id)
    if values["target_tenant"] == EVERYBODY:
        permit(caller, policies.CREATE_RBAC_FOR_ALL, project_id)
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
    if values["target_tenant"] == EVERYBODY:
        permit(caller, policies.UPDATE_RBAC_FOR_ALL, access.project_id)
    _check_unused(access)
    access.target_project = values["target_tenant"]
    _save(access, update_fields=["target_project"])


@transaction.atomic
def delete_access(caller: Caller, access: NetworkAccess) -> None:
    permit(caller, policies.DELETE_RBAC, access.project_id)
    _check_unused(access)
    access.delete()


def _save(access: NetworkAccess, **how: Any) -> None:
    try:
        with transaction.atomic():
            access.save(**how)
    except IntegrityError:
        raise AccessExists(
            f"Network {access.network_id} is open to {access.target_project} as that already."
        ) from None


def close_to_all(network: Network, action: str) -> None:
    """Leave the network, of which the row is about to say so, to the projects that it was opened
    to singly.

    Raises:
        AccessInUse: others have something on it.
    """
    rows = network.accesses.filter(action=action)
    _check_kept(network, action, set(rows.values_list("target_project", flat=True)) - {EVERYBODY})
    rows.filter(target_project=EVERYBODY).delete()


def _check_unused(access: NetworkAccess) -> None:
    """Check that no project loses anything that it has on the network.

    Raises:
        AccessInUse: one would.
    """
    network = Network.objects.select_for_update(no_key=True).get(pk=access.network_id)
    others = network.accesses.filter(action=access.action).exclude(pk=access.pk)
    left = set(others.values_list("target_project", flat=True))
    if EVERYBODY in left or (network.shared if access.action == SHARED else network.external):
        return
    _check_kept(network, access.action, left)


def _check_kept(network: Network, action: str, left: Collection[str]) -> None:
    """Raises ``AccessInUse`` where a project has something on the network that is neither the one
    of the network nor one of those ``left``.
    """
    found: set[str | None] = set()
    if action == EXTERNAL:
        floating = FloatingIp.objects.filter(outside__network=network)
        gateways = network.ports.filter(device_owner=ROUTER_GATEWAY)
        found.update(floating.values_list("project", flat=True))
        found.update(gateways.values_list("gateway_of__project", flat=True))
    else:
        ports = network.ports.exclude(device_owner__in=(FLOATING, ROUTER_GATEWAY))
        found.update(ports.values_list("project", flat=True))
        found.update(network.subnets.values_list("project", flat=True))
    lost = sorted(found - {None, network.project_id, *left}, key=str)
    if lost:
        raise AccessInUse(f"The project {lost[0]} uses the network {network.pk}.")
