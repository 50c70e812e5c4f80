"""``POST`` and ``DELETE`` of server groups."""

from __future__ import annotations

from typing import Any

import pytest

from quotas.models import Limit, Usage
from servers.models import Instance, ServerGroup, ServerGroupMember
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_server_group

POLICIES = ("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity")


def body(**keys: Any) -> dict[str, Any]:
    return {"server_group": {"name": "apart", "policy": "anti-affinity"} | keys}


def old_body(**keys: Any) -> dict[str, Any]:
    return {"server_group": {"name": "apart", "policies": ["anti-affinity"]} | keys}


def used() -> int:
    return sum(Usage.objects.filter(resource="server_groups").values_list("in_use", flat=True))


def test_a_group_is_made_in_the_project(as_member: ApiClient, cast: Cast) -> None:
    sent = body(rules={"max_server_per_host": "2"})
    answer = as_member.post("/os-server-groups", sent, microversion="2.64").expect(200)
    row = ServerGroup.objects.get()
    assert answer.json["server_group"] == {
        "id": str(row.uuid),
        "name": "apart",
        "policy": "anti-affinity",
        "rules": {"max_server_per_host": 2},
        "members": [],
        "project_id": ALPHA,
        "user_id": cast.member.user_id,
    }
    assert (row.name, row.policy, row.rules) == (
        "apart",
        "anti-affinity",
        {"max_server_per_host": 2},
    )
    assert (row.project_id, row.user_id) == (ALPHA, cast.member.user_id)
    assert used() == 1


@pytest.mark.parametrize(
    ("microversion", "keys"),
    [
        ("2.1", {"policies", "metadata"}),
        ("2.12", {"policies", "metadata"}),
        ("2.13", {"policies", "metadata", "project_id", "user_id"}),
        ("2.63", {"policies", "metadata", "project_id", "user_id"}),
        ("2.64", {"policy", "rules", "project_id", "user_id"}),
    ],
)
def test_the_answer_changes_with_the_version(
    as_member: ApiClient, microversion: str, keys: set[str]
) -> None:
    sent = body() if "policy" in keys else old_body()
    group = as_member.post("/os-server-groups", sent, microversion=microversion).expect(200).json
    assert set(group["server_group"]) == keys | {"id", "name", "members"}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("microversion", ["2.14", "2.15"])
def test_soft_policies_come_with_2_15(as_member: ApiClient, policy: str, microversion: str) -> None:
    known = microversion == "2.15" or not policy.startswith("soft")
    answer = as_member.post(
        "/os-server-groups", old_body(policies=[policy]), microversion=microversion
    )
    assert answer.status == (200 if known else 400)
    assert ServerGroup.objects.filter(policy=policy).exists() is known


@pytest.mark.parametrize(
    ("microversion", "sent", "blamed"),
    [
        ("2.63", old_body(name=""), ["server_group.name"]),
        ("2.63", old_body(name=" a"), ["server_group.name"]),
        ("2.63", old_body(policies=[]), ["server_group.policies"]),
        ("2.63", old_body(policies=["affinity"] * 2), ["server_group.policies"]),
        ("2.63", old_body(policies=["none"]), ["server_group.policies.0"]),
        ("2.63", old_body(rules={}), ["server_group.rules"]),
        ("2.63", body(), ["server_group.policy", "server_group.policies"]),
        ("2.64", old_body(), ["server_group.policies", "server_group.policy"]),
        ("2.64", body(policy=""), ["server_group.policy"]),
        ("2.64", body(rules=None), ["server_group.rules"]),
        ("2.64", body(rules={"nosuch": 1}), ["server_group.rules.nosuch"]),
        (
            "2.64",
            body(rules={"max_server_per_host": 0}),
            ["server_group.rules.max_server_per_host"],
        ),
        ("2.64", body(policy="affinity", rules={"max_server_per_host": 2}), ["server_group.rules"]),
        ("2.64", {}, ["server_group"]),
    ],
)
def test_a_wrong_value_is_refused_and_named(
    as_member: ApiClient, microversion: str, sent: dict[str, Any], blamed: list[str]
) -> None:
    answer = as_member.post("/os-server-groups", sent, microversion=microversion).expect(400)
    assert answer.blamed == blamed
    assert not ServerGroup.objects.exists()
    assert used() == 0


def test_empty_rules_go_with_every_policy(as_member: ApiClient) -> None:
    sent = body(policy="affinity", rules={})
    as_member.post("/os-server-groups", sent, microversion="2.64").expect(200)


@pytest.mark.parametrize("scope", ["project", "user"])
def test_no_more_groups_than_the_quota_allows(
    as_member: ApiClient, as_second_member: ApiClient, cast: Cast, scope: str
) -> None:
    user_id = cast.member.user_id if scope == "user" else ""
    Limit.objects.create(project=cast.alpha, user_id=user_id, resource="server_groups", limit=1)
    as_member.post("/os-server-groups", body(), microversion="2.64").expect(200)
    refused = as_member.post("/os-server-groups", body(), microversion="2.64").expect(403)
    assert refused.fault == "forbidden"
    other = as_second_member.post("/os-server-groups", body(), microversion="2.64")
    assert other.status == (200 if scope == "user" else 403)
    assert ServerGroup.objects.count() == used()


def test_a_deleted_group_makes_room(as_member: ApiClient, cast: Cast) -> None:
    Limit.objects.create(project=cast.alpha, resource="server_groups", limit=1)
    made = as_member.post("/os-server-groups", body(), microversion="2.64").json["server_group"]
    answer = as_member.delete(f"/os-server-groups/{made['id']}").expect(204)
    assert answer.content == b""
    as_member.delete(f"/os-server-groups/{made['id']}").expect(404)
    assert used() == 0
    as_member.post("/os-server-groups", body(), microversion="2.64").expect(200)


def test_the_servers_of_a_deleted_group_stay(as_member: ApiClient) -> None:
    group = make_server_group()
    ServerGroupMember.objects.create(group=group, instance=make_instance())
    as_member.delete(f"/os-server-groups/{group.uuid}").expect(204)
    assert Instance.objects.alive().count() == 1
    assert not ServerGroupMember.objects.exists()


@pytest.mark.parametrize(
    ("client", "statuses"),
    [
        ("as_reader", (403, 403, 404)),
        ("as_member", (200, 204, 404)),
        ("as_manager", (200, 204, 404)),
        ("as_admin", (200, 204, 204)),
    ],
)
def test_who_may_change_groups(
    client: str, statuses: tuple[int, int, int], request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    made, deleted, foreign = statuses
    own, other = make_server_group(), make_server_group(project_id=BETA)
    caller.post("/os-server-groups", body(), microversion="2.64").expect(made)
    caller.delete(f"/os-server-groups/{own.uuid}").expect(deleted)
    caller.delete(f"/os-server-groups/{other.uuid}").expect(foreign)
    assert ServerGroup.objects.filter(name="apart").exists() is (made == 200)
    assert ServerGroup.objects.filter(pk=own.pk).exists() is (deleted != 204)
    assert ServerGroup.objects.filter(pk=other.pk).exists() is (foreign != 204)


@pytest.mark.parametrize("group_id", ["nosuch", "00000000-0000-4000-8000-00000000ffff"])
def test_what_does_not_exist_cannot_be_deleted(as_member: ApiClient, group_id: str) -> None:
    assert as_member.delete(f"/os-server-groups/{group_id}").expect(404).fault == "itemNotFound"
