"""``/os-floating-ips`` and ``/os-floating-ip-pools``: old URLs of compute that pass requests on to
the network service.
"""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import floating_ip as rules
from servers.proxies.floating_ips import (
    find_floating_ip,
    give_floating_ip_up,
    list_floating_ips,
    list_pools,
    take_floating_ip,
)
from servers.serializers.floating_ip import FloatingIpAnswer, FloatingIpCreate, PoolAnswer


class FloatingIpPools(ComputeView):
    """The networks that floating IPs come from."""

    until = "2.35"
    contracts = {
        "GET": Contract(
            summary="List pools of floating IPs", answer={"floating_ip_pools": [PoolAnswer]}
        )
    }

    def get(self, request: ComputeRequest) -> Response:
        request.caller.permit(rules.POOLS)
        pools = list_pools(request.caller)
        return self.answer({"floating_ip_pools": self.show_all(PoolAnswer, pools)})


class FloatingIps(ComputeView):
    """The floating IPs of the project."""

    until = "2.35"
    contracts = {
        "GET": Contract(summary="List floating IPs", answer={"floating_ips": [FloatingIpAnswer]}),
        "POST": Contract(
            summary="Take a floating IP",
            body=FloatingIpCreate,
            example={"pool": "public"},
            answer={"floating_ip": FloatingIpAnswer},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        request.caller.permit(rules.LIST)
        found = list_floating_ips(request.caller)
        return self.answer({"floating_ips": self.show_all(FloatingIpAnswer, found)})

    def post(self, request: ComputeRequest) -> Response:
        pool = None if self.body is None else self.read(FloatingIpCreate)
        request.caller.permit(rules.CREATE)
        taken = take_floating_ip(request.caller, pool)
        return self.answer({"floating_ip": self.show(FloatingIpAnswer, taken)})


class FloatingIp(ComputeView):
    """One floating IP."""

    until = "2.35"
    contracts = {
        "GET": Contract(summary="Show a floating IP", answer={"floating_ip": FloatingIpAnswer}),
        "DELETE": Contract(summary="Give a floating IP up", status=202),
    }

    def get(self, request: ComputeRequest, floating_ip_id: str) -> Response:
        request.caller.permit(rules.SHOW)
        found = find_floating_ip(request.caller, floating_ip_id)
        return self.answer({"floating_ip": self.show(FloatingIpAnswer, found)})

    def delete(self, request: ComputeRequest, floating_ip_id: str) -> Response:
        request.caller.permit(rules.DELETE)
        give_floating_ip_up(request.caller, floating_ip_id)
        return self.accepted()
