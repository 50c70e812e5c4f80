"""openstacksdk, unmodified, with the clouds.yaml that the quickstart wrote."""

from __future__ import annotations

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import BadRequestException, ConflictException, ForbiddenException

from tests.clients.conftest import LiveSite

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]
FAST = {"interval": 0.1, "wait": 60}


def test_a_server_is_created_becomes_active_and_is_deleted(cloud: Connection) -> None:
    image = cloud.image.find_image("cirros", ignore_missing=False)
    flavor = cloud.compute.find_flavor("m1.tiny", ignore_missing=False)
    network = cloud.network.find_network("private", ignore_missing=False)
    keypair = cloud.compute.create_keypair(name="sdk-key")

    server = cloud.compute.create_server(
        name="from-the-sdk",
        image_id=image.id,
        flavor_id=flavor.id,
        networks=[{"uuid": network.id}],
        key_name=keypair.name,
        tags=["sdk"],
        metadata={"made": "by the SDK"},
    )
    server = cloud.compute.wait_for_server(server, **FAST)

    assert server.status == "ACTIVE"
    assert server.key_name == "sdk-key"
    assert server.tags == ["sdk"]
    assert server.metadata == {"made": "by the SDK"}
    assert server.addresses["private"][0]["addr"].startswith("10.")
    assert server.id in {found.id for found in cloud.compute.servers()}
    assert server.id in {found.id for found in cloud.compute.servers(details=False, tags="sdk")}
    assert cloud.compute.get_server(server.id).name == "from-the-sdk"
    assert len(list(cloud.network.ports(device_id=server.id))) == 1
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, **FAST)
    assert server.id not in {found.id for found in cloud.compute.servers()}
    assert not list(cloud.network.ports(device_id=server.id))
    cloud.compute.delete_keypair(keypair)


def test_what_belongs_to_a_server_is_changed(cloud: Connection, server: Server) -> None:
    compute = cloud.compute
    compute.update_server(server, name="renamed", description="and described")
    compute.set_server_metadata(server, colour="blue", size="small")
    compute.delete_server_metadata(server, ["size"])
    server.set_tags(compute, ["one"])
    server.add_tag(compute, "two")

    shown = compute.get_server(server)

    assert (shown.name, shown.description) == ("renamed", "and described")
    assert shown.metadata == {"colour": "blue"}
    assert sorted(shown.tags) == ["one", "two"]
    assert [action.action for action in compute.server_actions(server)] == ["create"]


def test_groups_limits_and_zones_are_read(cloud: Connection) -> None:
    group = cloud.compute.create_server_group(name="apart", policy="anti-affinity")
    assert cloud.compute.find_server_group("apart").id == group.id
    cloud.compute.delete_server_group(group)
    limits = cloud.compute.get_limits()
    assert limits.absolute.instances == cloud.get_compute_quotas(cloud.current_project_id).instances
    assert {zone.name for zone in cloud.compute.availability_zones()} >= {"rack1", "rack2"}


def test_an_operator_sees_and_changes_the_cloud(admin_cloud: Connection) -> None:
    compute = admin_cloud.compute
    flavor = compute.create_flavor(name="sdk.flavor", ram=256, vcpus=1, disk=1, is_public=False)
    compute.create_flavor_extra_specs(flavor, {"hw:cpu_policy": "shared"})
    assert compute.fetch_flavor_extra_specs(flavor).extra_specs == {"hw:cpu_policy": "shared"}
    compute.delete_flavor(flavor)
    assert {host.name for host in compute.hypervisors()} == {"rack1-node1", "rack2-node1"}
    assert {service.binary for service in compute.services()} >= {"nova-compute"}
    assert {aggregate.name for aggregate in compute.aggregates()} == {"rack1", "rack2"}
    assert "first-server" in {server.name for server in compute.servers(all_projects=True)}


def test_refusals_arrive_as_exceptions_of_their_kind(cloud: Connection, server: Server) -> None:
    compute = cloud.compute
    with pytest.raises(BadRequestException, match="no-such-flavor"):
        compute.create_server(
            name="x", image_id=server.image.id, flavor_id="no-such-flavor", networks="none"
        )
    with pytest.raises(ForbiddenException, match="quota"):
        compute.create_server(
            name="x",
            image_id=server.image.id,
            flavor_id="5",
            networks="none",
            min_count=40,
            max_count=40,
        )
    with pytest.raises(ConflictException):
        compute.start_server(server)


def test_the_quickstart_showed_a_first_server_on_its_way(live_site: LiveSite) -> None:
    assert "POST /servers accepted it" in live_site.output
    assert "ACTIVE" in live_site.output
