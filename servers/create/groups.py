"""The groups that a request names: security groups, server group."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.values.words import is_canonical
from servers.create.errors import SecurityGroupAmbiguous, SecurityGroupNotFound, ServerGroupNotFound
from servers.create.order import ServerOrder
from servers.models import ServerGroup

DEFAULT_GROUP = "default"


def find_security_groups(caller: Caller, order: ServerOrder) -> tuple[str, ...]:
    """The ids of the asked groups (docs/contract/create-flow.md C3); ``default`` stays a name and
    is not looked up.
    """
    asked = order.security_groups or (DEFAULT_GROUP,)
    wanted = [name for name in asked if name != DEFAULT_GROUP]
    if not wanted:
        return asked
    found = network_service().find_security_groups(caller, wanted)
    ids = {group.id for group in found}
    by_name: dict[str, list[str]] = {}
    for group in found:
        by_name.setdefault(group.name, []).append(group.id)
    return tuple(
        name if name == DEFAULT_GROUP or name in ids else _one_group(name, by_name.get(name, []))
        for name in asked
    )


def find_server_group(caller: Caller, order: ServerOrder) -> ServerGroup | None:
    """The server group that the hint names by its UUID, in the project
    (docs/contract/create-flow.md F1).
    """
    asked = order.hints.get("group")
    if not asked:
        return None
    group = None
    if is_canonical(asked):
        group = ServerGroup.objects.visible_to(caller).filter(uuid=asked).first()
    if group is None:
        raise ServerGroupNotFound(
            f"There is no server group {asked} in this project.",
            field="os:scheduler_hints.group",
        )
    return group


def _one_group(name: str, ids: list[str]) -> str:
    if not ids:
        raise SecurityGroupNotFound(
            f"There is no security group {name} in this project.", field="server.security_groups"
        )
    if len(ids) > 1:
        raise SecurityGroupAmbiguous(
            f"Several security groups are named {name}; give the id of one: {', '.join(ids)}.",
            field="server.security_groups",
        )
    return ids[0]
