"""Reads the owner of a server to build, with the rights at the time of building."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from compute_site.identity.models import Role
from compute_site.identity.scope import IMPLIED_NAMES, Scope, find_by_users
from compute_site.neighbours.image import policies as images
from compute_site.neighbours.network import policies as networks
from compute_site.neighbours.volume import policies as volumes
from compute_site.policy.granted import Granted, find_granted_of
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


def find_owners(servers: Collection[Instance]) -> dict[tuple[str, str], Owner]:
    """The owners of servers loaded with their ``user`` and ``project``, by the ids of both; two
    statements.

    An owner who has lost all roles in the project meanwhile has no rights.
    """
    wanted = {(str(server.user_id), server.project_id): server for server in servers}
    scopes = find_by_users(list(wanted))
    rights = _rights(scopes)
    owners = {}
    for key, server in wanted.items():
        roles, granted = rights.get(key, NOTHING)
        owners[key] = Owner(
            user_id=key[0],
            user_name=server.user.get_username(),
            project_id=key[1],
            project_name=server.project.name,
            roles=tuple(sorted(roles)),
            rules=tuple(sorted(granted.in_project)),
            global_rules=tuple(sorted(granted.everywhere)),
        )
    return owners


Rights = tuple[frozenset[str], Granted]
"""Roles, and the rules that building needs."""

NOTHING: Rights = (frozenset(), Granted(frozenset(), frozenset()))
ALL: Rights = (IMPLIED_NAMES[Role.ADMIN], Granted(RULES_OF_BUILDING, RULES_OF_BUILDING))


def _rights(scopes: Mapping[tuple[str, str], Scope]) -> dict[tuple[str, str], Rights]:
    others = {key: scope for key, scope in scopes.items() if not scope.is_superuser}
    rights = dict.fromkeys(scopes, ALL)
    if others:
        found = find_granted_of([(*key, scope.group_ids) for key, scope in others.items()])
        for (key, scope), granted in zip(others.items(), found, strict=True):
            held = Granted(
                RULES_OF_BUILDING & granted.in_project, RULES_OF_BUILDING & granted.everywhere
            )
            rights[key] = scope.all_roles, held
    return rights
