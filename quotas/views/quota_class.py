"""``/os-quota-class-sets``: the limits of a quota class."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from quotas import policies
from quotas.changes import set_class_limits
from quotas.limits import class_limits
from quotas.serializers.quota_class import (
    QuotaClassAnswer,
    QuotaClassChanged,
    QuotaClassQuery,
    QuotaClassUpdate,
)


class QuotaClassView(ComputeView):
    """Only the class ``default`` has an effect."""

    contracts = {
        "GET": Contract(
            summary="Show the limits of a class",
            query=QuotaClassQuery,
            answer={"quota_class_set": QuotaClassAnswer},
        ),
        "PUT": Contract(
            summary="Set limits of a class",
            body=QuotaClassUpdate,
            answer={"quota_class_set": QuotaClassChanged},
            example={"quota_class_set": {"instances": 20, "cores": 40}},
        ),
    }

    def get(self, request: ComputeRequest, quota_class: str) -> Response:
        self.read_query(QuotaClassQuery)
        request.caller.permit(policies.CLASS_SHOW)
        shown = self.show(QuotaClassAnswer, class_limits(quota_class), id=quota_class)
        return self.answer({"quota_class_set": shown})

    def put(self, request: ComputeRequest, quota_class: str) -> Response:
        limits = self.read(QuotaClassUpdate)
        request.caller.permit(policies.CLASS_UPDATE)
        set_class_limits(quota_class, limits, by=request.caller.user_id)
        shown = self.show(QuotaClassChanged, class_limits(quota_class))
        return self.answer({"quota_class_set": shown})
