"""``/reshaper``"""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from servers.placement.resources.reshape import reshape
from servers.policies import placement_api as rules
from servers.serializers.placement_api.reshaper import Reshape
from servers.views.placement_api.view import Operation, PlacementView


class Reshaper(PlacementView):
    """Moves inventories between providers with what is held of them."""

    since = "1.30"
    operations = {
        "POST": Operation(
            summary="Move inventories between providers with what is held of them",
            body=Reshape,
            status=204,
            faults=(409,),
        )
    }

    def post(self, request: Request) -> Response:
        self.permit(rules.RESHAPE)
        order = self.read_json(Reshape)
        reshape(order.inventories, order.consumers)
        return self.answer(status=204)
