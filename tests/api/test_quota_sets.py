"""``/os-quota-sets``: the limits of a project or user."""

from __future__ import annotations

import pytest

from quotas.models import Limit, Usage
from servers.models import ServerGroup
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient

URL = f"/os-quota-sets/{ALPHA}"
SINCE_2_57 = {
    "instances": 10,
    "cores": 20,
    "ram": 51200,
    "metadata_items": 128,
    "key_pairs": 100,
    "server_groups": 10,
    "server_group_members": 10,
}
FILES = {
    "injected_files": 5,
    "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255,
}
NETWORK = {
    "fixed_ips": -1,
    "floating_ips": -1,
    "security_groups": -1,
    "security_group_rules": -1,
}
VERSIONS = [
    ("2.35", SINCE_2_57 | FILES | NETWORK),
    ("2.36", SINCE_2_57 | FILES),
    ("2.56", SINCE_2_57 | FILES),
    ("2.57", SINCE_2_57),
    ("latest", SINCE_2_57),
]


def limit_rows() -> dict[tuple[str | None, str, str], int]:
    rows = Limit.objects.values_list("project_id", "user_id", "resource", "limit")
    return {(project, user, resource): limit for project, user, resource, limit in rows}


@pytest.mark.parametrize(("microversion", "limits"), VERSIONS)
def test_each_version_shows_its_resources(
    as_reader: ApiClient, as_admin: ApiClient, microversion: str, limits: dict[str, int]
) -> None:
    shown = {"quota_set": {"id": ALPHA} | limits}
    assert as_reader.get(URL, microversion=microversion).expect(200).json == shown
    answer = as_reader.get(f"{URL}/defaults", microversion=microversion)
    assert answer.expect(200).json == shown
    detail = as_reader.get(f"{URL}/detail", microversion=microversion).expect(200).json
    assert detail["quota_set"].pop("id") == ALPHA
    assert detail["quota_set"] == {
        resource: {"limit": limit, "in_use": 0, "reserved": 0} for resource, limit in limits.items()
    }
    changed = as_admin.put(URL, {"quota_set": {"cores": 7}}, microversion=microversion)
    assert changed.expect(200).json == {"quota_set": limits | {"cores": 7}}


def test_usage_is_shown_with_the_limits(as_reader: ApiClient) -> None:
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=6)
    detail = as_reader.get(f"{URL}/detail", microversion="2.57").json["quota_set"]
    assert detail["cores"] == {"limit": 20, "in_use": 6, "reserved": 0}


def test_a_user_s_usage_is_shown_with_the_user_s_limits(as_admin: ApiClient, cast: Cast) -> None:
    user = cast.member.user_id
    ServerGroup.objects.create(project=cast.alpha, name="g", policy="affinity", user_id=user)
    Limit.objects.create(project_id=ALPHA, user_id=user, resource="server_groups", limit=3)
    detail = as_admin.get(f"{URL}/detail?user_id={user}", microversion="2.57").json["quota_set"]
    assert detail["server_groups"] == {"limit": 3, "in_use": 1, "reserved": 0}
    assert detail["instances"] == {"limit": 10, "in_use": 0, "reserved": 0}


@pytest.mark.parametrize("path", ["", "/detail"])
def test_limits_are_shown_to_the_project_and_to_admins(
    as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient, path: str
) -> None:
    as_member.get(URL + path).expect(200)
    as_outsider.get(URL + path).expect(403)
    as_admin.get(f"/os-quota-sets/{BETA}{path}").expect(200)


def test_anyone_may_see_the_defaults_of_any_project(as_outsider: ApiClient) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=1)
    Limit.objects.create(quota_class="default", resource="ram", limit=2)
    shown = as_outsider.get(f"{URL}/defaults", microversion="2.57").expect(200).json["quota_set"]
    assert (shown["cores"], shown["ram"]) == (20, 2)


@pytest.mark.parametrize("path", ["", "/detail", "/defaults"])
def test_an_unknown_project_is_refused(as_admin: ApiClient, path: str) -> None:
    assert "nosuch" in as_admin.get(f"/os-quota-sets/nosuch{path}").expect(400).message


def test_limits_are_set_and_taken_back(as_admin: ApiClient) -> None:
    as_admin.put(URL, {"quota_set": {"cores": "30", "ram": -1}}).expect(200)
    as_admin.put(f"{URL}?user_id=u", {"quota_set": {"cores": 4}}).expect(200)
    assert limit_rows() == {
        (ALPHA, "", "cores"): 30,
        (ALPHA, "", "ram"): -1,
        (ALPHA, "u", "cores"): 4,
    }
    as_admin.put(URL, {"quota_set": {"cores": 31}}).expect(200)
    assert limit_rows()[ALPHA, "", "cores"] == 31
    assert as_admin.delete(f"{URL}?user_id=u").expect(202).content == b""
    assert set(limit_rows()) == {(ALPHA, "", "cores"), (ALPHA, "", "ram")}
    as_admin.put(f"{URL}?user_id=u", {"quota_set": {"cores": 4}}).expect(200)
    as_admin.delete(URL).expect(202)
    assert limit_rows() == {}


@pytest.mark.parametrize(
    ("values", "blamed"),
    [
        ({"cores": -2}, "cores"),
        ({"cores": 2147483648}, "cores"),
        ({"cores": "many"}, "cores"),
        ({"cores": ""}, "cores"),
        ({"cores": 1.5}, "cores"),
        ({"cores": None}, "cores"),
        ({"cores": True}, "cores"),
        ({"nosuch": 1}, "nosuch"),
        ({"id": ALPHA}, "id"),
        ({"force": 1}, "force"),
    ],
)
def test_wrong_values_are_refused(as_admin: ApiClient, values: object, blamed: str) -> None:
    answer = as_admin.put(URL, {"quota_set": values}, microversion="2.57").expect(400)
    assert answer.blamed == [f"quota_set.{blamed}"]
    assert limit_rows() == {}


@pytest.mark.parametrize("sent", [None, {}, {"quota_set": None}, {"quota_set": {}, "more": 1}])
def test_wrong_bodies_are_refused(as_admin: ApiClient, sent: object) -> None:
    as_admin.put(URL, sent).expect(400)


@pytest.mark.parametrize(
    ("resource", "last", "gone"),
    [(name, "2.35", "2.36") for name in NETWORK] + [(name, "2.56", "2.57") for name in FILES],
)
def test_a_withdrawn_resource_cannot_be_set(
    as_admin: ApiClient, resource: str, last: str, gone: str
) -> None:
    as_admin.put(URL, {"quota_set": {resource: 7}}, microversion=gone).expect(400)
    answer = as_admin.put(URL, {"quota_set": {resource: 7}}, microversion=last).expect(200)
    assert answer.json["quota_set"][resource] == 7


def test_a_limit_below_usage_must_be_forced(as_admin: ApiClient) -> None:
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=6)
    refused = as_admin.put(URL, {"quota_set": {"ram": 1, "cores": 5}}).expect(400)
    assert refused.blamed == ["quota_set.cores"]
    assert limit_rows() == {}
    as_admin.put(URL, {"quota_set": {"cores": 6}}).expect(200)
    as_admin.put(URL, {"quota_set": {"cores": 5, "force": "True"}}).expect(200)
    assert limit_rows() == {(ALPHA, "", "cores"): 5}


def test_a_limit_below_what_users_were_given_must_be_forced(as_admin: ApiClient) -> None:
    Limit.objects.create(project_id=ALPHA, user_id="u", resource="cores", limit=4)
    Limit.objects.create(project_id=ALPHA, user_id="v", resource="cores", limit=3)
    as_admin.put(URL, {"quota_set": {"cores": 6}}).expect(400)
    as_admin.put(URL, {"quota_set": {"cores": 7}}).expect(200)
    as_admin.put(URL, {"quota_set": {"cores": 6, "force": True}}).expect(200)


@pytest.mark.parametrize(
    ("project_limit", "limit", "status"),
    [(8, 5, 200), (8, 6, 400), (8, -1, 400), (-1, 100, 200), (-1, -1, 200)],
)
def test_a_user_s_limit_fits_into_what_the_others_leave(
    as_admin: ApiClient, project_limit: int, limit: int, status: int
) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=project_limit)
    Limit.objects.create(project_id=ALPHA, user_id="u", resource="cores", limit=2)
    Limit.objects.create(project_id=ALPHA, user_id="v", resource="cores", limit=3)
    as_admin.put(f"{URL}?user_id=u", {"quota_set": {"cores": limit}}).expect(status)


def test_a_user_s_limit_below_what_the_user_has_must_be_forced(
    as_admin: ApiClient, cast: Cast
) -> None:
    user = cast.member.user_id
    ServerGroup.objects.create(project=cast.alpha, name="g", policy="affinity", user_id=user)
    url = f"{URL}?user_id={user}"
    as_admin.put(url, {"quota_set": {"server_groups": 0}}).expect(400)
    as_admin.put(url, {"quota_set": {"server_groups": 0, "force": True}}).expect(200)


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_changes_limits(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    caller.put(URL, {"quota_set": {"cores": 5}}).expect(403)
    caller.delete(URL).expect(403)
    assert limit_rows() == {}


@pytest.mark.parametrize(("microversion", "status"), [("2.74", 200), ("2.75", 400)])
def test_unknown_query_keys_are_refused_from_2_75(
    as_admin: ApiClient, microversion: str, status: int
) -> None:
    query = "?nosuch=1"
    for path in (URL, f"{URL}/detail"):
        as_admin.get(path + query, microversion=microversion).expect(status)
    as_admin.put(URL + query, {"quota_set": {}}, microversion=microversion).expect(status)
    deleted = as_admin.delete(URL + query, microversion=microversion)
    deleted.expect(202 if status == 200 else status)
    as_admin.get(f"{URL}/defaults{query}", microversion="2.102").expect(200)
