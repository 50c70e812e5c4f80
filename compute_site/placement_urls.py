"""Every URL of the Placement API, below ``/placement``."""

from __future__ import annotations

from django.urls import path, re_path

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
    view,
)

ONE = "resource_providers/<str:provider_id>"

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
    re_path("", view.UnknownPlacementUrl.as_view()),
]
