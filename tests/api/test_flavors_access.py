"""``/flavors/{id}/os-flavor-access`` and the actions that change it."""

from __future__ import annotations

import pytest

from flavors.models import Flavor, FlavorAccess
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor

ACTION = "/flavors/f/action"


@pytest.fixture(autouse=True)
def _flavor(cast: Cast) -> None:
    make_flavor(flavorid="f", is_public=False)


def opened_to() -> list[str]:
    return list(FlavorAccess.objects.values_list("project_id", flat=True))


def opens(project: str) -> dict[str, dict[str, str]]:
    return {"addTenantAccess": {"tenant": project}}


def closes(project: str) -> dict[str, dict[str, str]]:
    return {"removeTenantAccess": {"tenant": project}}


def test_a_flavor_is_opened_listed_and_closed(as_admin: ApiClient) -> None:
    access = {"flavor_access": [{"flavor_id": "f", "tenant_id": ALPHA}]}
    assert as_admin.post(ACTION, opens(ALPHA)).expect(200).json == access
    assert opened_to() == [ALPHA]
    assert as_admin.get("/flavors/f/os-flavor-access").expect(200).json == access
    assert as_admin.post(ACTION, closes(ALPHA)).expect(200).json == {"flavor_access": []}
    assert opened_to() == []


def test_a_flavor_is_opened_and_closed_once(as_admin: ApiClient) -> None:
    as_admin.post(ACTION, closes(ALPHA)).expect(404)
    as_admin.post(ACTION, opens(ALPHA)).expect(200)
    as_admin.post(ACTION, opens(ALPHA)).expect(409)


def test_a_project_that_does_not_exist_is_refused(as_admin: ApiClient) -> None:
    answer = as_admin.post(ACTION, opens("nosuch")).expect(400)
    assert answer.blamed == ["addTenantAccess.tenant"]
    as_admin.post(ACTION, closes("nosuch")).expect(404)


@pytest.mark.parametrize(("microversion", "status"), [("2.6", 200), ("2.7", 409)])
def test_a_public_flavor_cannot_be_opened_from_2_7(
    as_admin: ApiClient, microversion: str, status: int
) -> None:
    Flavor.objects.update(is_public=True)
    as_admin.post(ACTION, opens(BETA), microversion=microversion).expect(status)


def test_a_public_flavor_has_no_list(as_admin: ApiClient) -> None:
    Flavor.objects.update(is_public=True)
    as_admin.get("/flavors/f/os-flavor-access").expect(404)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"nosuch": {}},
        {"addTenantAccess": None},
        {"addTenantAccess": {"tenant": ""}},
        {"addTenantAccess": {"tenant": 5}},
        {"addTenantAccess": {"tenant": "t" * 256}},
        {"removeTenantAccess": {"tenant": "t", "more": 1}},
        opens(ALPHA) | closes(ALPHA),
    ],
)
def test_wrong_actions_are_refused(as_admin: ApiClient, sent: object) -> None:
    as_admin.post(ACTION, sent).expect(400)


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_sees_and_changes_access(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    caller.get("/flavors/f/os-flavor-access").expect(403)
    caller.post(ACTION, opens(ALPHA)).expect(403)
    caller.post(ACTION, closes(ALPHA)).expect(403)
    assert opened_to() == []


@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_unknown_query_keys_are_refused_from_2_102(
    as_admin: ApiClient, microversion: str, status: int
) -> None:
    path = "/flavors/f/os-flavor-access?nosuch=1"
    as_admin.get(path, microversion=microversion).expect(status)
