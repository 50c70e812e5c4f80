"""``/limits``: limits and usage of a project."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from quotas import policies
from quotas.limits import effective_limits
from quotas.serializers.limit import LimitsEnvelope, LimitsQuery
from quotas.usage import project_usage, split_usage


class LimitsView(ComputeView):
    """The limits of the caller's project, or of the one that ``tenant_id`` names."""

    contracts = {
        "GET": Contract(
            summary="Show limits and usage", query=LimitsQuery, answer={"limits": LimitsEnvelope}
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        named = self.read_query(LimitsQuery)
        request.caller.permit(policies.LIMITS)
        if named is not None:
            request.caller.permit(policies.LIMITS_OTHER_PROJECT)
        project_id = request.caller.project_id if named is None else named
        limits = effective_limits(project_id)
        in_use, _reserved = split_usage(project_usage(project_id), project_id)
        shown = self.show(LimitsEnvelope, limits, usage=in_use)
        return self.answer({"limits": shown})
