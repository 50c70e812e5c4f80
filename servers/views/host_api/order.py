"""The orders of a host."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.waiting.held import ROOM, hold
from servers.host_orders.take import answer_order, note_progress, take_orders
from servers.host_orders.waiting import NewOrders
from servers.views.host_api import shapes
from servers.views.host_api.view import HostView, read_order_id

LONGEST_WAIT = 25
MOST_DIGITS = 18


class Orders(HostView):
    """``GET /host/v1/orders?after=SEQ&wait=SECONDS``: the open orders behind that place, or 204.

    Under the site's web server a request waits for an order, and keeps no thread meanwhile. Under
    other servers it is answered at once, and agents ask again after a while.
    """

    def get(self, request: Request) -> HttpResponse:
        after = self._number("after", 10**MOST_DIGITS)
        wait = self._number("wait", LONGEST_WAIT)
        waiting = NewOrders(self.agent, wait) if wait and ROOM in request.META else None
        orders = take_orders(self.agent, after=after)
        if orders:
            return Response({"orders": orders})
        if waiting is not None:
            hold(request.META, waiting)
        return HttpResponse(status=204)

    def _number(self, name: str, most: int) -> int:
        word = self.request.GET.get(name, "0")
        if not word.isdecimal() or len(word) > MOST_DIGITS:
            raise BadRequest(f"{name} is a whole number, not {word[:60]!r}.")
        return min(int(word), most)


class Done(HostView):
    """``POST /host/v1/orders/{id}/done``: the first answer counts, and may come again."""

    def post(self, request: Request, order_id: str) -> Response:
        answer_order(self.agent, read_order_id(order_id), self.read_answer())
        return Response({})

    def read_answer(self) -> dict[str, object]:
        given = self.read(shapes.ANSWER)
        result = {key: value for key, value in given["result"].items() if value is not None}
        if given["ok"]:
            return {"ok": True, "result": result}
        return {"ok": False, "fault": given["fault"], "code": given["code"]}


class Progress(HostView):
    """``POST /host/v1/orders/{id}/progress``."""

    def post(self, request: Request, order_id: str) -> Response:
        told = {key: one for key, one in self.read(shapes.PROGRESS).items() if one is not None}
        note_progress(self.agent, read_order_id(order_id), told)
        return Response({})
