"""``/os-simple-tenant-usage``."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from compute_site.api.links import Link
from compute_site.api.microversions.answers import LINKS
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import usage as rules
from servers.serializers.usage import ProjectUsageAnswer, UsageListQuery, UsageQuery, is_paged
from servers.usage_report import UsagePage, report_usage


class UsageView(ComputeView):
    """What both URLs share."""

    def next_page(
        self, page: UsagePage, path: str, query: type[QuerySerializer]
    ) -> list[Link] | None:
        """A link to the next page after a full one."""
        if page.marker is None or not is_paged(self.request.version):
            return None
        known = query.at(self.request.version).entries
        return self.links.next_page(self.request, path, page.marker, known)


class Usages(UsageView):
    """What every project used."""

    contracts = {
        "GET": Contract(
            summary="See what all projects used",
            query=UsageListQuery,
            answer={"tenant_usages": [ProjectUsageAnswer], "tenant_usages_links": LINKS},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        search = self.read_query(UsageListQuery)
        request.caller.permit(rules.LIST)
        page = report_usage(search)
        shown = self.show_all(ProjectUsageAnswer, page.projects, detailed=search.detailed)
        answer: dict[str, Any] = {"tenant_usages": shown}
        links = self.next_page(page, "os-simple-tenant-usage", UsageListQuery)
        return self.answer(answer | ({"tenant_usages_links": links} if links else {}))


class Usage(UsageView):
    """What a project used."""

    contracts = {
        "GET": Contract(
            summary="See what a project used",
            query=UsageQuery,
            answer={"tenant_usage": ProjectUsageAnswer, "tenant_usage_links": LINKS},
        ),
    }

    def get(self, request: ComputeRequest, usage_of: str) -> Response:
        search = self.read_query(UsageQuery)
        request.caller.permit(rules.SHOW, project_id=usage_of)
        page = report_usage(search, usage_of)
        shown = self.show_all(ProjectUsageAnswer, page.projects, detailed=True)
        answer: dict[str, Any] = {"tenant_usage": shown[0] if shown else {}}
        links = self.next_page(page, f"os-simple-tenant-usage/{usage_of}", UsageQuery)
        return self.answer(answer | ({"tenant_usage_links": links} if links else {}))
