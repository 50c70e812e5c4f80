"""``/os-quota-sets``: the limits of a project or user."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from quotas import policies
from quotas.changes import check_project, clear_limits, set_limits
from quotas.limits import DEFAULT_CLASS, class_limits, effective_limits
from quotas.serializers.quota_set import (
    LastUserQuery,
    QuotaSetAnswer,
    QuotaSetChanged,
    QuotaSetDetail,
    QuotaSetUpdate,
    UserQuery,
)
from quotas.usage import project_usage, split_usage, user_usage


class QuotaSetView(ComputeView):
    """The limits of a project, or with ``user_id`` of a user in it."""

    contracts = {
        "GET": Contract(
            summary="Show limits", query=UserQuery, answer={"quota_set": QuotaSetAnswer}
        ),
        "PUT": Contract(
            summary="Set limits",
            query=UserQuery,
            body=QuotaSetUpdate,
            answer={"quota_set": QuotaSetChanged},
            example={"quota_set": {"instances": 20, "cores": 40}},
        ),
        "DELETE": Contract(summary="Take limits back", query=UserQuery, status=202),
    }

    def get(self, request: ComputeRequest, owner: str) -> Response:
        user_id = self.read_query(UserQuery)
        request.caller.permit(policies.SHOW, project_id=owner)
        check_project(owner)
        limits = effective_limits(owner, user_id)
        return self.answer({"quota_set": self.show(QuotaSetAnswer, limits, id=owner)})

    def put(self, request: ComputeRequest, owner: str) -> Response:
        change = self.read(QuotaSetUpdate)
        user_id = self.read_query(UserQuery)
        request.caller.permit(policies.UPDATE, project_id=owner)
        by = request.caller.user_id
        set_limits(owner, change.limits, user_id=user_id, force=change.force, by=by)
        limits = effective_limits(owner, user_id)
        return self.answer({"quota_set": self.show(QuotaSetChanged, limits)})

    def delete(self, request: ComputeRequest, owner: str) -> Response:
        user_id = self.read_query(UserQuery)
        request.caller.permit(policies.DELETE, project_id=owner)
        clear_limits(owner, user_id=user_id, by=request.caller.user_id)
        return self.answer(status=202)


class QuotaSetDetailView(ComputeView):
    """Limits with usage."""

    contracts = {
        "GET": Contract(
            summary="Show limits and usage",
            query=LastUserQuery,
            answer={"quota_set": QuotaSetDetail},
        ),
    }

    def get(self, request: ComputeRequest, owner: str) -> Response:
        user_id = self.read_query(LastUserQuery)
        request.caller.permit(policies.DETAIL, project_id=owner)
        check_project(owner)
        usage = user_usage(owner, user_id) if user_id else project_usage(owner)
        in_use, reserved = split_usage(usage, owner, user_id or None)
        limits = effective_limits(owner, user_id)
        shown = self.show(QuotaSetDetail, limits, id=owner, usage=in_use, reserved=reserved)
        return self.answer({"quota_set": shown})


class QuotaSetDefaultsView(ComputeView):
    """The limits of a project without its own ones. Nova: any caller may ask for any project."""

    contracts = {
        "GET": Contract(summary="Show the default limits", answer={"quota_set": QuotaSetAnswer}),
    }

    def get(self, request: ComputeRequest, owner: str) -> Response:
        request.caller.permit(policies.DEFAULTS)
        check_project(owner)
        limits = class_limits(DEFAULT_CLASS)
        return self.answer({"quota_set": self.show(QuotaSetAnswer, limits, id=owner)})
