"""Security groups and their rules, as compute shows and changes them for its clients."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.faults import Conflict
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
from compute_site.neighbours.network.local import changes
from compute_site.neighbours.network.local.limits import OverQuota
from compute_site.neighbours.network.local.ports import give_default_group
from compute_site.neighbours.network.models import SecurityGroup, SecurityGroupRule

INGRESS = "ingress"


def list_groups(
    caller: Caller, ids: Collection[str] | None = None, *, every_project: bool = False
) -> Sequence[RuledGroup]:
    caller.permit(policies.GET_GROUP)
    groups = SecurityGroup.objects.visible_to(caller)
    if ids is not None:
        groups = groups.filter(pk__in=canonical_ids(ids))
    elif not every_project:
        give_default_group(caller)
        groups = groups.filter(project=caller.project_id)
    rows = list(groups.order_by("project", "name", "pk"))
    rules: dict[uuid.UUID, list[GroupRule]] = {row.pk: [] for row in rows}
    for group_id, rule in _read_rules(caller, list(rules)):
        rules[group_id].append(rule)
    return [
        RuledGroup(
            id=str(row.pk),
            name=row.name,
            description=row.description,
            project_id=row.project_id,
            rules=tuple(rules[row.pk]),
        )
        for row in rows
    ]


def find_group_rule(caller: Caller, rule_id: str) -> GroupRule | None:
    caller.permit(policies.GET_RULE)
    row = _find_rule(caller, rule_id)
    return None if row is None else _describe(row)


def create_group(caller: Caller, name: str, description: str) -> str:
    values = {"name": name, "description": description, "stateful": True, "project_id": None}
    with _translated():
        return str(changes.create_group(caller, values, ("name", "description")).pk)


def change_group(caller: Caller, group_id: str, name: str, description: str) -> None:
    values = {"name": name, "description": description}
    for group in _visible(caller, group_id):
        with _translated():
            changes.change_group(caller, group, values, tuple(values))


def delete_group(caller: Caller, group_id: str) -> None:
    for group in _visible(caller, group_id):
        with _translated():
            changes.delete_group(caller, group)


def create_group_rule(caller: Caller, rule: NewGroupRule) -> str:
    values = {
        "security_group_id": uuid.UUID(rule.group_id),
        "direction": INGRESS,
        "ethertype": "IPv6" if rule.prefix is not None and ":" in rule.prefix else "IPv4",
        "protocol": rule.protocol,
        "port_range_min": rule.port_min,
        "port_range_max": rule.port_max,
        "remote_ip_prefix": rule.prefix,
        "remote_group_id": uuid.UUID(rule.remote_group_id) if rule.remote_group_id else None,
        "remote_address_group_id": None,
        "description": "",
    }
    with _translated():
        return str(changes.create_rule(caller, values, tuple(values)).pk)


def delete_group_rule(caller: Caller, rule_id: str) -> None:
    row = _find_rule(caller, rule_id)
    if row is not None:
        changes.delete_rule(caller, row)


@contextmanager
def _translated() -> Iterator[None]:
    """What the network API answers, as the protocol has it."""
    try:
        yield
    except OverQuota as error:
        raise GroupQuotaReached(error.detail) from None
    except Conflict as error:
        raise GroupTaken(error.detail, field=error.field) from None


def _visible(caller: Caller, group_id: str) -> Sequence[SecurityGroup]:
    return list(SecurityGroup.objects.visible_to(caller).filter(pk__in=canonical_ids([group_id])))


def _read_rules(
    caller: Caller, group_ids: Collection[uuid.UUID]
) -> Iterator[tuple[uuid.UUID, GroupRule]]:
    """The rules for what comes into the groups, each with the key of its group."""
    rules = _shown().filter(group__in=group_ids, direction=INGRESS)
    for row in rules.select_related("remote_group").order_by("created_at", "pk"):
        remote = row.remote_group
        if remote is None or caller.is_admin or remote.project_id == caller.project_id:
            yield row.group_id, _describe(row)


def _shown() -> QuerySet[SecurityGroupRule]:
    """Compute has no word for rules that speak of address groups."""
    return SecurityGroupRule.objects.filter(remote_address_group=None)


def _find_rule(caller: Caller, rule_id: str) -> SecurityGroupRule | None:
    seen = SecurityGroup.objects.visible_to(caller)
    rows = _shown().filter(group__in=seen, pk__in=canonical_ids([rule_id]))
    return rows.select_related("group", "remote_group").first()


def _describe(row: SecurityGroupRule) -> GroupRule:
    """``row`` comes with its ``remote_group``."""
    remote = row.remote_group
    return GroupRule(
        id=str(row.pk),
        group_id=str(row.group_id),
        protocol=row.protocol,
        port_min=row.port_range_min,
        port_max=row.port_range_max,
        prefix=row.remote_ip_prefix,
        remote_group=None
        if remote is None
        else RemoteGroup(id=str(remote.pk), name=remote.name, project_id=remote.project_id),
    )
