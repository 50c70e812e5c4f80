"""``GET`` of server groups: which are seen, their members, pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from servers.models import ServerGroup, ServerGroupMember
from servers.models.states import TaskState, VmState
from tests.world.cast import ALPHA, BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_server_group


def names(answer: Answer) -> list[str]:
    return [group["name"] for group in answer.expect(200).json["server_groups"]]


@pytest.fixture
def groups(cast: object) -> None:
    for name in ("one", "two", "three"):
        make_server_group(name=name)
    make_server_group(name="foreign", project_id=BETA)


def add_member(group: ServerGroup, **fields: Any) -> str:
    instance = make_instance(project_id=group.project_id, **fields)
    ServerGroupMember.objects.create(group=group, instance=instance)
    return str(instance.uuid)


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize(
    ("client", "own", "everything"),
    [
        ("as_reader", ["one", "two", "three"], ["one", "two", "three"]),
        ("as_member", ["one", "two", "three"], ["one", "two", "three"]),
        ("as_manager", ["one", "two", "three"], ["one", "two", "three"]),
        ("as_outsider", ["foreign"], ["foreign"]),
        ("as_admin", ["one", "two", "three"], ["one", "two", "three", "foreign"]),
    ],
)
def test_who_sees_which_groups(
    client: str, own: list[str], everything: list[str], request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert names(caller.get("/os-server-groups")) == own
    assert names(caller.get("/os-server-groups?all_projects=True")) == everything


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize("value", ["", "false", "0", "nonsense"])
def test_all_projects_counts_whatever_its_value(as_admin: ApiClient, value: str) -> None:
    assert len(names(as_admin.get(f"/os-server-groups?all_projects={value}"))) == 4


@pytest.mark.usefixtures("groups")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2", ["one", "two"]),
        ("limit=0", ["one", "two", "three"]),
        ("offset=1", ["two", "three"]),
        ("offset=1&limit=1", ["two"]),
        ("offset=9", []),
        ("limit=1&limit=2", ["one", "two"]),
        ("nosuch=1", ["one", "two", "three"]),
    ],
)
def test_parts_of_a_list(as_member: ApiClient, query: str, expected: list[str]) -> None:
    assert names(as_member.get(f"/os-server-groups?{query}")) == expected


@pytest.mark.parametrize(
    ("microversion", "query"),
    [("2.1", "limit=-1"), ("2.1", "offset=x"), ("2.75", "nosuch=1")],
)
def test_what_cannot_be_understood_is_refused(
    as_member: ApiClient, microversion: str, query: str
) -> None:
    answer = as_member.get(f"/os-server-groups?{query}", microversion=microversion).expect(400)
    assert answer.blamed == [query.partition("=")[0]]


def test_members_are_the_servers_that_exist(as_member: ApiClient) -> None:
    group = make_server_group()
    running = add_member(group)
    failed = add_member(group, vm_state=VmState.ERROR, host=None)
    ordered = add_member(
        group, vm_state=VmState.BUILDING, task_state=TaskState.SCHEDULING, host=None
    )
    add_member(group, vm_state=VmState.DELETED, deleted_at=timezone.now())
    shown = as_member.get(f"/os-server-groups/{group.uuid}").expect(200).json["server_group"]
    listed = as_member.get("/os-server-groups").expect(200).json["server_groups"]
    assert shown["members"] == [running, failed, ordered]
    assert [group["members"] for group in listed] == [[running, failed, ordered]]


def test_a_group_is_shown_as_the_version_has_it(as_member: ApiClient) -> None:
    group = make_server_group(
        name="apart", policy="anti-affinity", rules={"max_server_per_host": 2}
    )
    url = f"/os-server-groups/{group.uuid}"
    same = {"id": str(group.uuid), "name": "apart", "members": []}
    owner = {"project_id": ALPHA, "user_id": group.user_id}
    old = {"policies": ["anti-affinity"], "metadata": {}}
    new = {"policy": "anti-affinity", "rules": {"max_server_per_host": 2}}
    assert as_member.get(url, microversion="2.12").json == {"server_group": same | old}
    assert as_member.get(url, microversion="2.13").json == {"server_group": same | old | owner}
    assert as_member.get(url, microversion="2.64").json == {"server_group": same | new | owner}


@pytest.mark.parametrize(
    ("client", "status"),
    [
        ("as_reader", 200),
        ("as_member", 200),
        ("as_manager", 200),
        ("as_outsider", 404),
        ("as_admin", 200),
    ],
)
def test_who_may_see_a_group(client: str, status: int, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    group = make_server_group()
    caller.get(f"/os-server-groups/{group.uuid}").expect(status)


@pytest.mark.parametrize("group_id", ["nosuch", "00000000-0000-4000-8000-00000000ffff"])
def test_an_unknown_group_is_not_found(as_member: ApiClient, group_id: str) -> None:
    assert as_member.get(f"/os-server-groups/{group_id}").expect(404).fault == "itemNotFound"


@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_the_query_string_of_a_group_becomes_strict(
    as_member: ApiClient, microversion: str, status: int
) -> None:
    group = make_server_group()
    url = f"/os-server-groups/{group.uuid}?nosuch=1"
    as_member.get(url, microversion=microversion).expect(status)


@pytest.mark.usefixtures("groups")
def test_a_list_costs_the_same_however_long_it_is(
    as_member: ApiClient, statements: Callable[[], Any]
) -> None:
    as_member.get("/os-server-groups").expect(200)
    with statements() as few:
        as_member.get("/os-server-groups")
    for _ in range(4):
        add_member(make_server_group())
    with statements() as many:
        as_member.get("/os-server-groups")
    assert len(few) == len(many)
