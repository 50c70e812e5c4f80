"""What there is to carry networks, and what is left: zones, agents, and the use of addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api.objects import NetworkView
from compute_site.neighbours.network.local.availability import NetworkUse, find_use
from compute_site.neighbours.network.local.missing import AgentNotFound, NetworkNotFound
from compute_site.neighbours.network.local.zones import zones
from compute_site.neighbours.network.models import Network
from compute_site.neighbours.ownership import may_on
from compute_site.neighbours.service_view import UnknownFilter

CARRIED = ("network", "router")
"""What lies in availability zones."""
OF_AGENTS = (
    *("id", "agent_type", "binary", "host", "topic", "availability_zone", "admin_state_up"),
    *("alive", "description"),
)


class WholeList(NetworkView):
    """A list without pages; ``known`` are the parameters that it is filtered by."""

    known: tuple[str, ...] = ()

    def show(self, row: dict[str, Any]) -> dict[str, Any]:
        return row

    def check_parameters(self) -> None:
        """Raises ``UnknownFilter`` where the list is not filtered by one of them."""
        unknown = sorted(set(self.request.GET) - {*self.known, "fields"})
        if unknown:
            raise UnknownFilter(
                f"This list is not filtered by {', '.join(unknown)[:200]}; it is by "
                f"{', '.join(self.known)}."
            )

    def matching(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those whose values are among the asked ones, with the asked keys."""
        asked = {
            key: self.request.GET.getlist(key) for key in self.known if key in self.request.GET
        }
        return [
            self.show_asked(row)
            for row in rows
            if all(row[key] in words for key, words in asked.items())
        ]


class ZoneList(WholeList):
    """``GET /network/v2.0/availability_zones``"""

    known = ("name", "resource", "state")

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.GET_ZONE)
        self.check_parameters()
        found = (
            {"name": name, "resource": resource, "state": "available"}
            for resource in CARRIED
            for name in zones()
        )
        return Response({"availability_zones": self.matching(found)})


class ProviderList(WholeList):
    """``GET /network/v2.0/service-providers``: what does the work of a service is never chosen."""

    known = ("service_type", "name", "default")

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.GET_PROVIDER)
        self.check_parameters()
        return Response({"service_providers": []})


class AgentList(WholeList):
    """``GET /network/v2.0/agents``: there are none; nothing carries packets here."""

    known = OF_AGENTS

    def get(self, request: Request) -> Response:
        self.check_parameters()
        return Response({"agents": []})


class AgentDetail(NetworkView):
    """``GET /network/v2.0/agents/{id}``"""

    def get(self, request: Request, agent_id: str) -> Response:
        raise AgentNotFound(f"There is no agent {agent_id}.")


class UseView(WholeList):
    """The use of addresses, for those who hold the rule in every project; as in Neutron, others see
    no network here.
    """

    def networks(self) -> QuerySet[Network]:
        if not may_on(self.caller, policies.GET_IP_AVAILABILITY, None):
            return Network.objects.none()
        return Network.objects.visible_to(self.caller)


class UseList(UseView):
    """``GET /network/v2.0/network-ip-availabilities``"""

    known = ("network_id", "network_name", "project_id", "tenant_id", "ip_version")

    def get(self, request: Request) -> Response:
        self.check_parameters()
        asked = request.GET
        rows = self.networks()
        if "network_id" in asked:
            rows = rows.filter(pk__in=canonical_ids(asked.getlist("network_id")))
        if "network_name" in asked:
            rows = rows.filter(name__in=asked.getlist("network_name"))
        for key in ("project_id", "tenant_id"):
            if key in asked:
                rows = rows.filter(project__in=asked.getlist(key))
        found = find_use(rows, versions(asked.getlist("ip_version")))
        # of networks without such a subnet nothing is told
        told = [use for use in found if use.subnets or "ip_version" not in asked]
        shown = [self.show_asked(show_use(use)) for use in told]
        return Response({"network_ip_availabilities": shown})


class UseDetail(UseView):
    """``GET /network/v2.0/network-ip-availabilities/{network_id}``"""

    def get(self, request: Request, network_id: str) -> Response:
        found = find_use(self.networks().filter(pk__in=canonical_ids([network_id])))
        if not found:
            raise NetworkNotFound(f"There is no network {network_id}.")
        return Response({"network_ip_availability": self.show_asked(show_use(found[0]))})


def versions(words: list[str]) -> Q | None:
    """The subnets of these IP versions; ``None``: all."""
    return Q(ip_version__in=[int(word) for word in words if word in ("4", "6")]) if words else None


def show_use(use: NetworkUse) -> Mapping[str, Any]:
    network = use.network
    return {
        "network_id": str(network.pk),
        "network_name": network.name,
        "project_id": network.project_id,
        "tenant_id": network.project_id,
        "total_ips": use.total,
        "used_ips": use.used,
        "subnet_ip_availability": [
            {
                "subnet_id": str(one.subnet.pk),
                "subnet_name": one.subnet.name,
                "cidr": one.subnet.cidr,
                "ip_version": one.subnet.ip_version,
                "total_ips": one.total,
                "used_ips": one.used,
            }
            for one in use.subnets
        ],
    }
