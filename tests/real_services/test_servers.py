"""Servers of a site that has joined a cloud of real services, through an unmodified client."""

from __future__ import annotations

import pytest
from openstack.block_storage.v3.volume import Volume
from openstack.compute.v2.server import Server
from openstack.exceptions import ConflictException

from tests.real_services.conftest import World
from tests.real_services.site import HOSTS, boot_from, settled, until

pytestmark = [
    pytest.mark.real_services,
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
]


def delete(world: World, server: Server) -> None:
    world.demo.compute.delete_server(server)
    until(lambda: world.demo.compute.find_server(server.id) is None, world.site)


def check_nothing_left(world: World, server: Server) -> None:
    """In none of the services is anything of the server that was deleted."""
    assert not list(world.admin.network.ports(device_id=server.id))
    attachments = world.admin.block_storage.attachments(instance_id=server.id, all_projects=True)
    assert not list(attachments)

    def volumes() -> list[str]:
        found = world.admin.block_storage.volumes(all_projects=True)
        return [volume.id for volume in found]

    until(lambda: not volumes(), world.site)
    assert [image.id for image in world.admin.image.images()] == [world.image.id]
    projects = {project.name for project in world.admin.identity.projects()}
    assert projects == {"admin", "service", "demo"}


def test_a_server_with_a_port_and_a_volume_that_exist(world: World) -> None:
    demo = world.demo
    port = demo.network.create_port(network_id=world.network.id)
    volume = world.bootable_volume()
    with world.site.worker():
        order = demo.compute.create_server(
            name="web",
            flavor_id="1",
            networks=[{"port": port.id}],
            block_device_mapping_v2=[boot_from(volume.id)],
        )
        server = settled(demo, order, "ACTIVE", world.site)

        [shown] = server.addresses["private"]
        assert shown["addr"] == port.fixed_ips[0]["ip_address"]
        assert shown["OS-EXT-IPS-MAC:mac_addr"] == port.mac_address
        bound = world.admin.network.get_port(port.id)
        assert (bound.device_id, bound.binding_vif_type) == (server.id, "ovs")
        assert bound.binding_host_id in HOSTS
        used = demo.block_storage.get_volume(volume.id)
        assert used.status == "in-use"
        assert [one["server_id"] for one in used.attachments] == [server.id]
        with pytest.raises(ConflictException):  # compute says who has it
            demo.block_storage.delete_attachment(used.attachments[0]["attachment_id"])

        check_events(world, server, port.id)
        delete(world, server)
    free = world.admin.network.get_port(port.id)
    assert (free.device_id, free.binding_host_id) == ("", "")
    check_nothing_left(world, server)
    demo.network.delete_port(port.id)


def check_events(world: World, server: Server, port_id: str) -> None:
    """Neutron and Cinder tell this site of what changes, as they tell Nova."""
    demo = world.demo
    port = demo.network.get_port(port_id)
    demo.network.update_port(port, fixed_ips=[*port.fixed_ips, {"ip_address": "10.0.0.77"}])

    def addresses() -> set[str]:
        found = demo.compute.get_server(server.id)
        return {one["addr"] for one in found.addresses["private"]}

    until(lambda: "10.0.0.77" in addresses(), world.site)

    [volume] = demo.compute.volume_attachments(server.id)
    demo.block_storage.extend_volume(volume.volume_id, 2)

    def extended() -> bool:
        actions = demo.compute.server_actions(server.id)
        return "extend_volume" in [action.action for action in actions]

    until(extended, world.site)


def test_a_server_whose_port_and_volumes_are_made_for_it(world: World) -> None:
    demo = world.demo
    with world.site.worker():
        order = demo.compute.create_server(
            name="db",
            flavor_id="1",
            networks=[{"uuid": world.network.id}],
            block_device_mapping_v2=[
                {
                    "uuid": world.image.id,
                    "source_type": "image",
                    "destination_type": "volume",
                    "volume_size": 1,
                    "boot_index": 0,
                    "delete_on_termination": True,
                },
                {
                    "source_type": "blank",
                    "destination_type": "volume",
                    "volume_size": 1,
                    "boot_index": -1,
                    "delete_on_termination": True,
                },
            ],
        )
        server = settled(demo, order, "ACTIVE", world.site)

        [port] = world.admin.network.ports(device_id=server.id)
        assert port.project_id == demo.current_project_id
        volumes = list(demo.block_storage.volumes())
        assert [volume.status for volume in volumes] == ["in-use"] * 2
        assert [volume.metadata for volume in volumes] == [{}, {}]

        more = demo.compute.create_server_interface(server, net_id=world.network.id)
        until(lambda: len(list(demo.compute.server_interfaces(server.id))) == 2, world.site)
        demo.compute.delete_server_interface(more.port_id, server)
        until(lambda: demo.network.find_port(more.port_id) is None, world.site)

        extra = world.bootable_volume()
        demo.compute.create_volume_attachment(server, volume_id=extra.id)
        until(lambda: demo.block_storage.get_volume(extra.id).status == "in-use", world.site)
        demo.compute.delete_volume_attachment(server, extra.id)
        until(lambda: demo.block_storage.get_volume(extra.id).status == "available", world.site)
        demo.block_storage.delete_volume(extra.id)

        delete(world, server)
    check_nothing_left(world, server)


def test_an_image_is_written_over_the_volume_of_a_server(world: World) -> None:
    demo = world.demo
    data = bytes(range(256)) * 4096
    other = demo.image.create_image(
        name="other", data=data, disk_format="raw", container_format="bare", wait=True
    )
    root = world.bootable_volume()
    with world.site.worker():
        order = demo.compute.create_server(
            name="web", flavor_id="1", networks="none", block_device_mapping_v2=[boot_from(root.id)]
        )
        server = settled(demo, order, "ACTIVE", world.site)
        demo.compute.rebuild_server(server, image=other.id)
        server = settled(demo, server, "ACTIVE", world.site)

        volume = demo.block_storage.get_volume(root.id)
        assert (volume.status, volume.metadata) == ("in-use", {})
        assert [one["server_id"] for one in volume.attachments] == [server.id]
        assert volume.volume_image_metadata["image_id"] == other.id
        file = world.place.state("cinder") / "volumes" / f"volume-{volume.id}"
        with file.open("rb") as written:
            assert written.read(len(data)) == data
        [attachment] = demo.compute.volume_attachments(server.id)
        assert attachment.attachment_id == volume.attachments[0]["attachment_id"]
        delete(world, server)
    demo.image.delete_image(other)
    check_nothing_left(world, server)


def test_cinder_moves_a_volume_that_a_server_has(world: World) -> None:
    demo, volumes = world.demo, world.admin.block_storage
    root = world.bootable_volume()
    first = volumes.get_volume(root.id).host
    [backend] = {"files", "more"} - {first.partition("@")[2].partition("#")[0]}
    with world.site.worker():
        order = demo.compute.create_server(
            name="web",
            flavor_id="1",
            networks="none",
            block_device_mapping_v2=[boot_from(root.id)],
        )
        server = settled(demo, order, "ACTIVE", world.site)
        [before] = demo.compute.volume_attachments(server.id)
        volumes.migrate_volume(root.id, host=f"tests@{backend}#{backend}")

        def moved() -> Volume | None:
            found = volumes.get_volume(root.id)
            assert found.migration_status != "error", world.site.log.read_text()[-4000:]
            return found if found.migration_status == "success" else None

        volume = until(moved, world.site)
        assert volume.host == f"tests@{backend}#{backend}"
        assert volume.status == "in-use"

        def noted() -> bool:
            [now] = demo.compute.volume_attachments(server.id)
            return bool(now.attachment_id != before.attachment_id)

        until(noted, world.site)
        [now] = demo.compute.volume_attachments(server.id)
        assert now.volume_id == root.id
        assert now.attachment_id == volume.attachments[0]["attachment_id"]
        delete(world, server)
    check_nothing_left(world, server)


def test_a_build_whose_worker_is_killed_goes_on_and_leaves_nothing(world: World) -> None:
    demo = world.demo
    order = demo.compute.create_server(
        name="killed",
        flavor_id="1",
        networks=[{"uuid": world.network.id}],
        block_device_mapping_v2=[
            {
                "uuid": world.image.id,
                "source_type": "image",
                "destination_type": "volume",
                "volume_size": 1,
                "boot_index": 0,
                "delete_on_termination": True,
            }
        ],
    )
    with world.site.worker() as worker:
        until(lambda: list(world.admin.network.ports(device_id=order.id)), world.site)
        worker.kill()
    with world.site.worker():
        server = settled(demo, order, "ACTIVE", world.site)
        assert len(list(world.admin.network.ports(device_id=server.id))) == 1
        assert len(list(demo.block_storage.volumes())) == 1
        delete(world, server)
    check_nothing_left(world, server)
