"""``PUT /servers/{id}``."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import Instance
from tests.world.cast import BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_order


def put(client: ApiClient, server: Instance, version: str = "2.94", **changes: Any) -> Answer:
    return client.put(f"/servers/{server.uuid}", {"server": changes}, microversion=version)


@pytest.mark.parametrize("make", [make_instance, lambda: make_order().instance])
def test_a_name_is_changed(as_member: ApiClient, make: Any) -> None:
    server = make()
    shown = put(as_member, server, name="größer").expect(200).json["server"]
    assert shown["name"] == "größer"
    server.refresh_from_db()
    assert server.display_name == "größer"


@pytest.mark.parametrize("name", ["", " ", " a", "a ", 5, None, ["a"], "a\x07", "a\nb", "n" * 256])
def test_a_wrong_name_is_refused(as_member: ApiClient, name: Any) -> None:
    server = make_instance()
    assert put(as_member, server, name=name).expect(400).blamed == ["server.name"]


def test_old_clients_may_send_spaces_around_a_name(as_member: ApiClient) -> None:
    server = make_instance()
    body = {"server": {"name": " a "}}
    path = f"//compute/v2/servers/{server.uuid}"
    assert as_member.put(path, body, microversion=None).json["server"]["name"] == "a"


def test_addresses_are_normalised(as_member: ApiClient) -> None:
    server = make_instance()
    shown = put(as_member, server, accessIPv6="FD00:0::0008", accessIPv4="192.0.2.7")
    assert shown.json["server"]["accessIPv6"] == "fd00::8"
    assert shown.json["server"]["accessIPv4"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("accessIPv4", "fd00::7"),
        ("accessIPv4", ""),
        ("accessIPv4", None),
        ("accessIPv6", "192.0.2.7"),
        ("OS-DCF:diskConfig", "auto"),
        ("description", 5),
        ("description", "d" * 256),
        ("nosuch", 1),
    ],
)
def test_wrong_values_are_refused(as_member: ApiClient, key: str, value: Any) -> None:
    answer = put(as_member, make_instance(), **{key: value})
    assert answer.expect(400).blamed == [f"server.{key}"]


def test_disk_config(as_member: ApiClient) -> None:
    server = make_instance()
    shown = put(as_member, server, **{"OS-DCF:diskConfig": "AUTO"}).json["server"]
    assert shown["OS-DCF:diskConfig"] == "AUTO"
    server.refresh_from_db()
    assert server.auto_disk_config


def test_a_description_can_be_changed_from_2_19(as_member: ApiClient) -> None:
    server = make_instance()
    put(as_member, server, "2.18", description="new").expect(400)
    assert put(as_member, server, "2.19", description="new").json["server"]["description"] == "new"
    assert put(as_member, server, "2.19", description=None).json["server"]["description"] is None


def test_a_hostname_can_be_changed_from_2_90_and_dotted_from_2_94(as_member: ApiClient) -> None:
    server = make_instance()
    key = "OS-EXT-SRV-ATTR:hostname"
    put(as_member, server, "2.89", hostname="new").expect(400)
    assert put(as_member, server, "2.90", hostname="new").json["server"][key] == "new"
    put(as_member, server, "2.93", hostname="a.b").expect(400)
    assert put(as_member, server, "2.94", hostname="a.b").json["server"][key] == "a.b"


def test_until_2_74_less_is_shown(as_member: ApiClient) -> None:
    server = make_instance()
    few = put(as_member, server, "2.74", name="a").json["server"]
    many = put(as_member, server, "2.75", name="a").json["server"]
    assert "OS-EXT-STS:vm_state" not in few
    assert "server_groups" in few
    shown = as_member.get(f"/servers/{server.uuid}", microversion="2.75").json["server"]
    assert many == shown


def test_a_zone_is_pinned_and_unpinned_from_2_104(as_member: ApiClient) -> None:
    server = make_order(availability_zone="zone-a").instance
    key = "pinned_availability_zone"
    put(as_member, server, "2.103", **{key: "zone-a"}).expect(400)
    put(as_member, server, "2.104", **{key: "zone-b"}).expect(409)
    assert put(as_member, server, "2.104", **{key: "zone-a"}).json["server"][key] == "zone-a"
    put(as_member, server, "2.104", **{key: "zone-b"}).expect(409)
    assert put(as_member, server, "2.104", **{key: None}).json["server"][key] is None
    put(as_member, server, "2.104", **{key: ""}).expect(400)


def test_nothing_changes_nothing(as_member: ApiClient) -> None:
    server = make_instance()
    put(as_member, server).expect(200)
    before = server.updated_at
    server.refresh_from_db()
    assert server.updated_at == before


def test_a_lock_does_not_keep_the_name(as_member: ApiClient) -> None:
    put(as_member, make_instance(locked=True, locked_by="owner"), name="new").expect(200)


def test_who_may_change(as_reader: ApiClient, as_outsider: ApiClient, as_admin: ApiClient) -> None:
    server = make_instance()
    put(as_reader, server, name="a").expect(403)
    put(as_outsider, server, name="a").expect(404)
    put(as_outsider, server, name="").expect(400)
    put(as_admin, make_instance(project_id=BETA), name="a").expect(200)
