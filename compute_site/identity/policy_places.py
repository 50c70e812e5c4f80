"""Which stored policy is that of an endpoint: the endpoint's own, that of its service in its region
or in one around it, or that of its service. Nothing here acts by it; other services may ask.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from django.db import transaction
from django.db.models import Q, QuerySet

from compute_site.identity.models import (
    Endpoint,
    PolicyAssociation,
    Region,
    Service,
    StoredPolicy,
)
from compute_site.identity.records import note_change

PLACE = ("endpoint", "service", "region")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPlace:
    """An endpoint, a service, or a service in a region."""

    endpoint: Endpoint | None = None
    service: Service | None = None
    region: Region | None = None

    @property
    def rows(self) -> QuerySet[PolicyAssociation]:
        """That of the place, or none."""
        return PolicyAssociation.objects.filter(**{name: getattr(self, name) for name in PLACE})

    def __str__(self) -> str:
        named = ((name, getattr(self, name)) for name in PLACE)
        return " in ".join(f"the {name} {thing.pk}" for name, thing in named if thing is not None)


def associate(policy: StoredPolicy, place: PolicyPlace, *, by: str) -> None:
    """Make the policy that of the place, instead of the one that it has."""
    if place.rows.filter(policy=policy).exists():
        return
    row = PolicyAssociation(policy=policy, **{name: getattr(place, name) for name in PLACE})
    with transaction.atomic():
        PolicyAssociation.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=PLACE, update_fields=["policy"]
        )
        note_change(policy, f"Made the policy of {place}.", by=by)


def dissociate(policy: StoredPolicy, place: PolicyPlace, *, by: str) -> None:
    """Leave the place without a policy, if this one is its."""
    with transaction.atomic():
        if place.rows.filter(policy=policy).delete()[0]:
            note_change(policy, f"No more the policy of {place}.", by=by)


def find_policy(endpoint: Endpoint) -> StoredPolicy | None:
    """The policy of the endpoint: the nearest one."""
    found = PolicyAssociation.objects.filter(Q(endpoint=endpoint) | Q(service=endpoint.service_id))
    policy_at = {
        (row.endpoint_id, row.service_id, row.region_id): row.policy
        for row in found.select_related("policy")
    }
    service = endpoint.service_id
    around = _around(endpoint.region_id, _parents()) if endpoint.region_id else ()
    places = [(endpoint.pk, None, None), *((None, service, one) for one in around)]
    places.append((None, service, None))
    return next((policy_at[place] for place in places if place in policy_at), None)


def endpoints_of(policy: StoredPolicy) -> QuerySet[Endpoint]:
    """Those at the places of the policy, also where a nearer one is another policy's."""
    parents = _parents()
    here = Q(pk__in=[])
    for row in policy.associations.all():
        if row.endpoint_id is not None:
            here |= Q(pk=row.endpoint_id)
        elif row.region_id is None:
            here |= Q(service=row.service_id)
        else:
            within = [one for one in parents if row.region_id in _around(one, parents)]
            here |= Q(service=row.service_id, region__in=within)
    return Endpoint.objects.filter(here).order_by("place", "id")


def _parents() -> dict[str, str | None]:
    """Region → the region that it lies in."""
    return dict(Region.objects.values_list("pk", "parent"))


def _around(region: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    """The region, and those that it lies in, the nearest first."""
    left = dict(parents)
    one: str | None = region
    while one is not None:
        yield one
        one = left.pop(one, None)
