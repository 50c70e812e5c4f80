"""What hosts need of volumes while they carry out orders about them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from servers.host_orders.growth import show_growth
from servers.views.host_api.view import HostView, read_order_id


class Grown(HostView):
    """``POST /host/v1/volumes/{order}/grown``: the guest stands still, let it see the new size."""

    def post(self, request: Request, order_id: str) -> Response:
        show_growth(self.agent, read_order_id(order_id))
        return Response({})
