"""Resizes and moves of servers, by openstacksdk and the command ``openstack``."""

from __future__ import annotations

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import BadRequestException, ConflictException

from tests.clients.conftest import Openstack, settle

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]
HOSTS = {"rack1-node1", "rack2-node1"}


def host_of(admin_cloud: Connection, server: Server) -> str:
    return str(admin_cloud.compute.get_server(server.id).compute_host)


def test_the_sdk_resizes_and_confirms(cloud: Connection, server: Server) -> None:
    cloud.compute.resize_server(server, "2")
    assert settle(cloud, server, "VERIFY_RESIZE").flavor.name == "m1.small"
    cloud.compute.confirm_server_resize(server)
    assert settle(cloud, server, "ACTIVE").flavor.ram == 2048


def test_the_sdk_resizes_and_reverts(cloud: Connection, server: Server) -> None:
    cloud.compute.resize_server(server, "2")
    settle(cloud, server, "VERIFY_RESIZE")
    cloud.compute.revert_server_resize(server)
    assert settle(cloud, server, "ACTIVE").flavor.name == "m1.tiny"


def test_the_sdk_learns_why_not(cloud: Connection, server: Server) -> None:
    with pytest.raises(BadRequestException, match="already"):
        cloud.compute.resize_server(server, "1")
    with pytest.raises(ConflictException):
        cloud.compute.confirm_server_resize(server)


def test_the_sdk_migrates(cloud: Connection, admin_cloud: Connection, server: Server) -> None:
    source = host_of(admin_cloud, server)
    admin_cloud.compute.migrate_server(server)
    settle(cloud, server, "VERIFY_RESIZE")
    assert HOSTS - {source} == {host_of(admin_cloud, server)}
    cloud.compute.confirm_server_resize(server)
    settle(cloud, server, "ACTIVE")
    admin_cloud.compute.live_migrate_server(server, host=None, block_migration="auto")
    settle(cloud, server, "ACTIVE")
    assert host_of(admin_cloud, server) == source
    moves = [move for move in admin_cloud.compute.migrations() if move.server_id == server.id]
    assert [(move.migration_type, move.status) for move in moves] == [
        ("live-migration", "completed"),
        ("migration", "confirmed"),
    ]
    assert list(admin_cloud.compute.server_migrations(server)) == []


def test_the_sdk_evacuates(cloud: Connection, admin_cloud: Connection, server: Server) -> None:
    source = host_of(admin_cloud, server)
    [service] = admin_cloud.compute.services(host=source, binary="nova-compute")
    with pytest.raises(BadRequestException, match="not failed"):
        admin_cloud.compute.evacuate_server(server)
    admin_cloud.compute.update_service_forced_down(service, forced=True)
    try:
        admin_cloud.compute.evacuate_server(server)
        settle(cloud, server, "SHUTOFF")
    finally:
        admin_cloud.compute.update_service_forced_down(service, forced=False)
    assert HOSTS - {source} == {host_of(admin_cloud, server)}


def test_the_command_resizes_confirms_and_reverts(
    run_openstack: Openstack, server: Server, cloud: Connection
) -> None:
    name = server.name
    run_openstack(f"server resize --flavor m1.small --wait {name}")
    assert run_openstack(f"server show {name}")["status"] == "VERIFY_RESIZE"
    run_openstack(f"server resize confirm {name}")
    settle(cloud, server, "ACTIVE")
    run_openstack(f"server resize --flavor m1.medium --wait {name}")
    run_openstack(f"server resize revert {name}")
    settle(cloud, server, "ACTIVE")
    assert run_openstack(f"server show {name}")["flavor"]["name"] == "m1.small"


def test_the_command_migrates(
    run_openstack: Openstack, server: Server, cloud: Connection, admin_cloud: Connection
) -> None:
    [target] = HOSTS - {host_of(admin_cloud, server)}
    run_openstack(f"server migrate --host {target} --wait {server.id}", cloud="admin")
    run_openstack(f"server migrate confirm {server.id}", cloud="admin")
    settle(cloud, server, "ACTIVE")
    assert host_of(admin_cloud, server) == target
    run_openstack(f"server migrate --live-migration --wait {server.id}", cloud="admin")
    settle(cloud, server, "ACTIVE")
    listed = run_openstack(f"server migration list --server {server.id}", cloud="admin")
    assert {row["Type"] for row in listed} == {"migration", "live-migration"}
