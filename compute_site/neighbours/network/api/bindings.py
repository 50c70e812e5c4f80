"""The network API v2.0 of the bindings of ports."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.representation import show_host_binding
from compute_site.neighbours.network.api.views import Ports
from compute_site.neighbours.network.local import bindings
from compute_site.neighbours.network.local.bindings import HostBinding
from compute_site.neighbours.service_view import UnknownFilter

FILTERS = ("host", "status", "vnic_type", "vif_type")


class BindingView(Ports):
    """What is done with the bindings of one port."""

    def answer(self, binding: HostBinding, status: int = 200) -> Response:
        shown = show_host_binding(binding.row, active=binding.active)
        return Response({"binding": shown}, status=status)


class BindingList(BindingView):
    """``/network/v2.0/ports/{id}/bindings``"""

    def get(self, request: Request, row_id: str) -> Response:
        unknown = sorted(set(request.GET) - {*FILTERS, "fields"})
        if unknown:
            raise UnknownFilter(
                f"Bindings are not filtered by {', '.join(unknown)[:200]}; they are by "
                f"{', '.join(FILTERS)}."
            )
        found = bindings.list_bindings(self.caller, self.find_row(row_id))
        shown = [show_host_binding(one.row, active=one.active) for one in found]
        for key in FILTERS:
            words = request.GET.getlist(key)
            shown = [one for one in shown if not words or one[key] in words]
        fields = request.GET.getlist("fields")
        if fields:
            shown = [{key: one[key] for key in fields if key in one} for one in shown]
        return Response({"bindings": shown})

    def post(self, request: Request, row_id: str) -> Response:
        port = self.find_row(row_id)
        asked = self.read("binding", serializers.BindingCreate)
        return self.answer(bindings.create_binding(self.caller, port, asked.values), status=201)


class BindingDetail(BindingView):
    """``/network/v2.0/ports/{id}/bindings/{host}``"""

    def get(self, request: Request, row_id: str, host: str) -> Response:
        return self.answer(bindings.find_binding(self.caller, self.find_row(row_id), host))

    def put(self, request: Request, row_id: str, host: str) -> Response:
        port = self.find_row(row_id)
        asked = self.read("binding", serializers.BindingUpdate)
        changed = bindings.change_binding(self.caller, port, host, asked.values, asked.given)
        return self.answer(changed)

    def delete(self, request: Request, row_id: str, host: str) -> Response:
        bindings.delete_binding(self.caller, self.find_row(row_id), host)
        return Response(status=204)


class BindingActivation(BindingView):
    """``PUT /network/v2.0/ports/{id}/bindings/{host}/activate``"""

    def put(self, request: Request, row_id: str, host: str) -> Response:
        return self.answer(bindings.activate_binding(self.caller, self.find_row(row_id), host))
