"""``/os-networks`` and ``/os-tenant-networks``: old URLs of compute that read from the network
service. Those that changed networks answer 410.
"""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.answers import AnswerSerializer
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.version import Microversion
from compute_site.api.view import ComputeRequest, ComputeView, GoneUrl
from compute_site.faults import BadRequest, Gone
from servers.policies import network as rules
from servers.proxies.networks import find_network, list_networks
from servers.serializers.network import NetworkAnswer, TenantNetworkAnswer

GONE_ACTIONS = frozenset(
    ("disassociate", "disassociate_host", "disassociate_project", "associate_host")
)


class OldNetworkView(ComputeView):
    """Reads are for old microversions; writes were taken out of all."""

    until = "2.35"
    shown: ClassVar[type[AnswerSerializer]] = NetworkAnswer
    rule: ClassVar[str] = rules.LIST

    gone: ClassVar[tuple[str, ...]] = ("POST",)
    """The methods that wrote; they answer 410."""

    def check_url(self, request: Request) -> None:
        if request.method not in self.gone:
            super().check_url(request)

    def check_lifetime(self, version: Microversion) -> None:
        if self.request.method in self.gone:
            raise Gone("Networks are made and deleted by the network service.")
        super().check_lifetime(version)


class Networks(OldNetworkView):
    """The networks that the caller can use."""

    contracts = {"GET": Contract(summary="List networks", answer={"networks": [NetworkAnswer]})}

    def get(self, request: ComputeRequest) -> Response:
        request.caller.permit(self.rule)
        networks = list_networks(request.caller)
        return self.answer({"networks": self.show_all(self.shown, networks)})


class OneNetwork(OldNetworkView):
    """One network."""

    rule = rules.SHOW
    gone: ClassVar[tuple[str, ...]] = ("DELETE",)
    contracts = {"GET": Contract(summary="Show a network", answer={"network": NetworkAnswer})}

    def get(self, request: ComputeRequest, network_id: str) -> Response:
        request.caller.permit(self.rule)
        network = find_network(request.caller, network_id)
        return self.answer({"network": self.show(self.shown, network)})


class TenantNetworks(Networks):
    """The networks that the caller can use, in the form of ``/os-tenant-networks``."""

    shown = TenantNetworkAnswer
    rule = rules.TENANT_LIST
    contracts = {
        "GET": Contract(summary="List networks", answer={"networks": [TenantNetworkAnswer]})
    }


class OneTenantNetwork(OneNetwork):
    """One network, in that form."""

    shown = TenantNetworkAnswer
    rule = rules.TENANT_SHOW
    contracts = {"GET": Contract(summary="Show a network", answer={"network": TenantNetworkAnswer})}


class NewNetwork(OneNetwork):
    """The same at the URL that gave a network to a project."""

    gone = ("POST", "DELETE")


class NetworkActions(GoneUrl):
    """What bound networks to hosts and projects: 410 for what there was."""

    http_method_names = ["post"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            super().initial(request, *args, **kwargs)
        except Gone:
            if not isinstance(self.body, dict) or len(self.body) != 1:
                raise BadRequest("Send an object with one key, the action.") from None
            if not GONE_ACTIONS.issuperset(self.body):
                raise BadRequest(f"There is no action {next(iter(self.body))[:60]}.") from None
            raise
