"""``/os-hosts``, which newer microversions do without."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.hosts.resources import find_host, list_enabled, shares_of, switch_power
from servers.hosts.services import change_service
from servers.policies import host as rules
from servers.serializers.host import (
    HostAnswer,
    HostListQuery,
    HostSwitched,
    HostUpdate,
    ShareItem,
)


class Hosts(ComputeView):
    """The services that are enabled."""

    until = "2.42"
    contracts = {
        "GET": Contract(summary="List hosts", query=HostListQuery, answer={"hosts": [HostAnswer]}),
    }

    def get(self, request: ComputeRequest) -> Response:
        zone = self.read_query(HostListQuery)
        request.caller.permit(rules.LIST)
        return self.answer({"hosts": self.show_all(HostAnswer, list_enabled(zone))})


class Host(ComputeView):
    """One host that runs servers."""

    until = "2.42"
    contracts = {
        "GET": Contract(summary="See the resources of a host", answer={"host": [ShareItem]}),
        "PUT": Contract(
            summary="Enable or disable a host",
            body=HostUpdate,
            faults=(403, 501),
            example={"status": "disable"},
        ),
    }

    def get(self, request: ComputeRequest, host_name: str) -> Response:
        request.caller.permit(rules.SHOW)
        return self.answer({"host": self.show_all(ShareItem, shares_of(host_name))})

    def put(self, request: ComputeRequest, host_name: str) -> Response:
        order = self.read(HostUpdate)
        request.caller.permit(rules.UPDATE)
        service = change_service(find_host(host_name), order.change)
        return self.answer(self.show(HostSwitched, service))


class HostReboot(ComputeView):
    """Reboots a host."""

    until = "2.42"
    rule: ClassVar[str] = rules.REBOOT
    contracts = {"GET": Contract(summary="Switch the power of a host", faults=(403, 501))}

    def get(self, request: ComputeRequest, host_name: str) -> Response:
        request.caller.permit(self.rule)
        switch_power(host_name)
        return self.answer()


class HostShutdown(HostReboot):
    """Shuts a host down."""

    rule = rules.SHUTDOWN


class HostStartup(HostReboot):
    """Starts a host."""

    rule = rules.START
