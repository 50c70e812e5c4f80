"""``/usages`` and ``/resource_providers/{provider_id}/usages``"""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.version import Microversion
from servers.placement.resources.usages import (
    usages_by_type,
    usages_of_project,
    usages_of_provider,
)
from servers.policies import placement_api as rules
from servers.serializers.placement_api.fields import GENERATION
from servers.serializers.placement_api.usage import USAGES, USAGES_OF_PROVIDER, UsageQuery
from servers.views.placement_api.view import Operation, PlacementView, read_provider_id

TYPES = Microversion.parse("1.38")


class ProviderUsages(PlacementView):
    """How much is held of a provider."""

    operations = {
        "GET": Operation(summary="Show how much is held of a provider", answer=USAGES_OF_PROVIDER)
    }

    def get(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.PROVIDER_USAGES)
        provider, used = usages_of_provider(read_provider_id(provider_id))
        return self.answer({"usages": used, GENERATION: provider.generation})


class Usages(PlacementView):
    """How much the consumers of a project hold."""

    since = "1.9"
    operations = {
        "GET": Operation(summary="Show how much a project holds", query=UsageQuery, answer=USAGES)
    }

    def get(self, request: Request) -> Response:
        # Placement: whose usages these are is looked at before the query string is checked
        self.permit(rules.USAGES, project_id=request.GET.get("project_id"))
        asked = self.read_query(UsageQuery)
        used: Any
        if self.version < TYPES:
            used = usages_of_project(asked.project_id, asked.user_id)
        else:
            used = usages_by_type(asked.project_id, asked.user_id, asked.consumer_type)
        return self.answer({"usages": used})
