"""Security groups of a Neutron elsewhere, for clients that reach them through compute."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import NotThere, Refused
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.groups import (
    GroupQuotaReached,
    GroupRule,
    GroupTaken,
    NewGroupRule,
    RemoteGroup,
    RuledGroup,
)
from compute_site.neighbours.network.openstack import service
from compute_site.neighbours.network.openstack.find import read_by_id
from compute_site.neighbours.network.openstack.service import Object
from compute_site.neighbours.ownership import permit_on

INGRESS = "ingress"
OVER_QUOTA = "OverQuota"
DEFAULT = "default"


def list_groups(
    caller: Caller, ids: Collection[str] | None = None, *, every_project: bool = False
) -> Sequence[RuledGroup]:
    caller.permit(policies.GET_GROUP)
    filters: dict[str, Any] = {}
    if ids is not None:
        filters["id"] = [str(one) for one in canonical_ids(ids)]
        if not filters["id"]:
            return []
    elif not every_project:
        filters["project_id"] = caller.project_id
    found = [
        group
        for group in service.read_list("security-groups", **filters)
        if caller.is_admin or group["project_id"] == caller.project_id
    ]
    remote = _remote_groups(caller, [rule for group in found for rule in _incoming(group)])
    return [
        RuledGroup(
            id=group["id"],
            name=group["name"],
            description=group["description"],
            project_id=group["project_id"],
            rules=tuple(
                _rule(rule, remote)
                for rule in _incoming(group)
                if not rule.get("remote_address_group_id")
                and (rule["remote_group_id"] is None or rule["remote_group_id"] in remote)
            ),
        )
        for group in found
    ]


def find_group_rule(caller: Caller, rule_id: str) -> GroupRule | None:
    caller.permit(policies.GET_RULE)
    found = _find_rule(caller, rule_id)
    return None if found is None else _rule(found, _remote_groups(caller, [found]))


@outside_transactions
def create_group(caller: Caller, name: str, description: str) -> str:
    caller.permit(policies.CREATE_GROUP)
    if name == DEFAULT:
        raise GroupTaken(f"The group {DEFAULT} is there already.")
    values = {"name": name, "description": description, "project_id": caller.project_id}
    try:
        return str(service.create("security-groups", values)["id"])
    except Refused as refused:
        raise _meaning(refused) from refused


@outside_transactions
def change_group(caller: Caller, group_id: str, name: str, description: str) -> None:
    group = service.read_one("security-groups", group_id)
    permit_on(caller, policies.UPDATE_GROUP, group["project_id"])
    if DEFAULT in (name, group["name"]) and name != group["name"]:
        raise GroupTaken(f"The name {DEFAULT} stays with the group that has it.")
    values = {"description": description}
    if name != group["name"]:
        values["name"] = name
    try:
        service.update("security-groups", group_id, values)
    except Refused as refused:
        raise _meaning(refused) from refused


@outside_transactions
def delete_group(caller: Caller, group_id: str) -> None:
    group = service.read_one("security-groups", group_id)
    permit_on(caller, policies.DELETE_GROUP, group["project_id"])
    if group["name"] == DEFAULT:
        raise GroupTaken(f"The group {DEFAULT} of a project stays.")
    try:
        service.delete("security-groups", group_id)
    except NotThere:
        return
    except Refused as refused:
        raise _meaning(refused) from refused


@outside_transactions
def create_group_rule(caller: Caller, rule: NewGroupRule) -> str:
    group = service.read_one("security-groups", rule.group_id)
    permit_on(caller, policies.CREATE_RULE, group["project_id"])
    family = "IPv6" if rule.prefix and ":" in rule.prefix else "IPv4"
    values = {
        "security_group_id": rule.group_id,
        "project_id": group["project_id"],
        "direction": INGRESS,
        "ethertype": family,
        "protocol": rule.protocol,
        "port_range_min": rule.port_min,
        "port_range_max": rule.port_max,
        "remote_ip_prefix": rule.prefix,
        "remote_group_id": rule.remote_group_id,
    }
    try:
        return str(service.create("security-group-rules", values)["id"])
    except Refused as refused:
        raise _meaning(refused) from refused


@outside_transactions
def delete_group_rule(caller: Caller, rule_id: str) -> None:
    found = _find_rule(caller, rule_id)
    if found is None:
        return
    permit_on(caller, policies.DELETE_RULE, found["project_id"])
    try:
        service.delete("security-group-rules", rule_id)
    except NotThere:
        return


def _find_rule(caller: Caller, rule_id: str) -> Object | None:
    if not canonical_ids([rule_id]):
        return None
    try:
        found = service.read_one("security-group-rules", rule_id)
    except NotThere:
        return None
    seen = caller.is_admin or found["project_id"] == caller.project_id
    return found if seen and found["direction"] == INGRESS else None


def _incoming(group: Object) -> list[Object]:
    return [rule for rule in group["security_group_rules"] if rule["direction"] == INGRESS]


def _remote_groups(caller: Caller, rules: Sequence[Object]) -> dict[str, RemoteGroup]:
    """The groups that the rules let in and that the caller sees, by id."""
    ids = {rule["remote_group_id"] for rule in rules if rule["remote_group_id"]}
    return {
        group["id"]: RemoteGroup(id=group["id"], name=group["name"], project_id=group["project_id"])
        for group in read_by_id("security-groups", ids).values()
        if caller.is_admin or group["project_id"] == caller.project_id
    }


def _rule(rule: Object, remote: Mapping[str, RemoteGroup]) -> GroupRule:
    return GroupRule(
        id=rule["id"],
        group_id=rule["security_group_id"],
        protocol=rule["protocol"],
        port_min=rule["port_range_min"],
        port_max=rule["port_range_max"],
        prefix=rule["remote_ip_prefix"],
        remote_group=remote.get(rule["remote_group_id"] or ""),
    )


def _meaning(refused: Refused) -> Exception:
    if refused.kind == OVER_QUOTA:
        return GroupQuotaReached(refused.detail)
    if refused.status == 409:
        return GroupTaken(refused.detail)
    if refused.status == 400:
        return BadRequest(refused.detail)
    return refused
