"""Reads the owner of a server to build, with the rights at the time of building."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.identity.scope import IMPLIED_NAMES, Scope, find_by_user
from compute_site.neighbours.image import policies as images
from compute_site.neighbours.network import policies as networks
from compute_site.neighbours.volume import policies as volumes
from compute_site.policy.granted import Granted, find_granted
from servers.lifecycle.jobs import Owner
from servers.models import Instance

RULES_OF_BUILDING = frozenset(
    (
        images.SHOW,
        networks.ATTACH_EXTERNAL_NETWORK,
        networks.CREATE_PORT,
        networks.CREATE_PORT_ADDRESS,
        networks.UPDATE_PORT,
        networks.UPDATE_PORT_DEVICE_ID,
        volumes.CREATE,
        volumes.CREATE_FROM_IMAGE,
        volumes.SHOW_TYPE,
    )
)
"""What the other services ask for while a server is built."""


def find_owner(instance: Instance, *, request_id: str) -> Owner:
    """The owner of a server loaded with its ``user`` and ``project``; two statements.

    An owner who has lost all roles in the project meanwhile has no rights.
    """
    scope = find_by_user(user_id=str(instance.user_id), project_id=instance.project_id)
    roles, granted = _rights(scope)
    return Owner(
        user_id=str(instance.user_id),
        user_name=instance.user.get_username(),
        project_id=instance.project_id,
        project_name=instance.project.name,
        roles=tuple(sorted(roles)),
        rules=tuple(sorted(granted.in_project)),
        global_rules=tuple(sorted(granted.everywhere)),
        request_id=request_id or "-",
    )


def _rights(scope: Scope | None) -> tuple[frozenset[str], Granted]:
    """The roles, and the rules that building needs."""
    if scope is None or scope.project_id is None:
        return frozenset(), Granted(frozenset(), frozenset())
    if scope.is_superuser:
        return IMPLIED_NAMES[Role.ADMIN], Granted(RULES_OF_BUILDING, RULES_OF_BUILDING)
    granted = find_granted(scope.user_id, scope.project_id, scope.group_ids)
    held = Granted(RULES_OF_BUILDING & granted.in_project, RULES_OF_BUILDING & granted.everywhere)
    return scope.all_roles, held
