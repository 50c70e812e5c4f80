"""Stored policies of endpoints, services and services in regions (``OS-ENDPOINT-POLICY``)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from compute_site.identity.models import (
    Endpoint,
    IdentityChange,
    PolicyAssociation,
    Region,
    Service,
    StoredPolicy,
)
from tests.identity.test_domains import V3
from tests.world.cast import Cast
from tests.world.client import ApiClient

pytestmark = pytest.mark.django_db


class Places:
    """A service with an endpoint in an inner region, one in the outer region and one in none."""

    def __init__(self, admin: ApiClient) -> None:
        self.admin = admin
        self.one, self.other = (StoredPolicy.objects.create(type="t", blob=b).pk for b in "ab")
        self.outer = Region.objects.create(pk="outer")
        self.inner = Region.objects.create(pk="inner", parent=self.outer)
        service = Service.objects.create(type="dns")
        self.service = f"services/{service.pk}"
        self.in_outer, self.in_inner = (f"{self.service}/regions/{at}" for at in ("outer", "inner"))
        self.endpoint, self.above, self.placeless = (
            Endpoint.objects.create(
                service=service, interface="public", url="http://dns", region=at
            )
            for at in (self.inner, self.outer, None)
        )
        self.own = f"endpoints/{self.endpoint.pk}"

    def url(self, policy: str, place: str) -> str:
        return f"{V3}/policies/{policy}/OS-ENDPOINT-POLICY/{place}"

    def put(self, policy: str, place: str) -> None:
        self.admin.put(self.url(policy, place)).expect(204)

    def delete(self, policy: str, place: str) -> None:
        self.admin.delete(self.url(policy, place)).expect(204)

    def policy_of(self, endpoint: Endpoint) -> str | None:
        path = f"{V3}/endpoints/{endpoint.pk}/OS-ENDPOINT-POLICY/policy"
        answer = self.admin.get(path)
        return answer.json["policy"]["id"] if answer.status == 200 else None

    def policies(self) -> list[str | None]:
        return [self.policy_of(one) for one in (self.endpoint, self.above, self.placeless)]

    def endpoints_of(self, policy: str) -> set[str]:
        listed = self.admin.get(self.url(policy, "endpoints")).expect(200).json["endpoints"]
        assert len(listed) == len({one["id"] for one in listed})
        return {one["id"] for one in listed}


@pytest.fixture
def places(as_admin: ApiClient) -> Places:
    return Places(as_admin)


def test_the_nearest_policy_is_that_of_an_endpoint(places: Places) -> None:
    one, other = places.one, places.other
    assert places.policies() == [None, None, None]
    places.put(one, places.service)
    assert places.policies() == [one, one, one]
    places.put(other, places.in_outer)
    assert places.policies() == [other, other, one]
    places.put(one, places.in_inner)
    assert places.policies() == [one, other, one]
    places.put(other, places.own)
    assert places.policies() == [other, other, one]
    every = {places.endpoint.pk, places.above.pk, places.placeless.pk}
    assert places.endpoints_of(one) == every
    assert places.endpoints_of(other) == {places.endpoint.pk, places.above.pk}
    places.delete(one, places.service)
    assert places.endpoints_of(one) == {places.endpoint.pk}
    assert places.policies() == [other, other, None]


@pytest.mark.parametrize("place", ["own", "service", "in_inner"])
def test_a_place_has_one_policy(places: Places, cast: Cast, place: str) -> None:
    path = getattr(places, place)
    first, second = (places.url(policy, path) for policy in (places.one, places.other))
    places.admin.get(first).expect(404)
    for _ in range(2):
        places.put(places.one, path)
    places.admin.head(first).expect(204)
    places.delete(places.other, path)
    places.admin.get(first).expect(204)
    places.put(places.other, path)
    places.admin.get(first).expect(404)
    places.admin.get(second).expect(204)
    assert PolicyAssociation.objects.get().policy_id == places.other
    for _ in range(2):
        places.delete(places.other, path)
    places.admin.get(second).expect(404)
    assert not PolicyAssociation.objects.exists()
    told = IdentityChange.objects.filter(kind="policy", by=cast.admin.user_id)
    assert [row.object_id for row in told.order_by("id")] == [
        places.one,
        places.other,
        places.other,
    ]


@pytest.mark.parametrize("what", ["policy", "endpoint", "service", "region"])
def test_an_association_goes_with_what_it_is_of(places: Places, what: str) -> None:
    places.put(places.one, places.own if what in ("policy", "endpoint") else places.in_inner)
    gone = {
        "policy": f"policies/{places.one}",
        "endpoint": places.own,
        "service": places.service,
        "region": "regions/inner",
    }
    if what == "region":
        places.admin.delete(f"{V3}/{places.own}").expect(204)
    places.admin.delete(f"{V3}/{gone[what]}").expect(204)
    assert not PolicyAssociation.objects.exists()


def test_what_is_not_there_is_told(places: Places) -> None:
    for path in ("endpoints/no", "services/no", f"{places.service}/regions/no"):
        for method in ("GET", "PUT", "DELETE"):
            answer = places.admin.send(method, places.url(places.one, path)).expect(404)
            assert "no" in answer.json["error"]["message"]
    places.admin.put(places.url("no", places.own)).expect(404)
    places.admin.get(places.url("no", "endpoints")).expect(404)
    places.admin.get(f"{V3}/endpoints/no/OS-ENDPOINT-POLICY/policy").expect(404)
    places.admin.post(places.url(places.one, places.own), {}).expect(405)
    places.admin.get(f"{places.url(places.one, 'endpoints')}?foo=1").expect(400)
    assert not PolicyAssociation.objects.exists()


def test_admins_alone_have_to_do_with_it(places: Places, as_manager: ApiClient) -> None:
    places.put(places.one, places.service)
    for path in (places.own, places.service, places.in_inner):
        for method, rule in (("GET", "check"), ("PUT", "create"), ("DELETE", "delete")):
            answer = as_manager.send(method, places.url(places.other, path)).expect(403)
            assert f"identity:{rule}_policy_association_for_" in answer.json["error"]["message"]
    as_manager.get(places.url(places.one, "endpoints")).expect(403)
    as_manager.get(f"{V3}/{places.own}/OS-ENDPOINT-POLICY/policy").expect(403)
    ApiClient().get(places.url(places.one, "endpoints")).expect(401)
    assert PolicyAssociation.objects.get().policy_id == places.one


def test_the_admin_makes_and_deletes_them(places: Places, cast: Cast) -> None:
    http = Client()
    http.force_login(cast.admin.user, backend="django.contrib.auth.backends.ModelBackend")
    add = reverse("admin:identity_policyassociation_add")
    service = places.endpoint.service_id
    places.put(places.other, f"endpoints/{places.above.pk}")
    for form, text in (
        ({}, "Name an endpoint, a service"),
        ({"endpoint": places.endpoint.pk, "service": service}, "Name an endpoint, a service"),
        ({"endpoint": places.endpoint.pk, "region": "inner"}, "Name an endpoint, a service"),
        ({"endpoint": places.above.pk}, "There is a policy for that already"),
    ):
        answer = http.post(add, {"policy": places.one, **form})
        assert answer.status_code == 200
        assert text in str(answer.context["adminform"].form.errors)
    assert PolicyAssociation.objects.get().policy_id == places.other
    places.delete(places.other, f"endpoints/{places.above.pk}")
    form = {"policy": places.one, "service": service, "region": "outer"}
    assert http.post(add, form).status_code == 302
    assert places.policy_of(places.endpoint) == places.one
    row = PolicyAssociation.objects.get()
    gone = reverse("admin:identity_policyassociation_delete", args=[row.pk])
    assert http.post(gone, {"post": "yes"}).status_code == 302
    assert places.policy_of(places.endpoint) is None
