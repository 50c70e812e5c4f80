"""``/os-instance_usage_audit_log``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.hosts.audit import read_audit_log
from servers.policies import audit as rules
from servers.serializers.audit import AuditLogAnswer


class AuditLogs(ComputeView):
    """The last whole month."""

    contracts = {
        "GET": Contract(
            summary="Show which hosts told of the use of their servers",
            query=NoQuery,
            answer={"instance_usage_audit_logs": AuditLogAnswer},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.LIST)
        log = self.show(AuditLogAnswer, read_audit_log())
        return self.answer({"instance_usage_audit_logs": log})


class OneAuditLog(ComputeView):
    """The last whole month before a time."""

    contracts = {
        "GET": Contract(
            summary="Show which hosts told of the use of their servers before a time",
            query=NoQuery,
            answer={"instance_usage_audit_log": AuditLogAnswer},
        ),
    }

    def get(self, request: ComputeRequest, before: str) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.SHOW)
        log = self.show(AuditLogAnswer, read_audit_log(before))
        return self.answer({"instance_usage_audit_log": log})
