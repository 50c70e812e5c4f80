"""The network API v2.0 of networks, subnets, ports, security groups and floating IPs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.faults import Fault
from compute_site.keys import Key
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import shapes
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
from compute_site.neighbours.network.local.rights import hide
from compute_site.neighbours.network.models import (
    FloatingIp,
    Network,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.service_view import Filter, ServiceView, by_address, by_flag, by_id

OWNER = {"project_id": Filter("project"), "tenant_id": Filter("project")}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: the rule to see it, the shapes of its requests, and the functions that
    make, change and delete it.
    """

    seen: str

    new: Mapping[str, Key]
    create: Callable[[Caller, Mapping[str, Any], Collection[str]], Any]
    changed: Mapping[str, Key]
    change: Callable[[Caller, Any, Mapping[str, Any], Collection[str]], None]
    delete: Callable[[Caller, Any], None]


class NetworkView(ServiceView):
    """``noun`` is the key of one object; with an s it is the key of the list."""

    noun: ClassVar[str]
    kind: ClassVar[Kind]
    order: ClassVar[tuple[str, ...]] = ("name", "pk")

    def show_error(self, fault: Fault) -> dict[str, Any]:
        kind = type(fault).__name__
        return {"NeutronError": {"type": kind, "message": fault.detail, "detail": ""}}

    def rows(self) -> QuerySet[Any]:
        """The rows that the caller may see, with the relations that are shown."""
        raise NotImplementedError

    def show(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def plural(self) -> str:
        return f"{self.noun}s".replace("_", "-")

    def show_asked(self, row: Any) -> dict[str, Any]:
        """The object; only the keys in the parameter ``fields``, if that is given."""
        shown = self.show(row)
        asked = self.request.GET.getlist("fields")
        return {key: shown[key] for key in asked if key in shown} if asked else shown


class ListView(NetworkView):
    """``GET`` and ``POST /network/v2.0/{nouns}``"""

    def get(self, request: Request) -> Response:
        self.caller.permit(self.kind.seen)
        rows = self.page(self.filtered(self.rows()), *self.order)
        body: dict[str, Any] = {f"{self.noun}s": [self.show_asked(row) for row in rows]}
        if "limit" in request.GET and self.more and rows:
            url = self.next_url(f"{self.root}/network/v2.0/{self.plural}", rows[-1])
            body[f"{self.noun}s_links"] = [{"rel": "next", "href": url}]
        return Response(body)

    def post(self, request: Request) -> Response:
        asked = self.read(self.noun, self.kind.new)
        row = self.kind.create(self.caller, asked.values, asked.given)
        return Response({self.noun: self.show(self.rows().get(pk=row.pk))}, status=201)


class DetailView(NetworkView):
    """``GET``, ``PUT`` and ``DELETE /network/v2.0/{nouns}/{id}``"""

    def get(self, request: Request, row_id: str) -> Response:
        return Response({self.noun: self.show_asked(self.find_row(row_id))})

    def put(self, request: Request, row_id: str) -> Response:
        row = self.find_row(row_id)
        asked = self.read(self.noun, self.kind.changed)
        self.kind.change(self.caller, row, asked.values, asked.given)
        return Response({self.noun: self.show(self.rows().get(pk=row.pk))})

    def delete(self, request: Request, row_id: str) -> Response:
        self.kind.delete(self.caller, self.find_row(row_id))
        return Response(status=204)

    def find_row(self, row_id: str) -> Any:
        self.caller.permit(self.kind.seen)
        return self.find(self.rows(), row_id, self.noun.replace("_", " "))


class Networks(NetworkView):
    noun = "network"
    kind = Kind(
        seen=policies.GET_NETWORK,
        new=shapes.NEW_NETWORK,
        create=changes.create_network,
        changed=shapes.CHANGED_NETWORK,
        change=changes.change,
        delete=changes.delete_network,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "name": Filter("name"),
        "status": Filter("status"),
        "shared": by_flag("shared"),
        "router:external": by_flag("external"),
        "is_default": by_flag("is_default"),
        "admin_state_up": by_flag("admin_state_up"),
        "provider:network_type": Filter("network_type"),
        "provider:physical_network": Filter("physical_network"),
    }

    def rows(self) -> QuerySet[Network]:
        return Network.objects.visible_to(self.caller).prefetch_related("subnets")

    def show(self, row: Network) -> dict[str, Any]:
        provider = hide(self.caller, policies.GET_NETWORK, row.project_id, show_provider(row))
        return show_network(row) | provider


class Subnets(NetworkView):
    noun = "subnet"
    kind = Kind(
        seen=policies.GET_SUBNET,
        new=shapes.NEW_SUBNET,
        create=changes.create_subnet,
        changed=shapes.CHANGED_SUBNET,
        change=changes.change,
        delete=changes.delete_subnet,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "name": Filter("name"),
        "network_id": by_id("network"),
        "cidr": Filter("cidr"),
        "ip_version": Filter("ip_version", lambda words: [w for w in words if w in ("4", "6")]),
        "enable_dhcp": by_flag("enable_dhcp"),
    }

    def rows(self) -> QuerySet[Subnet]:
        return Subnet.objects.visible_to(self.caller).select_related("network")

    def show(self, row: Subnet) -> dict[str, Any]:
        return show_subnet(row)


class Ports(NetworkView):
    noun = "port"
    kind = Kind(
        seen=policies.GET_PORT,
        new=shapes.NEW_PORT,
        create=changes.create_port,
        changed=shapes.CHANGED_PORT,
        change=changes.change,
        delete=changes.delete_port,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "name": Filter("name"),
        "network_id": by_id("network"),
        "device_id": Filter("device_id"),
        "device_owner": Filter("device_owner"),
        "mac_address": Filter("mac_address"),
        "status": Filter("status"),
        "binding:host_id": Filter("binding_host"),
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
        new=shapes.NEW_SECURITY_GROUP,
        create=changes.create_group,
        changed=shapes.CHANGED_SECURITY_GROUP,
        change=changes.change_group,
        delete=changes.delete_group,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "name": Filter("name"),
        "description": Filter("description"),
    }

    def rows(self) -> QuerySet[SecurityGroup]:
        return SecurityGroup.objects.visible_to(self.caller).prefetch_related("rules__group")

    def show(self, row: SecurityGroup) -> dict[str, Any]:
        return show_security_group(row)


class Rules(NetworkView):
    noun = "security_group_rule"
    order = ("created_at", "pk")
    kind = Kind(
        seen=policies.GET_RULE,
        new=shapes.NEW_RULE,
        create=changes.create_rule,
        changed=shapes.CHANGED_RULE,
        change=changes.change_rule,
        delete=changes.delete_rule,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        "id": by_id(),
        "security_group_id": by_id("group"),
        "direction": Filter("direction"),
        "ethertype": Filter("ethertype"),
        "protocol": Filter("protocol"),
        "project_id": Filter("group__project"),
        "tenant_id": Filter("group__project"),
    }

    def rows(self) -> QuerySet[SecurityGroupRule]:
        groups = SecurityGroup.objects.visible_to(self.caller)
        return SecurityGroupRule.objects.filter(group__in=groups).select_related("group")

    def show(self, row: SecurityGroupRule) -> dict[str, Any]:
        return show_rule(row)


class FloatingIps(NetworkView):
    noun = "floatingip"
    order = ("address", "pk")
    kind = Kind(
        seen=policies.GET_FLOATING_IP,
        new=shapes.NEW_FLOATING_IP,
        create=floating.create_floating_ip,
        changed=shapes.CHANGED_FLOATING_IP,
        change=floating.change_floating_ip,
        delete=floating.delete_floating_ip,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "port_id": by_id("port"),
        "floating_network_id": by_id("outside__network"),
        "floating_ip_address": by_address("address"),
        "fixed_ip_address": by_address("fixed_address"),
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
    pass


class SecurityGroupDetail(SecurityGroups, DetailView):
    pass


class RuleList(Rules, ListView):
    pass


class RuleDetail(Rules, DetailView):
    pass


class FloatingIpList(FloatingIps, ListView):
    pass


class FloatingIpDetail(FloatingIps, DetailView):
    pass
