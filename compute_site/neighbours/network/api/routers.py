"""The network API v2.0 of routers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.filters import DESCRIBED, by_switch
from compute_site.neighbours.network.api.lists import ListView
from compute_site.neighbours.network.api.objects import DetailView, Kind, NetworkView
from compute_site.neighbours.network.api.representation import show_interface, show_router
from compute_site.neighbours.network.local import interfaces, routers
from compute_site.neighbours.network.models import Router
from compute_site.neighbours.service_view import Filter


class Routers(NetworkView):
    noun = "router"
    sorted_by: ClassVar = {
        **NetworkView.sorted_by,
        **{key: key for key in ("status", "admin_state_up")},
    }
    kind = Kind(
        seen=policies.GET_ROUTER,
        new=serializers.RouterCreate,
        create=routers.create_router,
        changed=serializers.RouterUpdate,
        change=routers.change_router,
        delete=routers.delete_router,
        tagged=policies.UPDATE_ROUTER,
    )
    filters: ClassVar = {
        **DESCRIBED,
        "name": Filter("name"),
        "admin_state_up": by_switch("admin_state_up"),
    }

    def rows(self) -> QuerySet[Router]:
        visible = Router.objects.visible_to(self.caller).select_related("gateway")
        return visible.prefetch_related("gateway__fixed_ips")

    def show(self, row: Router) -> dict[str, Any]:
        return show_router(row)


class RouterList(Routers, ListView):
    takes_several = False


class RouterDetail(Routers, DetailView):
    pass


class InterfaceView(Routers):
    """What changes the interfaces of one router."""

    def read_place(self) -> dict[str, Any]:
        """The subnet or port that is asked for."""
        asked = self.read_whole(serializers.RouterInterface, "a subnet_id or a port_id")
        return dict(asked.values)


class AddInterface(InterfaceView):
    """``PUT /network/v2.0/routers/{id}/add_router_interface``"""

    def put(self, request: Request, row_id: str) -> Response:
        router = self.find_row(row_id)
        added = interfaces.add_interface(self.caller, router, self.read_place())
        return Response(show_interface(added))


class RemoveInterface(InterfaceView):
    """``PUT /network/v2.0/routers/{id}/remove_router_interface``"""

    def put(self, request: Request, row_id: str) -> Response:
        router = self.find_row(row_id)
        removed = interfaces.remove_interface(self.caller, router, self.read_place())
        return Response(show_interface(removed))


class AddRoutes(InterfaceView):
    """``PUT /network/v2.0/routers/{id}/add_extraroutes``"""

    def put(self, request: Request, row_id: str) -> Response:
        router = self.find_row(row_id)
        more = self.read(self.noun, serializers.ExtraRoutes).values["routes"]
        return Response({self.noun: self.show(routers.add_routes(self.caller, router, more))})


class RemoveRoutes(InterfaceView):
    """``PUT /network/v2.0/routers/{id}/remove_extraroutes``"""

    def put(self, request: Request, row_id: str) -> Response:
        router = self.find_row(row_id)
        fewer = self.read(self.noun, serializers.ExtraRoutes).values["routes"]
        return Response({self.noun: self.show(routers.remove_routes(self.caller, router, fewer))})
