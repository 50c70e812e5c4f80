"""One URL of the compute API that says who calls."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.view import ComputeView


class WhoAmI(ComputeView):
    def get(self, request: Request) -> Response:
        caller = request.caller
        return Response(
            {
                "user": caller.user_name,
                "project": caller.project_name,
                "roles": sorted(caller.roles),
                "rules": sorted(caller.rules),
                "global_rules": sorted(caller.global_rules),
            }
        )

    post = get


urlpatterns = [path("compute/v2.1/whoami", WhoAmI.as_view())]
