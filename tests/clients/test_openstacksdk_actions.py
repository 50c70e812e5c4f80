"""What openstacksdk, unmodified, does with a server once it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import ConflictException, ForbiddenException, NotFoundException

from tests.clients.conftest import settle

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]

ROUND_TRIPS: dict[str, list[tuple[Callable[[Any, Server], object], str]]] = {
    "stop": [
        (lambda compute, server: compute.stop_server(server), "SHUTOFF"),
        (lambda compute, server: compute.start_server(server), "ACTIVE"),
    ],
    "pause": [
        (lambda compute, server: compute.pause_server(server), "PAUSED"),
        (lambda compute, server: compute.unpause_server(server), "ACTIVE"),
    ],
    "suspend": [
        (lambda compute, server: compute.suspend_server(server), "SUSPENDED"),
        (lambda compute, server: compute.resume_server(server), "ACTIVE"),
    ],
    "rescue": [
        (lambda compute, server: compute.rescue_server(server), "RESCUE"),
        (lambda compute, server: compute.unrescue_server(server), "ACTIVE"),
    ],
    "shelve": [
        (lambda compute, server: compute.shelve_server(server), "SHELVED_OFFLOADED"),
        (lambda compute, server: compute.unshelve_server(server), "ACTIVE"),
    ],
    "reboot": [
        (lambda compute, server: compute.reboot_server(server, "SOFT"), "ACTIVE"),
        (lambda compute, server: compute.reboot_server(server, "HARD"), "ACTIVE"),
    ],
    "changePassword": [
        (lambda compute, server: compute.change_server_password(server, "new"), "ACTIVE"),
    ],
}


@pytest.mark.parametrize("action", ROUND_TRIPS)
def test_a_server_goes_and_comes_back(cloud: Connection, server: Server, action: str) -> None:
    for act, status in ROUND_TRIPS[action]:
        act(cloud.compute, server)
        settle(cloud, server, status)
    assert action in {entry.action for entry in cloud.compute.server_actions(server)}


def test_a_locked_server_is_left_alone(
    cloud: Connection, admin_cloud: Connection, server: Server
) -> None:
    admin_cloud.compute.lock_server(server, locked_reason="busy")
    assert cloud.compute.get_server(server.id).locked_reason == "busy"
    with pytest.raises(ConflictException, match="locked"):
        cloud.compute.stop_server(server)
    admin_cloud.compute.unlock_server(server)
    assert not cloud.compute.get_server(server.id).is_locked


def test_a_server_is_rebuilt(cloud: Connection, server: Server) -> None:
    image = cloud.image.find_image("debian-12", ignore_missing=False)
    small = cloud.image.find_image("cirros", ignore_missing=False)
    with pytest.raises(Exception, match="disk"):
        cloud.compute.rebuild_server(server, image)
    cloud.compute.rebuild_server(
        server, small, name="rebuilt", metadata={"a": "b"}, description="new"
    )
    rebuilt = settle(cloud, server, "ACTIVE")
    assert (rebuilt.name, rebuilt.metadata, rebuilt.description) == ("rebuilt", {"a": "b"}, "new")


def test_a_server_becomes_an_image(cloud: Connection, server: Server) -> None:
    image = cloud.compute.create_server_image(server, "snap", metadata={"made": "here"}, wait=True)
    assert image.status == "active"
    assert image.properties["made"] == "here"
    assert image.instance_uuid == server.id
    cloud.image.delete_image(image)


def test_of_the_backups_the_newest_stay(cloud: Connection, server: Server) -> None:
    for name in ("monday", "tuesday", "wednesday"):
        settle(cloud, server, "ACTIVE")
        cloud.compute.backup_server(server, name, "daily", 2, wait=True)
    settle(cloud, server, "ACTIVE")
    kept = [image for image in cloud.image.images() if image.name.endswith("day")]
    assert {image.name for image in kept} == {"tuesday", "wednesday"}
    for image in kept:
        cloud.image.delete_image(image)


def test_the_state_is_reset_by_an_operator(
    cloud: Connection, admin_cloud: Connection, server: Server
) -> None:
    with pytest.raises(ForbiddenException, match="os-admin-actions:reset_state"):
        cloud.compute.reset_server_state(server, "error")
    admin_cloud.compute.reset_server_state(server, "error")
    assert cloud.compute.get_server(server.id).status == "ERROR"
    admin_cloud.compute.reset_server_state(server, "active")
    assert cloud.compute.get_server(server.id).status == "ACTIVE"


def test_a_server_is_deleted_by_force(cloud: Connection) -> None:
    server = cloud.compute.create_server(
        name="short",
        image_id=cloud.image.find_image("cirros", ignore_missing=False).id,
        flavor_id="1",
        networks="none",
    )
    cloud.compute.delete_server(server, force=True)
    cloud.compute.wait_for_delete(server, interval=0.05, wait=60)
    with pytest.raises(NotFoundException):
        cloud.compute.get_server(server.id)


def test_the_console_is_read(cloud: Connection, server: Server) -> None:
    whole = cloud.compute.get_server_console_output(server)["output"]
    assert server.id in whole
    last = cloud.compute.get_server_console_output(server, length=1)["output"]
    assert last
    assert whole.rstrip().endswith(last.rstrip())


def test_what_happened_to_a_server_is_told(cloud: Connection, server: Server) -> None:
    cloud.compute.stop_server(server)
    settle(cloud, server, "SHUTOFF")
    stop, create = cloud.compute.server_actions(server)
    assert (stop.action, create.action) == ("stop", "create")
    (event,) = cloud.compute.get_server_action(stop.request_id, server).events
    assert (event["event"], event["result"]) == ("compute_stop_instance", "Success")


def test_metadata_and_tags_are_changed(cloud: Connection, server: Server) -> None:
    compute = cloud.compute
    compute.set_server_metadata(server, colour="blue", size="small")
    compute.delete_server_metadata(server, ["size"])
    assert compute.fetch_server_metadata(server).metadata == {"colour": "blue"}
    compute.add_tag_to_server(server, "one")
    compute.add_tag_to_server(server, "two")
    compute.remove_tag_from_server(server, "one")
    assert server.fetch_tags(compute).tags == ["two"]
    assert server.check_tag(compute, "two")
    compute.remove_tags_from_server(server)
    assert compute.get_server(server.id).tags == []


def test_a_server_is_looked_into(
    cloud: Connection, admin_cloud: Connection, server: Server
) -> None:
    compute = cloud.compute
    assert list(compute.server_ips(server)) == []
    assert list(compute.server_interfaces(server)) == []
    assert list(compute.volume_attachments(server)) == []
    assert compute.fetch_server_security_groups(server).security_groups == []
    assert compute.get_server_password(server) == ""
    compute.clear_server_password(server)
    with pytest.raises(ForbiddenException, match="os-server-diagnostics"):
        compute.get_server_diagnostics(server)
    assert admin_cloud.compute.get_server_diagnostics(server).state == "running"


def test_servers_are_found(cloud: Connection, admin_cloud: Connection, server: Server) -> None:
    compute = cloud.compute

    def ids(**filters: Any) -> set[str]:
        return {found.id for found in compute.servers(**filters)}

    compute.update_server(server, name="a-name-of-its-own")
    compute.add_tag_to_server(server, "mark")
    assert compute.find_server("a-name-of-its-own").id == server.id
    for filters in (
        {"name": "^a-name-of"},
        {"status": "ACTIVE"},
        {"tags": "mark"},
        {"image": server.image.id},
        {"flavor": "1"},
        {"changes_since": server.created_at},
        {"availability_zone": server.availability_zone},
        {"locked": "false"},
        {"limit": 1},  # page after page
        {"sort_key": "created_at", "sort_dir": "asc"},
    ):
        assert server.id in ids(**filters), filters
    assert ids(name="nothing") == set()
    assert server.id not in ids(not_tags="mark")
    host = admin_cloud.compute.get_server(server.id).compute_host
    assert server.id in {
        found.id for found in admin_cloud.compute.servers(all_projects=True, compute_host=host)
    }


def test_an_operator_sees_deleted_servers(
    cloud: Connection, admin_cloud: Connection, server: Server
) -> None:
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, interval=0.05, wait=60)
    deleted = admin_cloud.compute.servers(all_projects=True, deleted=True, status="DELETED")
    assert server.id in {found.id for found in deleted}


def test_the_cloud_layer_does_the_same(cloud: Connection, server: Server) -> None:
    assert cloud.get_server_id(server.name) == server.id
    assert cloud.get_server(server.name, bare=True).status == "ACTIVE"
    assert [found.id for found in cloud.search_servers(server.id)] == [server.id]
    cloud.set_server_metadata(server.id, {"a": "b"})
    cloud.delete_server_metadata(server.id, ["a"])
    assert cloud.update_server(server.id, name="by-the-layer").name == "by-the-layer"
    assert server.id in cloud.get_server_console(server.id)
    image = cloud.create_image_snapshot("layer-snap", server.id, wait=True)
    rebuilt = cloud.rebuild_server(server.id, image.id, wait=True)
    assert (rebuilt.status, rebuilt.image.id) == ("ACTIVE", image.id)
    assert cloud.delete_image(image.id, wait=True)
    assert cloud.get_compute_usage(cloud.current_project_id).total_vcpus_usage >= 0
    assert cloud.get_compute_limits().total_instances_used >= 1
