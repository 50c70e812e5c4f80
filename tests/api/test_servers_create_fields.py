"""``POST /servers``: the form of the body, and what the client is told about it."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import BuildRequest, Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_network
from tests.world.orders import Shop

UUID = "22222222-2222-4222-8222-222222222222"


def test_all_faults_of_a_body_come_in_one_answer(as_member: ApiClient) -> None:
    body = {
        "server": {
            "name": " web",
            "flavorRef": "1",
            "networks": [{"uuid": "x"}, {"port": UUID, "tag": "a,b"}],
            "metadata": {"a/b": "c", "d": 5},
            "block_device_mapping_v2": [{"boot_index": "first", "size": 1}],
            "personality": [],
            "colour": "red",
        },
        "os:scheduler_hints": {"group": "friends", "cidr": "24"},
        "hints": {},
    }
    answer = as_member.post("/servers", body, microversion="2.67")
    assert (answer.status, answer.fault) == (400, "badRequest")
    assert set(answer.blamed) == {
        "server.name",
        "server.networks.0.uuid",
        "server.networks.1.tag",
        "server.metadata",
        "server.metadata.d",
        "server.block_device_mapping_v2.0.boot_index",
        "server.block_device_mapping_v2.0.size",
        "server.personality",
        "server.colour",
        "os:scheduler_hints.group",
        "os:scheduler_hints.cidr",
        "hints",
    }
    first = answer.errors[0]
    assert answer.message == f"{first['field']}: {first['detail']}"
    assert all(error["code"] and error["detail"] for error in answer.errors)
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    ("version", "key", "detail"),
    [
        ("2.1", "tags", "needs microversion 2.52 or later; asked for 2.1"),
        ("2.57", "personality", "went away after microversion 2.56; asked for 2.57"),
        ("2.73", "host", "needs microversion 2.74 or later; asked for 2.73"),
        ("latest", "colour", "there is no such key"),
    ],
)
def test_an_unknown_key_tells_which_version_knows_it(
    as_member: ApiClient, shop: Shop, version: str, key: str, detail: str
) -> None:
    networks = None if version == "2.1" else "none"
    answer = shop.order(as_member, microversion=version, **{key: [], "networks": networks}).expect(
        400
    )
    assert answer.errors == [{"field": f"server.{key}", "code": "unknown_key", "detail": detail}]
    assert answer.message == f"server.{key}: {detail}"


def test_a_server_keeps_what_was_sent(as_member: ApiClient, shop: Shop) -> None:
    shop.order(
        as_member,
        microversion="2.94",
        **{
            "name": "web 1",
            "description": " two  words ",
            "metadata": {"Az09-_: .": "", "b": "line\nbreak"},
            "tags": ["b", "a"],
            "user_data": "aGVsbG8=",
            "config_drive": "on",
            "OS-DCF:diskConfig": "AUTO",
            "accessIPv4": "10.1.2.3",
            "accessIPv6": "fe80::1",
            "hostname": "web.example.org",
        },
    ).expect(202)
    server = Instance.objects.get()
    assert server.display_name == "web 1"
    assert server.display_description == " two  words "
    assert server.metadata == {"Az09-_: .": "", "b": "line\nbreak"}
    assert server.user_data == "aGVsbG8="
    assert server.config_drive == "True"
    assert server.auto_disk_config is True
    assert str(server.access_ip_v4) == "10.1.2.3"
    assert str(server.access_ip_v6) == "fe80::1"
    assert server.hostname == "web.example.org"


def test_before_2_19_the_description_is_the_name(as_member: ApiClient, shop: Shop) -> None:
    shop.order(as_member, microversion="2.18", networks=None).expect(202)
    shop.order(as_member, microversion="2.19", networks=None).expect(202)
    found = Instance.objects.order_by("pk").values_list("display_description", flat=True)
    assert list(found) == ["web", None]


def test_more_than_the_maximum_is_refused_at_once(as_member: ApiClient, shop: Shop) -> None:
    answer = shop.order(as_member, min_count="3", max_count=2).expect(400)
    assert answer.blamed == ["server.min_count"]


@pytest.mark.parametrize("word", ["False", "0", "off"])
def test_any_text_asks_for_the_reservation(as_member: ApiClient, shop: Shop, word: str) -> None:
    answer = shop.order(as_member, return_reservation_id=word).expect(202)
    assert set(answer.json) == {"reservation_id"}
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"name": "default", "x": 1}, {"name": "default"}),
        ({"y": {"z": [1, None]}}, {"y": {"z": [1, None]}}),
        ({}, {}),
    ],
)
def test_on_the_old_path_groups_without_a_name_are_echoed_whole(
    as_member: ApiClient, shop: Shop, sent: dict[str, Any], told: dict[str, Any]
) -> None:
    body = shop.body(security_groups=[sent, {"name": "default"}], networks=None)
    answer = as_member.post("//compute/v2/servers", body).expect(202)
    assert answer.json["server"]["security_groups"] == [told, {"name": "default"}]
    shop.order(as_member, security_groups=[sent]).expect(400 if sent else 202)


def test_the_security_groups_are_echoed_as_sent(as_member: ApiClient, shop: Shop) -> None:
    for groups in ([], [{}], [{"name": "default"}, {"name": "default"}]):
        answer = shop.order(as_member, security_groups=groups).expect(202)
        assert answer.json["server"]["security_groups"] == groups
    answer = shop.order(as_member).expect(202)
    assert answer.json["server"]["security_groups"] == [{"name": "default"}]


@pytest.mark.parametrize("value", [None, {}, {"a": 1}, [None], [{}], [["x"]]])
def test_a_hint_is_one_thing_or_a_list_of_things(
    as_member: ApiClient, shop: Shop, value: Any
) -> None:
    answer = shop.order(as_member, hints={"colour": value}).expect(400)
    assert answer.blamed == ["os:scheduler_hints.colour"]


def test_hints_of_the_scheduler_itself_are_dropped(as_member: ApiClient, shop: Shop) -> None:
    shop.order(as_member, hints={"_nova_check_type": None, "colour": ["red", 5]}).expect(202)
    assert BuildRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metadata", {"a": "\x00"}),
        ("description", "\x00"),
        ("flavorRef", "\x00"),
        ("user_data", "YQ\x00=="),
        ("trusted_image_certificates", ["\x00"]),
        ("block_device_mapping_v2", [{"guest_format": "\x00"}]),
    ],
)
def test_what_no_column_can_hold_is_refused(
    as_member: ApiClient, shop: Shop, key: str, value: Any
) -> None:
    answer = shop.order(as_member, **{key: value}).expect(400)
    assert answer.blamed[0].startswith(f"server.{key}")


def test_a_flavor_may_be_named_by_link_or_number(as_member: ApiClient, shop: Shop) -> None:
    shop.flavor.flavorid = "77"
    shop.flavor.save()
    link = "http://elsewhere/v2.1/flavors/77?a=b"
    for reference in ("77", 77, link):
        shop.order(as_member, flavorRef=reference).expect(202)
    for reference in (77.0, 7.5, True, "http://elsewhere/flavors/77/", "http://["):
        shop.order(as_member, flavorRef=reference).expect(400)


def test_v2_drops_what_it_does_not_know(as_member: ApiClient, shop: Shop, cast: Cast) -> None:
    network = make_network(project_id=cast.alpha.pk)
    body = shop.body(
        name=" web ",
        networks=[{"uuid": str(network.pk), "tag": "nic"}],
        tags=["a"],
        user_data=None,
    )
    body["server"]["user_data"] = None
    body["x"] = 1
    as_member.post("//compute/v2/servers", body, microversion=None).expect(202)
    assert Instance.objects.get().display_name == "web"
