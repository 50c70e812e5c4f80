"""``POST /servers`` into a server group."""

from __future__ import annotations

import uuid

import pytest

from compute_site.identity.models import Project
from servers.models import Instance, RequestSpec, ServerGroup, ServerGroupMember
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_volume
from tests.world.orders import Shop, limit


def make_group(project: Project) -> ServerGroup:
    return ServerGroup.objects.create(
        name="g", policy="anti-affinity", project=project, user_id=Cast.member.user_id
    )


def hint(group: ServerGroup) -> dict[str, str]:
    return {"group": str(group.uuid)}


def test_every_server_becomes_a_member(shop: Shop, as_member: ApiClient, cast: Cast) -> None:
    group = make_group(cast.alpha)
    shop.order(as_member, min_count=3, hints=hint(group)).expect(202)
    members = ServerGroupMember.objects.filter(group=group).values_list("instance", flat=True)
    assert set(members) == set(Instance.objects.values_list("pk", flat=True))
    assert set(RequestSpec.objects.values_list("instance_group", flat=True)) == {group.pk}


def test_the_older_spelling_of_the_hints_counts_too(
    shop: Shop, as_member: ApiClient, cast: Cast
) -> None:
    body = shop.body() | {"OS-SCH-HNT:scheduler_hints": hint(make_group(cast.alpha))}
    as_member.post("/servers", body, microversion="2.90").expect(202)
    assert ServerGroupMember.objects.count() == 1


@pytest.mark.parametrize(
    "spelling", ["{}", "{:X}", "missing"], ids=["unknown", "without-hyphens", "a-name"]
)
def test_a_group_is_named_by_the_uuid_of_one_that_exists(
    shop: Shop, as_member: ApiClient, cast: Cast, spelling: str
) -> None:
    group = make_group(cast.alpha)
    named = {"{}": str(uuid.uuid4()), "{:X}": group.uuid.hex, "missing": "g"}[spelling]
    answer = shop.order(as_member, hints={"group": named}).expect(400)
    assert answer.blamed[0].startswith("os:scheduler_hints")


def test_the_group_of_another_project_does_not_exist(
    shop: Shop, as_member: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    group = make_group(cast.beta)
    shop.order(as_member, hints=hint(group)).expect(400)
    shop.order(as_admin, hints=hint(group)).expect(202)


def test_a_user_has_a_limited_number_of_servers_in_a_group(
    shop: Shop, as_member: ApiClient, as_second_member: ApiClient, cast: Cast
) -> None:
    group = make_group(cast.alpha)
    limit("server_group_members", 2)
    shop.order(as_member, min_count=2, hints=hint(group)).expect(202)
    answer = shop.order(as_member, hints=hint(group)).expect(403)
    assert "server_group_members" in answer.message
    shop.order(as_second_member, hints=hint(group)).expect(202)


def test_a_refused_request_leaves_no_members(shop: Shop, as_member: ApiClient, cast: Cast) -> None:
    limit("server_group_members", 2)
    shop.order(as_member, min_count=3, hints=hint(make_group(cast.alpha))).expect(403)
    assert ServerGroupMember.objects.count() == 0
    assert Instance.objects.count() == 0


def test_without_a_limit_a_group_takes_any_number(
    shop: Shop, as_member: ApiClient, cast: Cast
) -> None:
    for resource in ("server_group_members", "instances", "cores"):
        limit(resource, -1)
    shop.order(as_member, min_count=15, hints=hint(make_group(cast.alpha))).expect(202)


def test_a_volume_in_use_is_told_before_a_full_group(
    shop: Shop, as_member: ApiClient, cast: Cast
) -> None:
    limit("server_group_members", 0)
    device = {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": str(make_volume(status="in-use").pk),
        "boot_index": -1,
    }
    shop.order(
        as_member,
        hints=hint(make_group(cast.alpha)),
        block_device_mapping_v2=[shop.root(), device],
    ).expect(400)


def test_a_group_deleted_meanwhile_is_refused(
    shop: Shop, as_member: ApiClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(cast.alpha)

    def delete_group(*_: object) -> None:
        ServerGroup.objects.all().delete()

    monkeypatch.setattr("servers.create.check_destination", delete_group)
    answer = shop.order(as_member, hints=hint(group)).expect(400)
    assert answer.blamed == ["os:scheduler_hints.group"]
    assert Instance.objects.count() == 0


def test_an_empty_list_names_no_group(shop: Shop, as_member: ApiClient, cast: Cast) -> None:
    group = make_group(cast.alpha)
    shop.order(as_member, hints={"group": []}).expect(202)
    assert not ServerGroupMember.objects.exists()
    shop.order(as_member, hints={"group": [str(group.uuid)]}).expect(400)
