"""QoS policies: how they are made, changed and deleted, and what ports ask of hosts by them.

What a port asks for is kept with the port (``resource_request``), as compute reads it, and follows
the rules of its policy, or else of that of its network.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from compute_site.caller import Caller
from compute_site.faults import Conflict
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.carried import tell_of_ports
from compute_site.neighbours.network.local.missing import QosPolicyNotFound
from compute_site.neighbours.network.local.qos_rules import OF_NETWORKS, policy_of, rules_of
from compute_site.neighbours.network.local.rights import choose_project, permit
from compute_site.neighbours.network.models import (
    ANY_DIRECTION,
    COMPUTE,
    EGRESS,
    INGRESS,
    MINIMUM_BANDWIDTH,
    MINIMUM_PACKET_RATE,
    Network,
    Port,
    QosPolicy,
    QosRule,
)

CLASSES = {
    (MINIMUM_BANDWIDTH, EGRESS): "NET_BW_EGR_KILOBIT_PER_SEC",
    (MINIMUM_BANDWIDTH, INGRESS): "NET_BW_IGR_KILOBIT_PER_SEC",
    (MINIMUM_PACKET_RATE, ANY_DIRECTION): "NET_PACKET_RATE_KILOPACKET_PER_SEC",
    (MINIMUM_PACKET_RATE, EGRESS): "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    (MINIMUM_PACKET_RATE, INGRESS): "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
}
"""The resource classes that the rules ask for."""
ODD = re.compile(r"[^A-Z0-9_]")


class PolicyInUse(Conflict):
    """Networks or ports have the policy."""

    code = "qos_policy_in_use"


class QosRuleExists(Conflict):
    """The policy has a rule of this kind for this direction, or one for both."""

    code = "qos_rule_exists"


class ServersBound(Conflict):
    """Servers run with what their ports asked for, which would change."""

    code = "servers_bound"


@transaction.atomic
def create_policy(
    caller: Caller,
    values: Mapping[str, Any],
    given: Collection[str],  # noqa: ARG001 - every create function is called alike
) -> QosPolicy:
    project_id = choose_project(caller, policies.CREATE_QOS, values)
    permit(caller, policies.CREATE_QOS, project_id)
    if values["shared"]:
        permit(caller, policies.CREATE_QOS_SHARED, project_id)
    columns = {key: values[key] for key in ("name", "description", "shared")}
    return QosPolicy.objects.create(project_id=project_id, **columns)


@transaction.atomic
def change_policy(
    caller: Caller, row: QosPolicy, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit(caller, policies.UPDATE_QOS, row.project_id)
    if "shared" in given and values["shared"] != row.shared:
        permit(caller, policies.UPDATE_QOS_SHARED, row.project_id)
        others = ~Q(project=row.project_id)
        if row.networks.filter(others).exists() or row.ports.filter(others).exists():
            raise PolicyInUse(f"Other projects use the QoS policy {row.pk}.")
    for key in given:
        setattr(row, key, values[key])
    row.save(update_fields=list(given))
    row.note_change()


@transaction.atomic
def delete_policy(caller: Caller, row: QosPolicy) -> None:
    permit(caller, policies.DELETE_QOS, row.project_id)
    row = _locked(row)
    if row.networks.exists() or row.ports.exists():
        raise PolicyInUse(f"Networks or ports have the QoS policy {row.pk}.")
    row.delete()


@transaction.atomic
def create_rule(caller: Caller, policy: QosPolicy, kind: str, values: Mapping[str, Any]) -> QosRule:
    permit(caller, policies.QOS_RULES[kind, "create"], policy.project_id)
    policy = _locked(policy)
    rule = QosRule(policy=policy, kind=kind, **values)
    _save(rule, force_insert=True)
    _follow(policy)
    return rule


@transaction.atomic
def change_rule(caller: Caller, rule: QosRule, values: Mapping[str, Any]) -> None:
    permit(caller, policies.QOS_RULES[rule.kind, "update"], rule.policy.project_id)
    policy = _locked(rule.policy)
    for column, value in values.items():
        setattr(rule, column, value)
    _save(rule)
    _follow(policy)


@transaction.atomic
def delete_rule(caller: Caller, rule: QosRule) -> None:
    permit(caller, policies.QOS_RULES[rule.kind, "delete"], rule.policy.project_id)
    policy = _locked(rule.policy)
    rule.delete()
    _follow(policy)


def check_policy(caller: Caller, policy_id: uuid.UUID | None) -> None:
    """Raises ``QosPolicyNotFound`` where the caller sees no such policy. It is locked, so that it
    is not deleted meanwhile."""
    if policy_id is None:
        return
    seen = QosPolicy.objects.visible_to(caller).select_for_update(no_key=True)
    if not seen.filter(pk=policy_id).exists():
        raise QosPolicyNotFound(f"There is no QoS policy {policy_id}.", field="qos_policy_id")


def refresh_requests(ports: QuerySet[Port], *, new: bool = False) -> None:
    """Let the ports ask for what their policies say now; ``new`` ones may be made for a server.

    Raises:
        ServersBound: a server has one of them, and it would ask for something else.
    """
    locked = ports.select_for_update(no_key=True, of=("self",)).select_related("network")
    rows = list(locked.order_by("pk"))
    rules = rules_of({policy for row in rows if (policy := policy_of(row)) is not None})
    changed = []
    for row in rows:
        wanted = request_of(row, rules.get(policy_of(row), ()))
        if row.resource_request == wanted:
            continue
        if row.device_owner.startswith(COMPUTE) and not new:
            raise ServersBound(
                f"The server {row.device_id} has port {row.pk}, which would ask for something else."
            )
        row.resource_request = wanted
        changed.append(row)
    Port.objects.bulk_update(changed, ["resource_request"])


def asks_of_hosts(network_ids: Collection[uuid.UUID]) -> bool:
    """Would new ports of one of the networks ask hosts for something?"""
    networks = Network.objects.filter(pk__in=network_ids, qos_policy__isnull=False)
    ports = [Port(network=network) for network in networks]
    rules = rules_of({port.network.qos_policy_id for port in ports})
    return any(request_of(port, rules.get(policy_of(port), ())) for port in ports)


def request_of(port: Port, rules: Iterable[QosRule]) -> dict[str, Any] | None:
    """What the port asks for by the rules; ``None``: nothing. Bandwidth is asked of a physical
    network; a tunnel is on none.
    """
    found = list(rules)
    nic = f"CUSTOM_VNIC_TYPE_{_named(port.vnic_type)}"
    groups = []
    physical = port.network.physical_network
    if physical:
        required = [f"CUSTOM_PHYSNET_{_named(physical)}", nic]
        groups += _group(port, MINIMUM_BANDWIDTH, required, found)
    groups += _group(port, MINIMUM_PACKET_RATE, [nic], found)
    if not groups:
        return None
    return {"request_groups": groups, "same_subtree": [group["id"] for group in groups]}


def _group(
    port: Port, kind: str, required: Sequence[str], rules: Iterable[QosRule]
) -> list[dict[str, Any]]:
    resources = {
        CLASSES[kind, rule.direction]: rule.amount
        for rule in rules
        if rule.kind == kind and rule.amount
    }
    if not resources:
        return []
    return [
        {
            "id": str(uuid.uuid5(port.pk, kind)),
            "required": list(required),
            "resources": resources,
        }
    ]


def _named(word: str) -> str:
    """The word as names of traits are written."""
    return ODD.sub("_", word.upper())


def _follow(policy: QosPolicy) -> None:
    """Let all ports that have the policy follow its rules."""
    policy.note_change()
    by_network = Q(qos_policy=None, network__qos_policy=policy)
    by_network &= ~Q(device_owner__startswith=OF_NETWORKS)
    ports = Port.objects.filter(Q(qos_policy=policy) | by_network)
    refresh_requests(ports)
    tell_of_ports(ports)


def _save(rule: QosRule, **how: Any) -> None:
    others = QosRule.objects.filter(policy=rule.policy_id, kind=rule.kind).exclude(pk=rule.pk)
    ways = set(others.values_list("direction", flat=True))
    whole = ANY_DIRECTION in ways or (ways and rule.direction == ANY_DIRECTION)
    if whole or rule.direction in ways:
        raise QosRuleExists(
            f"The policy {rule.policy_id} has a rule {rule.kind} for {', '.join(sorted(ways))}."
        )
    try:
        with transaction.atomic():
            rule.save(**how)
    except IntegrityError:
        raise QosRuleExists(f"The policy {rule.policy_id} has such a rule already.") from None


def _locked(policy: QosPolicy) -> QosPolicy:
    found = QosPolicy.objects.select_for_update(no_key=True).filter(pk=policy.pk).first()
    if found is None:
        raise QosPolicyNotFound(f"There is no QoS policy {policy.pk}.")
    return found
