"""What the client does when all is well, and when it is not."""

from __future__ import annotations

from typing import Any

import pytest
from machines import Failed, TookTooLong, delete_server, make_server
from openstack.connection import Connection
from openstack.exceptions import ForbiddenException

SERVERS = "/compute/v2.1/servers*"


def is_empty(cloud: Connection) -> bool:
    """Are there neither servers nor ports of servers?"""
    ports = [port for port in cloud.network.ports() if port.device_owner.startswith("compute:")]
    return not ports and not list(cloud.compute.servers())


def test_a_server_is_made_and_deleted(cloud: Connection) -> None:
    server = make_server(cloud, "web")
    assert server.status == "ACTIVE"
    delete_server(cloud, server)
    assert is_empty(cloud)


def test_what_failed_is_deleted(cloud: Connection, openstack_cloud: Any) -> None:
    openstack_cloud.inject("build", step="disks", message="No space left on the host.")
    with pytest.raises(Failed, match="No space left"):
        make_server(cloud, "web")
    assert is_empty(cloud)
    assert make_server(cloud, "web").status == "ACTIVE"


def test_a_build_that_hangs_is_given_up(cloud: Connection, openstack_cloud: Any) -> None:
    openstack_cloud.inject("build", step="spawning", outcome="hang", seconds=600)
    with pytest.raises(TookTooLong):
        make_server(cloud, "web", timeout=1)
    assert is_empty(cloud)


@pytest.mark.parametrize("outcome", ["503", "drop"])
def test_a_busy_cloud_is_asked_again(cloud: Connection, openstack_cloud: Any, outcome: str) -> None:
    make_server(cloud, "web")
    openstack_cloud.inject("request", path=SERVERS, method="GET", outcome=outcome, times=2)
    assert [server.name for server in cloud.compute.servers()] == ["web"]
    assert openstack_cloud.faults()[0]["met"] == 2


def test_a_late_answer_is_waited_for(cloud: Connection, openstack_cloud: Any) -> None:
    openstack_cloud.inject("request", path=SERVERS, method="GET", outcome="delay", seconds=1)
    assert is_empty(cloud)


def test_a_full_quota_is_told(cloud: Connection, openstack_cloud: Any) -> None:
    fault = openstack_cloud.inject("quota", project="demo")
    with pytest.raises(ForbiddenException, match="instances"):
        make_server(cloud, "web")
    openstack_cloud.withdraw(fault["id"])
    assert make_server(cloud, "web").status == "ACTIVE"


def test_servers_of_a_lost_host_are_made_elsewhere(cloud: Connection, openstack_cloud: Any) -> None:
    admin = openstack_cloud.connection("admin")
    hosts = {service.host for service in admin.compute.services(binary="nova-compute")}
    assert len(hosts) > 1
    lost = min(hosts)
    openstack_cloud.inject("host", host=lost)
    server = make_server(cloud, "web")
    assert admin.compute.get_server(server.id).compute_host in hosts - {lost}
