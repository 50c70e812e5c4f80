"""URLs that Nova once had: 410 for the methods they had, 404 for all others; and an old alias."""

from __future__ import annotations

import pytest

from tests.world.cast import UNKNOWN_ID
from tests.world.client import ApiClient
from tests.world.factories import make_instance


@pytest.mark.parametrize("version", ["2.1", "2.104"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/os-agents", 410),
        ("PUT", "/os-agents", 404),
        ("GET", "/os-agents/1", 404),
        ("PUT", "/os-agents/1", 410),
        ("DELETE", "/os-agents/1", 410),
        ("GET", "/os-certificates", 404),
        ("POST", "/os-certificates", 410),
        ("GET", "/os-certificates/root", 410),
        ("GET", "/os-cells/detail", 410),
        ("GET", "/os-cells/sync_instances", 404),
        ("POST", "/os-cells/sync_instances", 410),
        ("GET", "/os-fixed-ips", 404),
        ("GET", "/os-fixed-ips/192.0.2.1", 410),
        ("GET", "/os-floating-ip-dns/example.org/entries/www", 410),
        ("GET", f"/servers/{UNKNOWN_ID}/consoles", 410),
        ("POST", f"/servers/{UNKNOWN_ID}/consoles", 410),
        ("DELETE", f"/servers/{UNKNOWN_ID}/consoles/1", 410),
        ("PUT", f"/servers/{UNKNOWN_ID}/consoles/1", 404),
        ("GET", f"/servers/{UNKNOWN_ID}/os-virtual-interfaces", 410),
        ("POST", "/os-networks", 410),
        ("POST", "/os-networks/add", 410),
        ("DELETE", f"/os-networks/{UNKNOWN_ID}", 410),
        ("PUT", f"/os-networks/{UNKNOWN_ID}", 404),
        ("DELETE", f"/os-tenant-networks/{UNKNOWN_ID}", 410),
        ("POST", f"/servers/{UNKNOWN_ID}/os-virtual-interfaces", 404),
    ],
)
def test_what_was_taken_out(
    as_member: ApiClient, method: str, path: str, status: int, version: str
) -> None:
    body = {} if method in ("POST", "PUT") else None
    as_member.send(method, path, body, microversion=version).expect(status)


def test_servers_that_boot_from_volumes_are_servers(as_member: ApiClient) -> None:
    server = make_instance(vm_state="active")
    [listed] = as_member.get("/os-volumes_boot").expect(200).json["servers"]
    assert listed["id"] == str(server.uuid)
    [detailed] = as_member.get("/os-volumes_boot/detail").expect(200).json["servers"]
    shown = as_member.get(f"/os-volumes_boot/{server.uuid}").expect(200).json["server"]
    assert detailed == shown
    as_member.post(f"/os-volumes_boot/{server.uuid}/action", {"lock": None}).expect(202)
    as_member.post("/os-volumes_boot", {"server": {}}).expect(400)


def test_volumes_boot_ends_with_2_102(as_member: ApiClient) -> None:
    as_member.get("/os-volumes_boot", microversion="2.102").expect(200)
    as_member.get("/os-volumes_boot", microversion="2.103").expect(404)
    as_member.post("/os-volumes_boot", {"server": {}}, microversion="2.103").expect(404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"disassociate": None}, 410),
        ({"associate_host": "host"}, 410),
        ({"colour": None}, 400),
        ({"disassociate": None, "associate_host": "host"}, 400),
        ({}, 400),
    ],
)
def test_actions_of_networks_are_gone(
    as_member: ApiClient, body: dict[str, object], status: int
) -> None:
    as_member.post(f"/os-networks/{UNKNOWN_ID}/action", body).expect(status)


@pytest.mark.parametrize("path", ["/servers", "/servers/detail", "/flavors", "/limits"])
def test_nothing_is_asked_for_by_head(as_member: ApiClient, path: str) -> None:
    as_member.head(path).expect(404)
