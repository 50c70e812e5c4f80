"""Filters of ``GET /servers``."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from servers.models import Cell, Instance, InstanceMapping, Tag
from servers.models.tag import MOST_TAGS
from tests.world.cast import BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_instance, make_order
from tests.world.orders import Shop


def names(client: ApiClient, query: str, version: str = "2.1") -> set[str]:
    answer = client.get(f"/servers?{query}", microversion=version).expect(200).json
    return {server["name"] for server in answer["servers"]}


def make_pair(**second: Any) -> tuple[Instance, Instance]:
    """Two servers, of which the second has what is to be found."""
    return make_instance(display_name="one"), make_instance(display_name="two", **second)


def nic(address: str, version: int) -> list[dict[str, Any]]:
    return [{"label": "n", "mac": "m", "addresses": [[address, version]], "security_groups": []}]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=one", {"one"}),
        ("name=o", {"one", "two"}),
        ("name=^t.o$", {"two"}),
        ("name=ONE", set()),
        ("name=one&name=two", {"two"}),
    ],
)
def test_names_match_patterns(as_member: ApiClient, query: str, found: set[str]) -> None:
    make_pair()
    assert names(as_member, query) == found


@pytest.mark.parametrize("pattern", ["", "(", "[", "*"])
def test_a_broken_pattern_is_400(as_member: ApiClient, pattern: str) -> None:
    as_member.get(f"/servers?name={pattern}").expect(400)


def test_a_pattern_that_only_python_understands_is_400(as_member: ApiClient) -> None:
    make_pair()
    answer = as_member.get("/servers?name=(?P<x>one)").expect(400)
    assert answer.fault == "badRequest"


@pytest.mark.parametrize("pattern", [r"^(a*)(a*)\1$", "(a|b)" * 100, "(?x)o n e"])
@pytest.mark.parametrize("key", ["name", "ip", "reservation_id"])
def test_a_pattern_that_could_keep_the_database_busy_is_400(
    as_member: ApiClient, key: str, pattern: str
) -> None:
    answer = as_member.get(f"/servers?{urlencode({key: pattern})}").expect(400)
    assert answer.blamed == [key]


@pytest.mark.parametrize(
    ("status", "vm_state", "task_state"),
    [
        ("ACTIVE", "active", None),
        ("active", "active", "powering-off"),
        ("REBOOT", "active", "rebooting"),
        ("SHUTOFF", "stopped", None),
        ("ERROR", "error", None),
        ("PAUSED", "paused", None),
        ("RESIZE", "stopped", "resize_prep"),
    ],
)
def test_status(as_member: ApiClient, status: str, vm_state: str, task_state: str | None) -> None:
    make_instance(display_name="other", vm_state="suspended")
    make_instance(display_name="found", vm_state=vm_state, task_state=task_state)
    assert names(as_member, f"status={status}") == {"found"}


def test_several_statuses(as_member: ApiClient) -> None:
    make_instance(display_name="a", vm_state="active")
    make_instance(display_name="b", vm_state="paused")
    make_instance(display_name="c", vm_state="stopped")
    assert names(as_member, "status=ACTIVE&status=PAUSED") == {"a", "b"}


def test_an_unknown_status_is_400_from_2_38(as_member: ApiClient) -> None:
    make_pair()
    assert names(as_member, "status=NOSUCH", "2.37") == set()
    as_member.get("/servers?status=NOSUCH", microversion="2.38").expect(400)


def test_deleted_servers_are_for_admins(as_member: ApiClient, as_admin: ApiClient) -> None:
    cell = Cell.objects.get_or_create(name="cell1")[0]
    gone = make_instance(display_name="gone", vm_state="deleted", deleted_at=timezone.now())
    user = Cast.member.user_id
    InstanceMapping.objects.create(
        instance=gone, cell=cell, project_id=gone.project_id, user_id=user
    )
    as_member.get("/servers?status=DELETED").expect(403)
    assert names(as_admin, "status=DELETED") == {"gone"}
    assert names(as_admin, "deleted=1") == {"gone"}
    assert names(as_admin, "deleted=nonsense") == set()
    assert names(as_member, "deleted=1") == set()


def test_flavor_and_image(as_member: ApiClient) -> None:
    flavor = make_flavor()
    image = "76fa36fc-c930-4bf3-8c8a-ea2a2420deb6"
    make_pair(flavor_record=flavor, image_ref=image)
    assert names(as_member, f"flavor={flavor.flavorid}") == {"two"}
    assert names(as_member, f"flavor={flavor.name}") == set()
    assert names(as_member, f"image={image}") == {"two"}


def test_reservation(as_member: ApiClient) -> None:
    make_pair(reservation_id="r-abcdefgh")
    assert names(as_member, "reservation_id=r-abcdefgh") == {"two"}
    assert names(as_member, "reservation_id=abcd") == {"two"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tags=red", {"one"}),
        ("tags=red,blue", {"one"}),
        ("tags-any=red,green", {"one"}),
        ("not-tags=red,blue", {"two"}),
        ("not-tags-any=red,green", {"two"}),
        ("tags=nosuch", set()),
        ("tags=red,red,blue,red", {"one"}),
        ("tags=red,blue,a,b,c,d", set()),
        ("tags=" + ",".join(f"t{number}" for number in range(100)), set()),
        ("not-tags=red,blue,a,b,c,d", {"one", "two"}),
        ("not-tags=" + ",".join(f"t{number}" for number in range(100)), {"one", "two"}),
        ("not-tags-any=nosuch", {"one", "two"}),
    ],
)
@pytest.mark.parametrize("building", [True, False])
def test_tags(as_member: ApiClient, query: str, found: set[str], building: bool) -> None:
    if building:
        make_order(display_name="one", tags=["red", "blue"])
        make_order(display_name="two", tags=["blue"])
    else:
        for server, tags in zip(make_pair(), (("red", "blue"), ("blue",)), strict=True):
            Tag.objects.bulk_create(Tag(instance=server, tag=tag) for tag in tags)
    assert names(as_member, query, "2.26") == found
    assert names(as_member, query, "2.25") == {"one", "two"}


@pytest.mark.parametrize("building", [True, False])
def test_many_tags(as_member: ApiClient, building: bool) -> None:
    tags = [f"t{number}" for number in range(MOST_TAGS)]
    if building:
        make_order(display_name="one", tags=tags)
        make_order(display_name="two", tags=tags[1:])
    else:
        for server, own in zip(make_pair(), (tags, tags[1:]), strict=True):
            Tag.objects.bulk_create(Tag(instance=server, tag=tag) for tag in own)
    for some in (tags, tags[:10]):
        words = ",".join(some)
        assert names(as_member, f"tags={words}", "2.26") == {"one"}
        assert names(as_member, f"not-tags={words}", "2.26") == {"two"}
    assert names(as_member, f"tags={','.join(tags[1:])}", "2.26") == {"one", "two"}
    assert names(as_member, f"not-tags={','.join(tags[1:])}", "2.26") == set()


def test_a_server_that_nobody_had_begun_to_build_leaves_no_trace(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    ordered = Shop().order(as_member).expect(202).json["server"]["id"]
    assert names(as_member, "changes-since=2099-01-01") == {"web"}  # its time does not count
    as_member.delete(f"/servers/{ordered}").expect(204)
    assert names(as_member, "changes-since=2020-01-01") == set()
    for query in ("changes-since=2020-01-01", "deleted=true", "status=deleted"):
        assert names(as_admin, query) == set()


def test_changes(as_member: ApiClient) -> None:
    old, _ = make_pair()
    Instance.objects.filter(pk=old.pk).update(updated_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert names(as_member, "changes-since=2021-01-01T00:00:00Z") == {"two"}
    assert names(as_member, "changes-since=2019-01-01") == {"one", "two"}
    assert names(as_member, "changes-before=2021-01-01", "2.66") == {"one"}
    assert names(as_member, "changes-before=2021-01-01", "2.65") == {"one", "two"}
    assert names(as_member, "changes-before=9999-12-31T23:59:59Z", "2.66") == {"one", "two"}
    for wrong in ("changes-since=yesterday", "changes-since="):
        as_member.get(f"/servers?{wrong}").expect(400)
    both = "changes-since=2021-01-01&changes-before=2020-01-01"
    as_member.get(f"/servers?{both}", microversion="2.66").expect(400)


def test_a_change_of_the_told_second_is_before_it_ends(as_member: ApiClient) -> None:
    old, _ = make_pair()
    changed = dt.datetime(2020, 1, 1, 12, 0, 0, 700000, tzinfo=dt.UTC)
    Instance.objects.filter(pk=old.pk).update(updated_at=changed)
    told = as_member.get(f"/servers/{old.uuid}").json["server"]["updated"]
    assert told == "2020-01-01T12:00:00Z"
    assert names(as_member, f"changes-before={told}", "2.66") == {"one"}
    assert names(as_member, "changes-before=2020-01-01T11:59:59Z", "2.66") == set()


def test_addresses_match_from_their_beginning(as_member: ApiClient) -> None:
    make_pair(network_info=nic("192.168.1.10", 4) + nic("fd00::10", 6))
    make_order(display_name="three")
    assert names(as_member, "ip=192.168.1") == {"two"}
    assert names(as_member, "ip=168") == set()
    assert names(as_member, "ip6=fd00", "2.5") == {"two"}
    assert names(as_member, "ip6=fd00", "2.4") == {"one", "two", "three"}


def test_locked(as_member: ApiClient) -> None:
    make_pair(locked=True)
    assert names(as_member, "locked=true", "2.73") == {"two"}
    assert names(as_member, "locked=0", "2.73") == {"one"}
    assert names(as_member, "locked=true", "2.72") == {"one", "two"}
    as_member.get("/servers?locked=maybe", microversion="2.73").expect(400)


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("key_name=mine", "2.83"),
        ("availability_zone=zone-a", "2.83"),
        ("vm_state=stopped", "2.83"),
        ("task_state=powering-on", "2.83"),
        ("config_drive=True", "2.83"),
        ("hostname=host-two", "2.90"),
    ],
)
def test_members_filter_by_more_in_later_versions(
    as_member: ApiClient, as_admin: ApiClient, query: str, since: str
) -> None:
    make_pair(
        key_name="mine",
        availability_zone="zone-a",
        vm_state="stopped",
        task_state="powering-on",
        config_drive="True",
        hostname="host-two",
    )
    before = f"2.{int(since[2:]) - 1}"
    assert names(as_member, query, before) == {"one", "two"}
    assert names(as_member, query, since) == {"two"}
    assert names(as_admin, query, "2.1") == {"two"}


@pytest.mark.parametrize("query", ["host=here", "node=here", "display_name=two", "uuid={two}"])
def test_filters_for_admins_only(as_member: ApiClient, as_admin: ApiClient, query: str) -> None:
    _, two = make_pair(host="here", node="here")
    query = query.replace("{two}", str(two.uuid))
    assert names(as_member, query) == {"one", "two"}
    assert names(as_admin, query) == {"two"}


@pytest.mark.parametrize("name", ["metadata", "system_metadata", "_secret", "services"])
def test_what_is_inside_is_no_filter(as_member: ApiClient, as_admin: ApiClient, name: str) -> None:
    as_member.get(f"/servers?{name}=x").expect(200)
    as_admin.get(f"/servers?{name}=x").expect(400)


def test_projects_count_only_with_all_tenants(as_admin: ApiClient) -> None:
    make_instance(display_name="mine")
    make_instance(display_name="theirs", project_id=BETA)
    for key in ("project_id", "tenant_id"):
        assert names(as_admin, f"{key}={BETA}") == {"mine"}
        assert names(as_admin, f"{key}={BETA}&all_tenants=1") == {"theirs"}


@pytest.mark.parametrize(
    "query",
    [
        "power_state=1",
        "progress=5",
        "node=host1",
        "locked_by=owner",
        "launched_at=2001",
        "auto_disk_config=true",
        "key_name=nosuch",
        "changes-since=2099-01-01",
    ],
)
def test_what_an_order_has_not_yet_passes_every_filter(as_admin: ApiClient, query: str) -> None:
    make_order(display_name="order", key_name=None)
    assert names(as_admin, query) == {"order"}


@pytest.mark.parametrize(
    "query", ["host=host1", "vm_state=active", "image=nosuch", "key_name=other", "user_id=x"]
)
def test_what_an_order_has_is_compared(as_admin: ApiClient, query: str) -> None:
    make_order(display_name="order", key_name="mine")
    assert names(as_admin, query) == set()


def test_numbers_and_times_find_no_server_on_a_host(as_admin: ApiClient) -> None:
    make_instance(power_state=1, progress=0)
    for query in ("power_state=1", "progress=0", "launch_index=0", "access_ip_v4=1"):
        assert names(as_admin, query) == set()
