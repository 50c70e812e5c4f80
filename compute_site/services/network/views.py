"""The network API v2.0: what clients need to find networks, ports and security groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import Fault, NotFound
from compute_site.services.facade import Filter, ServiceView, by_flag, by_id
from compute_site.services.network.models import Network, Port, SecurityGroup, Subnet
from compute_site.services.network.representation import (
    show_binding,
    show_network,
    show_port,
    show_provider,
    show_security_group,
    show_subnet,
)

OWNER = {"project_id": Filter("project"), "tenant_id": Filter("project")}
EXTENSIONS = {
    "binding": "Port Binding",
    "external-net": "Neutron external network",
    "net-mtu": "Network MTU",
    "port-security": "Port Security",
    "project-id": "project_id field enabled",
    "provider": "Provider Network",
    "quotas": "Quota management support",
    "security-group": "security-group",
}


class NetworkView(ServiceView):
    """``noun`` is the key of one object, and with an s that of the list."""

    noun: ClassVar[str]

    def show_error(self, fault: Fault) -> dict[str, Any]:
        kind = type(fault).__name__
        return {"NeutronError": {"type": kind, "message": fault.detail, "detail": ""}}

    def rows(self) -> QuerySet[Any]:
        """What the caller sees, ready to be shown."""
        raise NotImplementedError

    def show(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def plural(self) -> str:
        return f"{self.noun}s".replace("_", "-")

    def show_asked(self, row: Any) -> dict[str, Any]:
        """With ``fields``, only those."""
        shown = self.show(row)
        asked = self.request.GET.getlist("fields")
        return {key: shown[key] for key in asked if key in shown} if asked else shown


class ListView(NetworkView):
    """``GET /network/v2.0/{nouns}``"""

    def get(self, request: Request) -> Response:
        rows = self.page(self.filtered(self.rows()), "name", "pk")
        body: dict[str, Any] = {f"{self.noun}s": [self.show_asked(row) for row in rows]}
        if "limit" in request.GET and self.more and rows:
            url = self.next_url(f"{self.root}/network/v2.0/{self.plural}", rows[-1])
            body[f"{self.noun}s_links"] = [{"rel": "next", "href": url}]
        return Response(body)


class DetailView(NetworkView):
    """``GET /network/v2.0/{nouns}/{id}``"""

    def get(self, request: Request, row_id: str) -> Response:
        row = self.find(self.rows(), row_id, self.noun.replace("_", " "))
        return Response({self.noun: self.show_asked(row)})


class Networks(NetworkView):
    noun = "network"
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
        return show_network(row) | (show_provider(row) if self.caller.is_admin else {})


class Subnets(NetworkView):
    noun = "subnet"
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
        return Subnet.objects.visible_to(self.caller)

    def show(self, row: Subnet) -> dict[str, Any]:
        return show_subnet(row)


class Ports(NetworkView):
    noun = "port"
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
        return show_port(row) | (show_binding(row) if self.caller.is_admin else {})


class SecurityGroups(NetworkView):
    noun = "security_group"
    filters: ClassVar[Mapping[str, Filter]] = {
        **OWNER,
        "id": by_id(),
        "name": Filter("name"),
        "description": Filter("description"),
    }

    def rows(self) -> QuerySet[SecurityGroup]:
        return SecurityGroup.objects.visible_to(self.caller)

    def show(self, row: SecurityGroup) -> dict[str, Any]:
        return show_security_group(row)


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


class EmptyList(NetworkView):
    """A kind of thing that is not kept here: floating IPs, routers."""

    noun = ""

    def get(self, request: Request) -> Response:
        return Response({f"{self.noun}s": []})


class EmptyDetail(NetworkView):
    noun = ""

    def get(self, request: Request, row_id: str) -> Response:
        raise NotFound(f"There is no {self.noun} {row_id}.")


class Extensions(NetworkView):
    """``GET /network/v2.0/extensions``"""

    def get(self, request: Request) -> Response:
        return Response({"extensions": [show_extension(alias) for alias in EXTENSIONS]})


class ExtensionDetail(NetworkView):
    """``GET /network/v2.0/extensions/{alias}``"""

    def get(self, request: Request, alias: str) -> Response:
        if alias not in EXTENSIONS:
            raise NotFound(f"There is no extension {alias}.")
        return Response({"extension": show_extension(alias)})


def show_extension(alias: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": EXTENSIONS[alias],
        "description": EXTENSIONS[alias],
        "links": [],
        "updated": "2026-01-01T00:00:00+00:00",
    }


class Versions(NetworkView):
    """``GET /network/``"""

    open = True

    def get(self, request: Request) -> Response:
        return Response({"versions": [self.version()]})

    def version(self) -> dict[str, Any]:
        link = {"rel": "self", "href": f"{self.root}/network/v2.0/"}
        return {"id": "v2.0", "status": "CURRENT", "links": [link]}


class VersionDetail(Versions):
    """``GET /network/v2.0/``: the version, and what can be listed below it."""

    def get(self, request: Request) -> Response:
        resources = [
            {
                "name": name,
                "collection": f"{name}s",
                "links": [{"rel": "self", "href": f"{self.root}/network/v2.0/{name}s"}],
            }
            for name in ("network", "subnet", "port", "security-group", "floatingip", "router")
        ]
        return Response({"version": self.version(), "resources": resources})


class UnknownNetworkUrl(NetworkView):
    """Every other path below ``/network``."""

    def get(self, request: Request, **_: Any) -> Response:
        raise NotFound(f"There is nothing at {request.path}.")
