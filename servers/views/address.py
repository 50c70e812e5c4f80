"""``/servers/{id}/ips``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import OBJECT
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import address as rules
from servers.read.addresses import addresses_of, find_network
from servers.read.find import find_server


class Addresses(ComputeView):
    """All addresses of a server."""

    contracts = {
        "GET": Contract(
            summary="List the addresses of a server", query=NoQuery, answer={"addresses": OBJECT}
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"addresses": addresses_of(instance.network_info, extended=False)})


class NetworkAddresses(ComputeView):
    """The addresses of a server on one network."""

    contracts = {
        "GET": Contract(summary="List the addresses of a server on one network", query=NoQuery),
    }

    def get(self, request: ComputeRequest, server_id: str, label: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        return self.answer({label: find_network(instance, label)})
