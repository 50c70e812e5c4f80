"""Puts security groups on all ports of a server and takes them off."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import GroupNotApplicable
from servers.attachments.errors import (
    NoSuchSecurityGroup,
    SecurityGroupBarred,
    SecurityGroupUnclear,
)
from servers.attachments.network_events import change_nics
from servers.lifecycle.acting import acting_for
from servers.models import Instance


def add_group(caller: Caller, instance: Instance, word: str) -> None:
    """``word`` is the id or name of a group of the caller's project.

    Raises:
        NoSuchSecurityGroup: there is none, or the server has no ports.
        SecurityGroupUnclear: several have the name.
        SecurityGroupBarred: a port of the server takes no groups.
    """
    group_id, server_id = _find_group(caller, word), str(instance.uuid)

    def add() -> None:
        try:
            added = network_service().add_group(acting_for(caller, instance), server_id, group_id)
        except GroupNotApplicable as failure:
            raise SecurityGroupBarred(failure.detail) from failure
        if not added:
            raise NoSuchSecurityGroup(f"The server {server_id} has no ports.")

    change_nics([server_id], add)


def remove_group(caller: Caller, instance: Instance, word: str) -> None:
    """``word`` is the id or name of a group of the caller's project.

    Raises:
        NoSuchSecurityGroup: there is none, or no port of the server has it.
        SecurityGroupUnclear: several have the name.
    """
    group_id, server_id = _find_group(caller, word), str(instance.uuid)

    def remove() -> None:
        owner = acting_for(caller, instance)
        if not network_service().remove_group(owner, server_id, group_id):
            raise NoSuchSecurityGroup(
                f"The server {server_id} does not have the security group {word[:255]!r}."
            )

    change_nics([server_id], remove)


def _find_group(caller: Caller, word: str) -> str:
    """The id of the group: an id goes before a name that looks like one."""
    found = network_service().find_security_groups(caller, [word])
    ids = [group.id for group in found if group.id == word] or [group.id for group in found]
    if not ids:
        raise NoSuchSecurityGroup(f"The project has no security group {word[:255]!r}.")
    if len(ids) > 1:
        raise SecurityGroupUnclear(
            f"{len(ids)} security groups of the project are called {word[:255]!r}; give an id."
        )
    return ids[0]
