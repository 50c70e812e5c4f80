"""``/allocation_candidates``"""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from servers.placement.resources.candidates import find_candidates
from servers.policies import placement_api as rules
from servers.serializers.placement_api.candidate import (
    CANDIDATES,
    PARAMETERS,
    CandidatesView,
    read_candidates,
)
from servers.views.placement_api.view import Operation, PlacementView


class AllocationCandidates(PlacementView):
    """Which providers can give what is asked for."""

    since = "1.10"
    operations = {
        "GET": Operation(
            summary="Ask which providers can give something",
            parameters=PARAMETERS,
            answer=CANDIDATES,
        )
    }

    def get(self, request: Request) -> Response:
        self.permit(rules.LIST_CANDIDATES)
        asked = read_candidates(dict(request.GET.lists()), self.version)
        found = find_candidates(asked)
        return self.answer(CandidatesView(asked, found, self.version).show())
