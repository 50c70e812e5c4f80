"""``/servers/{id}/os-security-groups``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.attachments.ports import list_groups
from servers.policies import security_group as rules
from servers.read.find import find_server
from servers.serializers.security_group import SecurityGroupAnswer


class SecurityGroups(ComputeView):
    """The security groups of a server."""

    contracts = {
        "GET": Contract(
            summary="List the security groups of a server",
            query=NoQuery,
            answer={"security_groups": [SecurityGroupAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.LIST)
        return self.answer(
            {"security_groups": self.show_all(SecurityGroupAnswer, list_groups(instance))}
        )
