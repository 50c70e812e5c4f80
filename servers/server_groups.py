"""Server groups: find, list, create, delete, and which servers are in them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from compute_site.caller import Caller
from compute_site.values.words import is_canonical
from quotas.enforce import give_back, reserve
from quotas.fit import Wanted
from servers.errors import NoSuchServerGroup, RulesNeedAntiAffinity
from servers.models import ServerGroup, ServerGroupMember
from servers.models.server_group import Policy
from servers.policies import server_group as policies

RESOURCE = "server_groups"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerGroupOrder:
    """A server group to make."""

    name: str
    policy: str
    rules: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerGroupSearch:
    """Which part of a list; a limit of 0 is as many as allowed."""

    all_projects: bool
    limit: int
    offset: int


@transaction.atomic
def create_server_group(caller: Caller, order: ServerGroupOrder) -> ServerGroup:
    """Make an empty group in the caller's project.

    Raises:
        OverQuota: the project or the user has as many as allowed.
        RulesNeedAntiAffinity: rules were given with another policy.
    """
    usage = functools.partial(_count_of_user, caller.project_id, caller.user_id)
    reserve(caller.project_id, caller.user_id, Wanted({RESOURCE: 1}), user_usage=usage)
    if order.rules and order.policy != Policy.ANTI_AFFINITY:
        raise RulesNeedAntiAffinity(
            f"Rules belong to {Policy.ANTI_AFFINITY.value}, not to {order.policy}.",
            field="server_group.rules",
        )
    return ServerGroup.objects.create(
        name=order.name,
        policy=order.policy,
        rules=dict(order.rules),
        project_id=caller.project_id,
        user_id=caller.user_id,
    )


def find_server_group(caller: Caller, group_id: str, rule: str) -> ServerGroup:
    """The group, for one who holds the rule on its project.

    Raises:
        NoSuchServerGroup: there is none, or it is another project's.
        PolicyRefused: the caller may know of it, but not do this.
    """
    group = None
    if is_canonical(group_id):
        group = ServerGroup.objects.visible_to(caller).filter(uuid=group_id).first()
    if group is None:
        raise NoSuchServerGroup(f"There is no server group {group_id}.")
    caller.permit(rule, project_id=group.project_id)
    return group


def list_server_groups(caller: Caller, search: ServerGroupSearch) -> list[ServerGroup]:
    """Groups of the project in the order in which they were made; of all projects for an admin
    who wants that.

    Raises:
        PolicyRefused: the admin may not.
    """
    groups = ServerGroup.objects.order_by("pk")
    if search.all_projects and caller.is_admin:
        caller.permit(policies.INDEX_ALL_PROJECTS)
    else:
        groups = groups.filter(project=caller.project_id)
    most: int = settings.OPTIONS.max_page_size
    limit = min(search.limit or most, most)
    return list(groups[search.offset : search.offset + limit])


def members_of(groups: Collection[ServerGroup]) -> dict[int, list[str]]:
    """The servers in each group, by the group's key; deleted ones are left out (one statement)."""
    members: dict[int, list[str]] = {group.pk: [] for group in groups}
    rows = ServerGroupMember.objects.filter(
        group__in=members, instance__deleted_at__isnull=True
    ).order_by("pk")
    for key, server_id in rows.values_list("group", "instance__uuid"):
        members[key].append(str(server_id))
    return members


@transaction.atomic
def delete_server_group(group: ServerGroup) -> None:
    """Remove a group; its servers stay.

    Raises:
        NoSuchServerGroup: somebody else has deleted it meanwhile.
    """
    _, deleted = ServerGroup.objects.filter(pk=group.pk).delete()
    if not deleted.get("servers.ServerGroup"):
        raise NoSuchServerGroup(f"There is no server group {group.uuid}.")
    give_back(group.project_id, {RESOURCE: 1})


def _count_of_user(project_id: str, user_id: str) -> dict[str, int]:
    return {RESOURCE: ServerGroup.objects.filter(project=project_id, user_id=user_id).count()}
