"""The network API v2.0 of networks, subnets, ports, security groups and floating IPs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet, Value
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.filters import (
    BY_TAGS,
    DESCRIBED,
    Narrow,
    by_number,
    by_range,
    by_switch,
    narrow_by_addresses,
    narrow_by_groups,
    narrow_by_outside,
    narrow_by_status,
)
from compute_site.neighbours.network.api.lists import ListView
from compute_site.neighbours.network.api.objects import DetailView, Kind, NetworkView
from compute_site.neighbours.network.api.representation import (
    show_binding,
    show_floating_ip,
    show_network,
    show_port,
    show_provider,
    show_rule,
    show_security_group,
    show_subnet,
)
from compute_site.neighbours.network.local import changes, floating
from compute_site.neighbours.network.local.ports import give_default_group
from compute_site.neighbours.network.local.rights import hide
from compute_site.neighbours.network.models import (
    FloatingIp,
    Network,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.service_view import (
    Filter,
    by_address,
    by_id,
)


class Networks(NetworkView):
    noun = "network"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("status", "admin_state_up", "shared", "mtu")},
    }
    kind = Kind(
        seen=policies.GET_NETWORK,
        new=serializers.NetworkCreate,
        create=changes.create_network,
        changed=serializers.NetworkUpdate,
        change=changes.change,
        delete=changes.delete_network,
        tagged=policies.UPDATE_NETWORK,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "status": Filter("status"),
        "is_default": by_switch("is_default"),
        "admin_state_up": by_switch("admin_state_up"),
        "provider:network_type": Filter("network_type"),
        "provider:physical_network": Filter("physical_network"),
        "provider:segmentation_id": by_number("segmentation_id"),
        "mtu": by_number("mtu"),
        "shared": by_switch("shared_here"),
        "router:external": by_switch("leads_out"),
        "port_security_enabled": by_switch("port_security_enabled"),
    }

    def rows(self) -> QuerySet[Network]:
        visible = Network.objects.visible_to(self.caller).told_to(self.caller.project_id)
        subnets = Prefetch("subnets", Subnet.objects.select_related("pool"))
        return visible.prefetch_related(subnets, "accesses")

    def show(self, row: Network) -> dict[str, Any]:
        provider = hide(self.caller, policies.GET_NETWORK, row.project_id, show_provider(row))
        return show_network(row, self.caller.project_id) | provider


class Subnets(NetworkView):
    noun = "subnet"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("network_id", "cidr", "ip_version", "gateway_ip", "enable_dhcp")},
        "subnetpool_id": "pool_id",
    }
    kind = Kind(
        seen=policies.GET_SUBNET,
        new=serializers.SubnetCreate,
        create=changes.create_subnet,
        changed=serializers.SubnetUpdate,
        change=changes.change,
        delete=changes.delete_subnet,
        tagged=policies.UPDATE_SUBNET,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "network_id": by_id("network"),
        "cidr": Filter("cidr"),
        "ip_version": by_number("ip_version"),
        "subnetpool_id": by_id("pool"),
        "gateway_ip": by_address("gateway_ip"),
        "ipv6_address_mode": Filter("ipv6_address_mode"),
        "ipv6_ra_mode": Filter("ipv6_ra_mode"),
        "enable_dhcp": by_switch("enable_dhcp"),
    }

    narrowed: ClassVar[Mapping[str, Narrow]] = {
        "router:external": narrow_by_outside,
        **BY_TAGS,
    }

    def rows(self) -> QuerySet[Subnet]:
        visible = Subnet.objects.visible_to(self.caller).select_related("network")
        return visible.prefetch_related("network__accesses")

    def show(self, row: Subnet) -> dict[str, Any]:
        return show_subnet(row)


class Ports(NetworkView):
    noun = "port"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("network_id", "device_id", "device_owner", "mac_address")},
        **{key: key for key in ("status", "admin_state_up")},
    }
    kind = Kind(
        seen=policies.GET_PORT,
        new=serializers.PortCreate,
        create=changes.create_port,
        changed=serializers.PortUpdate,
        change=changes.change,
        delete=changes.delete_port,
        tagged=policies.UPDATE_PORT,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "network_id": by_id("network"),
        "device_id": Filter("device_id"),
        "device_owner": Filter("device_owner"),
        "mac_address": Filter("mac_address"),
        "status": Filter("status"),
        "admin_state_up": by_switch("admin_state_up"),
        "port_security_enabled": by_switch("port_security_enabled"),
        "ip_allocation": Filter("ip_allocation"),
        "dns_name": Filter("dns_name"),
        "binding:host_id": Filter("binding_host"),
        "binding:vnic_type": Filter("vnic_type"),
        "binding:vif_type": Filter("vif_type"),
    }
    narrowed: ClassVar[Mapping[str, Narrow]] = {
        "fixed_ips": narrow_by_addresses,
        "security_groups": narrow_by_groups,
        **BY_TAGS,
    }

    def rows(self) -> QuerySet[Port]:
        visible = Port.objects.visible_to(self.caller)
        return visible.prefetch_related("fixed_ips", "security_groups")

    def show(self, row: Port) -> dict[str, Any]:
        binding = hide(self.caller, policies.GET_PORT, row.project_id, show_binding(row))
        return show_port(row) | binding


class SecurityGroups(NetworkView):
    noun = "security_group"
    kind = Kind(
        seen=policies.GET_GROUP,
        new=serializers.SecurityGroupCreate,
        create=changes.create_group,
        changed=serializers.SecurityGroupUpdate,
        change=changes.change_group,
        delete=changes.delete_group,
        tagged=policies.UPDATE_GROUP,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "stateful": by_switch("stateful"),
    }

    def rows(self) -> QuerySet[SecurityGroup]:
        return SecurityGroup.objects.visible_to(self.caller).prefetch_related("rules__group")

    def show(self, row: SecurityGroup) -> dict[str, Any]:
        return show_security_group(row)


class Rules(NetworkView):
    noun = "security_group_rule"
    order = (("created_at", False), ("pk", False))
    narrowed: ClassVar[Mapping[str, Narrow]] = {}
    sorted_by: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        **{key: key for key in ("created_at", "direction", "ethertype", "protocol")},
        **{key: key for key in ("port_range_min", "port_range_max", "remote_ip_prefix")},
    }
    kind = Kind(
        seen=policies.GET_RULE,
        new=serializers.RuleCreate,
        create=changes.create_rule,
        changed=serializers.RuleUpdate,
        change=changes.change_rule,
        delete=changes.delete_rule,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        "id": by_id(),
        "security_group_id": by_id("group"),
        "direction": Filter("direction"),
        "ethertype": Filter("ethertype"),
        "protocol": Filter("protocol"),
        "port_range_min": by_number("port_range_min"),
        "port_range_max": by_number("port_range_max"),
        "remote_ip_prefix": by_range("remote_ip_prefix"),
        "remote_group_id": by_id("remote_group"),
        "remote_address_group_id": by_id("remote_address_group"),
        "description": Filter("description"),
        "revision_number": by_number("revision_number"),
        "project_id": Filter("group__project"),
        "tenant_id": Filter("group__project"),
    }

    def rows(self) -> QuerySet[SecurityGroupRule]:
        groups = SecurityGroup.objects.visible_to(self.caller)
        rows = SecurityGroupRule.objects.filter(group__in=groups).select_related("group")
        return rows.alias(revision_number=Value(0))

    def show(self, row: SecurityGroupRule) -> dict[str, Any]:
        return show_rule(row)


class FloatingIps(NetworkView):
    noun = "floatingip"
    order = (("address", False), ("pk", False))
    sorted_by: ClassVar[Mapping[str, str]] = {
        **{key: column for key, column in NetworkView.sorted_by.items() if key != "name"},
        "floating_ip_address": "address",
        "fixed_ip_address": "fixed_address",
        "floating_network_id": "outside__network_id",
        "port_id": "port_id",
    }
    kind = Kind(
        seen=policies.GET_FLOATING_IP,
        new=serializers.FloatingIpCreate,
        create=floating.create_floating_ip,
        changed=serializers.FloatingIpUpdate,
        change=floating.change_floating_ip,
        delete=floating.delete_floating_ip,
        tagged=policies.UPDATE_FLOATING_IP,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "port_id": by_id("port"),
        "floating_network_id": by_id("outside__network"),
        "floating_ip_address": by_address("address"),
        "fixed_ip_address": by_address("fixed_address"),
        "router_id": by_id("router"),
    }
    narrowed: ClassVar[Mapping[str, Narrow]] = {
        "status": narrow_by_status,
        **BY_TAGS,
    }

    def rows(self) -> QuerySet[FloatingIp]:
        return FloatingIp.objects.visible_to(self.caller).select_related("outside", "port")

    def show(self, row: FloatingIp) -> dict[str, Any]:
        return show_floating_ip(row)


class NetworkList(Networks, ListView):
    pass


class NetworkDetail(Networks, DetailView):
    pass


class SubnetList(Subnets, ListView):
    pass


class SubnetDetail(Subnets, DetailView):
    pass


class PortList(Ports, ListView):
    pass


class PortDetail(Ports, DetailView):
    pass


class SecurityGroupList(SecurityGroups, ListView):
    def get(self, request: Request) -> Response:
        self.caller.permit(self.kind.seen)
        give_default_group(self.caller)
        return super().get(request)


class SecurityGroupDetail(SecurityGroups, DetailView):
    pass


class RuleList(Rules, ListView):
    pass


class RuleDetail(Rules, DetailView):
    pass


class FloatingIpList(FloatingIps, ListView):
    takes_several = False


class FloatingIpDetail(FloatingIps, DetailView):
    pass
