"""Volumes, ports, networks and security groups of a server that runs, as clients give and take
them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openstack.connection import Connection

from tests.clients.conftest import Openstack

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]
ORDER = "--image cirros --flavor m1.tiny --network private"
SECONDS = 60


@pytest.fixture
def server(run_openstack: Openstack) -> Iterator[str]:
    """The name of a server with one NIC."""
    run_openstack(f"server create {ORDER} --wait changing")
    yield "changing"
    run_openstack("server delete --wait changing")


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_command_line_adds_and_removes_a_volume(run_openstack: Openstack, server: str) -> None:
    def status() -> Any:
        return run_openstack("volume show plate")["status"]

    run_openstack("volume create --size 1 plate")
    wait_until(lambda: bool(status() == "available"))
    added = run_openstack(f"server add volume --tag data {server} plate")
    assert added["Device"] == "/dev/vdb"
    wait_until(lambda: bool(status() == "in-use"))
    [listed] = run_openstack(f"server volume list {server}")
    assert listed["Device"] == "/dev/vdb"
    run_openstack(f"server volume set --delete-on-termination {server} plate")
    [listed] = run_openstack(f"server volume list {server}")
    assert listed["Delete On Termination?"] is True
    run_openstack(f"server remove volume {server} plate")
    wait_until(lambda: bool(status() == "available"))
    assert run_openstack(f"server volume list {server}") == []
    run_openstack("volume delete plate")


def test_the_command_line_adds_and_removes_ports_and_networks(
    run_openstack: Openstack, server: str
) -> None:
    def networks() -> set[str]:
        return set(run_openstack(f"server show {server}")["addresses"])

    run_openstack("network create second")
    run_openstack("subnet create --network second --subnet-range 10.77.0.0/24 second-v4")
    run_openstack("port create --network second plug")
    run_openstack(f"server add port {server} plug")
    assert networks() == {"private", "second"}
    run_openstack(f"server remove port {server} plug")
    wait_until(lambda: networks() == {"private"})
    run_openstack(f"server add network {server} second")
    assert networks() == {"private", "second"}
    run_openstack(f"server remove network {server} second")
    wait_until(lambda: networks() == {"private"})
    run_openstack(f"server add fixed ip --fixed-ip-address 10.77.0.9 {server} second")
    shown = run_openstack(f"server show {server}")["addresses"]
    assert shown["second"] == ["10.77.0.9"]
    run_openstack(f"server remove network {server} second")
    wait_until(lambda: networks() == {"private"})
    run_openstack("port delete plug")
    run_openstack("network delete second")


def test_the_command_line_adds_and_removes_a_security_group(
    run_openstack: Openstack, server: str
) -> None:
    def groups() -> list[str]:
        shown = run_openstack(f"server show {server}")["security_groups"]
        return sorted({group["name"] for group in shown})

    run_openstack(f"server add security group {server} web")
    assert groups() == ["default", "web"]
    run_openstack(f"server remove security group {server} web")
    assert groups() == ["default"]
    assert "nosuch" in run_openstack.refused(f"server add security group {server} nosuch")


def test_the_sdk_attaches_and_detaches(cloud: Connection) -> None:
    volume = cloud.create_volume(1, name="sdk-volume", wait=True)
    server = cloud.create_server(
        "sdk-changing",
        image="cirros",
        flavor="m1.tiny",
        network="private",
        auto_ip=False,
        wait=True,
        timeout=SECONDS,
    )
    attachment = cloud.attach_volume(server, volume, wait=True, timeout=SECONDS)
    assert attachment["volumeId"] == volume.id
    assert cloud.get_volume_by_id(volume.id).status == "in-use"
    [found] = cloud.compute.volume_attachments(server)
    assert found.device == "/dev/vdb"
    cloud.detach_volume(server, volume, wait=True, timeout=SECONDS)
    assert cloud.get_volume_by_id(volume.id).status == "available"

    network = cloud.network.find_network("private", ignore_missing=False)
    port = cloud.network.create_port(network_id=network.id, name="sdk-port")
    interface = cloud.compute.create_server_interface(server, port_id=port.id)
    assert interface.port_state == "ACTIVE"
    assert len(list(cloud.compute.server_interfaces(server))) == 2
    cloud.compute.delete_server_interface(interface, server=server)
    wait_until(lambda: len(list(cloud.compute.server_interfaces(server))) == 1)
    assert cloud.network.get_port(port.id).device_id == ""

    web = cloud.network.find_security_group("web", ignore_missing=False)
    assert cloud.add_server_security_groups(server, ["web"])
    assert {"name": "web"} in cloud.compute.get_server(server.id).security_groups
    assert cloud.remove_server_security_groups(server, [web.name])
    cloud.network.delete_port(port.id)
    assert cloud.delete_server(server.id, wait=True, timeout=SECONDS)
    assert cloud.delete_volume(volume.id)
