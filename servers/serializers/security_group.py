"""Security groups of a server, and ``/os-security-groups`` and ``/os-security-group-rules``."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import TEXT, UUID, AnswerSerializer, Frame, Shown
from compute_site.api.microversions.fields import Anything
from compute_site.api.microversions.queries import PageQuery
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text, Uuid
from compute_site.api.microversions.version import Microversion
from compute_site.neighbours.network.groups import GroupRule, RuledGroup
from servers.proxies.security_groups import ANY_TYPE, ANYWHERE, PORTS, GroupOrder, RuleOrder

WITH_PORTS = ("tcp", "udp")


class GroupKeys(VersionedSerializer):
    unknown = {"2.1": "drop"}
    name = Text(0, 255, required=True)
    description = Text(0, 255, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> GroupOrder:
        return GroupOrder(values["name"], values["description"])


class SecurityGroupWrite(VersionedSerializer):
    """What a group shall be called; the result is a ``GroupOrder``."""

    unknown = {"2.1": "drop"}
    security_group = GroupKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> GroupOrder:
        order: GroupOrder = values["security_group"]
        return order


class RuleKeys(VersionedSerializer):
    """Nova: the last four are read by hand, not by a schema."""

    unknown = {"2.1": "drop"}
    parent_group_id = Uuid(required=True)
    group_id = Uuid(null=True)
    ip_protocol = Anything()
    from_port = Anything()
    to_port = Anything()
    cidr = Anything()

    def build(self, values: dict[str, Any], version: Microversion) -> RuleOrder:
        return RuleOrder(**values)


class SecurityGroupRuleCreate(VersionedSerializer):
    """A rule; the result is a ``RuleOrder``."""

    unknown = {"2.1": "drop"}
    security_group_rule = RuleKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> RuleOrder:
        order: RuleOrder = values["security_group_rule"]
        return order


class SecurityGroupListQuery(PageQuery):
    """Nova: ``all_tenants`` counts whatever its value is. The result are the values."""

    all_tenants = Text(repeat="last")

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        return values


def show_rule(rule: GroupRule) -> dict[str, Any]:
    """A rule in the form of nova-network."""
    low, high = rule.port_min, rule.port_max
    if rule.protocol is not None and low is None and high is None:
        has_ports = rule.protocol in WITH_PORTS
        low, high = (PORTS[0], PORTS[-1]) if has_ports else (ANY_TYPE, ANY_TYPE)
    remote = rule.remote_group
    return {
        "id": rule.id,
        "parent_group_id": rule.group_id,
        "ip_protocol": rule.protocol,
        "from_port": low,
        "to_port": high,
        "group": {} if remote is None else {"name": remote.name, "tenant_id": remote.project_id},
        "ip_range": {"cidr": rule.prefix or ANYWHERE} if remote is None else {},
    }


def _rules(group: RuledGroup, _frame: Frame) -> list[dict[str, Any]]:
    return [show_rule(rule) for rule in group.rules]


class SecurityGroupAnswer(AnswerSerializer):
    """A security group with its rules for what comes in."""

    id = Shown(UUID)
    name = Shown(TEXT)
    description = Shown(TEXT)
    tenant_id = Shown(TEXT, "project_id")
    rules = Shown({"type": "array", "items": {"type": "object"}}, _rules)


RULE_ANSWER = {"type": "object"}
