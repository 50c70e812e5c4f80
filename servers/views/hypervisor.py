"""``/os-hypervisors``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.response import Response

from compute_site.api.microversions.answers import LINKS, AnswerSerializer
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.hosts.hypervisors import (
    check_uptime,
    find_hypervisor,
    find_hypervisors,
    guests_of,
    list_hypervisors,
    statistics,
    workload_of,
)
from servers.models import ComputeNode
from servers.policies import hypervisor as rules
from servers.serializers.hypervisor import (
    STATISTICS,
    HypervisorAnswer,
    HypervisorListQuery,
    HypervisorQuery,
    HypervisorSummary,
    UptimeAnswer,
    read_hypervisor_id,
    shown_id,
)


class Hypervisors(ComputeView):
    """Hypervisors in short."""

    collection: ClassVar[str] = "os-hypervisors"
    shown: ClassVar[type[AnswerSerializer]] = HypervisorSummary
    rule: ClassVar[str] = rules.LIST
    contracts = {
        "GET": Contract(
            summary="List hypervisors",
            query=HypervisorListQuery,
            answer={"hypervisors": [HypervisorSummary], "hypervisors_links": LINKS},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        search = self.read_query(HypervisorListQuery)
        request.caller.permit(self.rule)
        nodes = list_hypervisors(search)
        guests = guests_of(nodes) if search.with_servers else None
        answer: dict[str, Any] = {
            "hypervisors": self.show_all(self.shown, nodes, guests=guests, **self.looked_up(nodes))
        }
        if nodes and len(nodes) == search.paging.limit and search.pattern is None:
            known = HypervisorListQuery.at(request.version).entries
            marker = shown_id(nodes[-1], request.version)
            answer["hypervisors_links"] = self.links.next_page(
                request, self.collection, marker, known
            )
        return self.answer(answer)

    def looked_up(self, nodes: Sequence[ComputeNode]) -> dict[str, Any]:
        """What the answers need beside the nodes."""
        return {}


class HypervisorsDetail(Hypervisors):
    """Hypervisors in full."""

    collection = "os-hypervisors/detail"
    shown = HypervisorAnswer
    rule = rules.LIST_DETAIL
    contracts = {
        "GET": Contract(
            summary="List hypervisors in detail",
            query=HypervisorListQuery,
            answer={"hypervisors": [HypervisorAnswer], "hypervisors_links": LINKS},
        ),
    }

    def looked_up(self, nodes: Sequence[ComputeNode]) -> dict[str, Any]:
        return {"workload": workload_of(nodes)}


class Hypervisor(ComputeView):
    """One hypervisor."""

    contracts = {
        "GET": Contract(
            summary="Show a hypervisor",
            query=HypervisorQuery,
            answer={"hypervisor": HypervisorAnswer},
        ),
    }

    def get(self, request: ComputeRequest, hypervisor_id: str) -> Response:
        with_servers = self.read_query(HypervisorQuery)
        request.caller.permit(rules.SHOW)
        node = find_hypervisor(read_hypervisor_id(hypervisor_id, request.version))
        guests = guests_of([node]) if with_servers else None
        shown = self.show(HypervisorAnswer, node, guests=guests, workload=workload_of([node]))
        return self.answer({"hypervisor": shown})


class HypervisorUptime(ComputeView):
    """Since when a hypervisor runs."""

    until = "2.87"
    contracts = {
        "GET": Contract(
            summary="See since when a hypervisor runs",
            answer={"hypervisor": UptimeAnswer},
            faults=(403, 501),
        ),
    }

    def get(self, request: ComputeRequest, hypervisor_id: str) -> Response:
        request.caller.permit(rules.UPTIME)
        node = find_hypervisor(read_hypervisor_id(hypervisor_id, request.version))
        shown = self.show(UptimeAnswer, node, uptime=check_uptime(node))
        return self.answer({"hypervisor": shown})


class HypervisorStatistics(ComputeView):
    """The resources of all hypervisors in sum."""

    until = "2.87"
    contracts = {
        "GET": Contract(
            summary="See the resources of all hypervisors",
            answer={"hypervisor_statistics": STATISTICS},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        request.caller.permit(rules.STATISTICS)
        return self.answer({"hypervisor_statistics": statistics()})


class HypervisorSearchByName(ComputeView):
    """Hypervisors whose names hold a text."""

    until = "2.52"
    contracts = {
        "GET": Contract(
            summary="Find hypervisors by name", answer={"hypervisors": [HypervisorSummary]}
        ),
    }

    def get(self, request: ComputeRequest, hypervisor_id: str) -> Response:
        request.caller.permit(rules.SEARCH)
        nodes = find_hypervisors(hypervisor_id)
        return self.answer({"hypervisors": self.show_all(HypervisorSummary, nodes)})


class HypervisorServers(ComputeView):
    """Hypervisors whose names hold a text, with their servers."""

    until = "2.52"
    contracts = {
        "GET": Contract(
            summary="Find hypervisors by name, with their servers",
            answer={"hypervisors": [HypervisorSummary]},
        ),
    }

    def get(self, request: ComputeRequest, hypervisor_id: str) -> Response:
        request.caller.permit(rules.SERVERS)
        nodes = find_hypervisors(hypervisor_id)
        shown = self.show_all(HypervisorSummary, nodes, guests=guests_of(nodes))
        return self.answer({"hypervisors": shown})
