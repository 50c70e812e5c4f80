"""``/servers``."""

from __future__ import annotations

from django.conf import settings
from rest_framework.response import Response

from compute_site.microversions.contract import Contract
from compute_site.views import ComputeRequest, ComputeView
from servers.create import create_servers
from servers.serializers.server_create import ServerCreate
from servers.serializers.server_created import ServerCreated, echo_groups


class Servers(ComputeView):
    """All servers of a project."""

    contracts = {
        "POST": Contract(
            summary="Create one or more servers",
            body=ServerCreate,
            answer={"server": ServerCreated},
            status=202,
            faults=(403, 409, 413, 415),
            headers={"Location": "The server that was made, the first one of several."},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(ServerCreate)
        created = create_servers(request.caller, order)
        if order.return_reservation_id:
            return self.answer({"reservation_id": created.reservation_id}, status=202)
        server = self.show(
            ServerCreated,
            created,
            security_groups=echo_groups(order.security_groups_echo),
            show_password=settings.OPTIONS.enable_instance_password,
        )
        location = self.links.self_link("servers", created.uuid)
        return self.answer({"server": server}, status=202, headers={"Location": location})
