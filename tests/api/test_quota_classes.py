"""``/os-quota-class-sets``."""

from __future__ import annotations

import pytest

from quotas.models import Limit
from tests.api.test_quota_sets import FILES, NETWORK, SINCE_2_57
from tests.world.client import ApiClient

URL = "/os-quota-class-sets/default"
GROUPS = {"server_groups": 10, "server_group_members": 10}
BEFORE_2_50 = {
    name: limit for name, limit in (SINCE_2_57 | FILES | NETWORK).items() if name not in GROUPS
}
VERSIONS = [
    ("2.1", BEFORE_2_50),
    ("2.49", BEFORE_2_50),
    ("2.50", SINCE_2_57 | FILES),
    ("2.56", SINCE_2_57 | FILES),
    ("2.57", SINCE_2_57),
]


@pytest.mark.parametrize(("microversion", "limits"), VERSIONS)
def test_each_version_shows_its_resources(
    as_admin: ApiClient, microversion: str, limits: dict[str, int]
) -> None:
    answer = as_admin.get(URL, microversion=microversion).expect(200)
    assert answer.json == {"quota_class_set": {"id": "default"} | limits}
    changed = as_admin.put(URL, {"quota_class_set": {"cores": "9"}}, microversion=microversion)
    assert changed.expect(200).json == {"quota_class_set": limits | {"cores": 9}}
    assert Limit.objects.get(quota_class="default", resource="cores").limit == 9


def test_groups_can_be_set_before_they_are_shown(as_admin: ApiClient) -> None:
    changed = as_admin.put(URL, {"quota_class_set": {"server_groups": 3}}, microversion="2.49")
    assert "server_groups" not in changed.expect(200).json["quota_class_set"]
    shown = as_admin.get(URL, microversion="2.50").json["quota_class_set"]
    assert shown["server_groups"] == 3


@pytest.mark.parametrize(
    ("resource", "last", "gone"),
    [(name, "2.49", "2.50") for name in NETWORK] + [(name, "2.56", "2.57") for name in FILES],
)
def test_a_withdrawn_resource_cannot_be_set(
    as_admin: ApiClient, resource: str, last: str, gone: str
) -> None:
    as_admin.put(URL, {"quota_class_set": {resource: 7}}, microversion=gone).expect(400)
    as_admin.put(URL, {"quota_class_set": {resource: 7}}, microversion=last).expect(200)


def test_the_default_class_applies_to_projects_without_own_limits(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    as_admin.put(URL, {"quota_class_set": {"cores": 9}}).expect(200)
    as_admin.put("/os-quota-class-sets/gold", {"quota_class_set": {"ram": 9}}).expect(200)
    absolute = as_member.get("/limits").json["limits"]["absolute"]
    assert (absolute["maxTotalCores"], absolute["maxTotalRAMSize"]) == (9, 51200)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"quota_class_set": {"cores": -2}},
        {"quota_class_set": {"cores": None}},
        {"quota_class_set": {"force": True}},
        {"quota_class_set": {}, "more": 1},
    ],
)
def test_wrong_bodies_are_refused(as_admin: ApiClient, sent: object) -> None:
    as_admin.put(URL, sent, microversion="2.57").expect(400)
    assert not Limit.objects.exists()


def test_a_class_has_a_name_of_at_most_255_characters(as_admin: ApiClient) -> None:
    sent = {"quota_class_set": {"cores": 1}}
    as_admin.put(f"/os-quota-class-sets/{'c' * 255}", sent).expect(200)
    as_admin.put(f"/os-quota-class-sets/{'c' * 256}", sent).expect(400)


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_sees_and_changes_classes(
    client: str, request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    caller.get(URL).expect(403)
    caller.put(URL, {"quota_class_set": {"cores": 5}}).expect(403)
    assert not Limit.objects.exists()


@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_unknown_query_keys_are_refused_from_2_102(
    as_admin: ApiClient, microversion: str, status: int
) -> None:
    as_admin.get(f"{URL}?nosuch=1", microversion=microversion).expect(status)
