"""Versions and extensions of the network API."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.neighbours.network.api.objects import NetworkView

EXTENSIONS = {
    "address-group": "Address group",
    "address-scope": "Address scope",
    "allowed-address-pairs": "Allowed Address Pairs",
    "availability_zone": "Availability Zone",
    "binding": "Port Binding",
    "binding-extended": "Port Bindings Extended",
    "default-subnetpools": "Default Subnetpools",
    "external-net": "Neutron external network",
    "ext-gw-mode": "Neutron L3 Configurable external gateway mode",
    "extra_dhcp_opt": "Neutron Extra DHCP options",
    "extraroute": "Neutron Extra Route",
    "extraroute-atomic": "Atomically add/remove extra routes",
    "filter-validation": "Filter parameters validation",
    "ip-substring-filtering": "IP address substring filtering",
    "net-mtu": "Network MTU",
    "net-mtu-writable": "Network MTU (writable)",
    "network_availability_zone": "Network Availability Zone",
    "network-ip-availability": "Network IP Availability",
    "port-security": "Port Security",
    "port-trusted-vif": "Port trusted vif",
    "project-id": "project_id field enabled",
    "provider": "Provider Network",
    "pagination": "Pagination support",
    "port-resource-request": "Port Resource Request",
    "port-resource-request-groups": "Port Resource Request Groups",
    "qos": "Quality of Service",
    "qos-bw-limit-direction": "Direction for QoS bandwidth limit rule",
    "qos-bw-minimum-ingress": "Ingress direction for QoS minimum bandwidth rule",
    "qos-pps-minimum": "QoS minimum packet rate rule",
    "qos-rule-type-details": "Details of QoS rule types",
    "quota-check-limit": "Quota engine limit check",
    "quota_details": "Quota details management support",
    "quotas": "Quota management support",
    "rbac-policies": "RBAC Policies",
    "revision-if-match": "If-Match constraints based on revision_number",
    "router": "Neutron L3 Router",
    "router_availability_zone": "Router Availability Zone",
    "security-group": "security-group",
    "security-groups-remote-address-group": "Remote address group id in security group rules",
    "security-groups-normalized-cidr": "Normalized CIDR field for security group rules",
    "service-type": "Neutron Service Type Management",
    "sorting": "Sorting support",
    "standard-attr-description": "standard-attr-description",
    "standard-attr-revisions": "Resource revision numbers",
    "standard-attr-tag": "Tag support for resources with standard attribute",
    "standard-attr-timestamp": "Resource timestamps",
    "stateful-security-group": "Stateful security group",
    "subnet-external-network": "Subnets of external networks",
    "subnet-service-types": "Subnet service types",
    "subnet_allocation": "Subnet Allocation",
    "subnetpool-prefix-ops": "Subnet Pool Prefix Operations",
    "tag-creation": "Tag creation",
}


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

    def http_method_not_allowed(  # type: ignore[override]  # as DRF itself has it
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        raise NotFound(f"There is nothing at {request.path}.")
