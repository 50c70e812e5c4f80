"""Every URL of the Placement API, below ``/placement``, and its OpenAPI document."""

from __future__ import annotations

import functools
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path

from compute_site.api.microversions.version import Microversion
from compute_site.faults import Fault
from servers.views.placement_api import (
    aggregate,
    allocation,
    candidate,
    inventory,
    provider,
    reshaper,
    resource_class,
    root,
    trait,
    usage,
    versions,
    view,
)
from servers.views.placement_api.document import make_document

ONE = "resource_providers/<str:provider_id>"
UNKNOWN = r"^.*"

urlpatterns = [
    path("", root.Root.as_view()),
    path("resource_providers", provider.Providers.as_view()),
    path(ONE, provider.OneProvider.as_view()),
    path(f"{ONE}/inventories", inventory.ProviderInventories.as_view()),
    path(f"{ONE}/inventories/<str:resource_class>", inventory.OneInventory.as_view()),
    path(f"{ONE}/aggregates", aggregate.ProviderAggregates.as_view()),
    path(f"{ONE}/traits", trait.ProviderTraits.as_view()),
    path(f"{ONE}/allocations", allocation.ProviderAllocations.as_view()),
    path(f"{ONE}/usages", usage.ProviderUsages.as_view()),
    path("resource_classes", resource_class.ResourceClasses.as_view()),
    path("resource_classes/<str:name>", resource_class.OneResourceClass.as_view()),
    path("traits", trait.Traits.as_view()),
    path("traits/<str:name>", trait.OneTrait.as_view()),
    path("allocations", allocation.Allocations.as_view()),
    path("allocations/<str:consumer_id>", allocation.ConsumerAllocations.as_view()),
    path("allocation_candidates", candidate.AllocationCandidates.as_view()),
    path("usages", usage.Usages.as_view()),
    path("reshaper", reshaper.Reshaper.as_view()),
    re_path(UNKNOWN, view.UnknownPlacementUrl.as_view()),
]


def show_document(request: HttpRequest) -> HttpResponse:
    """``/schema/placement/?microversion=1.36``; without it, the newest."""
    asked = request.GET.get("microversion", "latest")
    try:
        version = versions.choose_version(f"{versions.SERVICE} {asked}")
    except Fault as fault:
        return JsonResponse(fault.envelope(), status=fault.status)
    return JsonResponse(document_at(version))


@functools.lru_cache(maxsize=64)
def document_at(version: Microversion) -> dict[str, Any]:
    """The document of a microversion; made once."""
    routes = [
        (str(entry.pattern), getattr(entry.callback, "view_class"))  # noqa: B009 - set by Django
        for entry in urlpatterns
        if str(entry.pattern) != UNKNOWN
    ]
    return make_document(routes, version)
