"""The cloud around servers, as openstacksdk, unmodified, shows and changes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server
from openstack.compute.v2.service import Service
from openstack.connection import Connection
from openstack.exceptions import ForbiddenException, NotFoundException
from openstack.identity.v3.project import Project

from tests.clients.conftest import settle

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]


@pytest.fixture
def project(admin_cloud: Connection) -> Iterator[Project]:
    """A project of its own."""
    made = admin_cloud.identity.create_project(name="sdk-project")
    yield made
    admin_cloud.identity.delete_project(made)


def test_a_flavor_is_shared_with_a_project(
    cloud: Connection, admin_cloud: Connection, project: Project
) -> None:
    compute = admin_cloud.compute
    flavor = compute.create_flavor(name="sdk.private", ram=64, vcpus=1, disk=1, is_public=False)
    compute.flavor_add_tenant_access(flavor, project.id)
    assert [entry["tenant_id"] for entry in compute.get_flavor_access(flavor)] == [project.id]
    with pytest.raises(NotFoundException):
        cloud.compute.get_flavor(flavor.id)
    compute.flavor_remove_tenant_access(flavor, project.id)
    assert list(compute.get_flavor_access(flavor)) == []
    compute.create_flavor_extra_specs(flavor, {"hw:cpu_policy": "shared", "a:b": "c"})
    compute.update_flavor_extra_specs_property(flavor, "a:b", "d")
    assert compute.get_flavor_extra_specs_property(flavor, "a:b") == "d"
    compute.delete_flavor_extra_specs_property(flavor, "a:b")
    assert compute.fetch_flavor_extra_specs(flavor).extra_specs == {"hw:cpu_policy": "shared"}
    compute.update_flavor(flavor.id, description="described")
    assert compute.get_flavor(flavor.id).description == "described"
    compute.delete_flavor(flavor)


def test_quotas_of_a_project_are_set_and_taken_back(
    admin_cloud: Connection, project: Project
) -> None:
    compute = admin_cloud.compute
    usual = compute.get_quota_set_defaults(project.id).instances
    compute.update_quota_set(project.id, instances=usual + 3, key_pairs=7)
    found = compute.get_quota_set(project.id, usage=True)
    assert (found.instances, found.key_pairs) == (usual + 3, 7)
    assert found.usage["instances"] == 0
    compute.revert_quota_set(project.id)
    assert compute.get_quota_set(project.id).instances == usual
    admin_cloud.set_compute_quotas(project.id, cores=5)
    assert admin_cloud.get_compute_quotas(project.id).cores == 5
    admin_cloud.delete_compute_quotas(project.id)


def test_key_pairs_are_made_found_and_removed(cloud: Connection) -> None:
    compute = cloud.compute
    made = compute.create_keypair(name="sdk-pair")
    assert compute.get_keypair("sdk-pair").fingerprint == made.fingerprint
    assert "sdk-pair" in {pair.name for pair in compute.keypairs()}
    compute.delete_keypair("sdk-pair")
    assert cloud.get_keypair("sdk-pair") is None


def test_an_aggregate_is_made_filled_changed_and_removed(admin_cloud: Connection) -> None:
    compute = admin_cloud.compute
    aggregate = compute.create_aggregate(name="sdk-aggregate")
    compute.add_host_to_aggregate(aggregate, "rack1-node1")
    compute.set_aggregate_metadata(aggregate, {"ssd": "true"})
    compute.update_aggregate(aggregate, name="sdk-renamed")
    found = compute.find_aggregate("sdk-renamed", ignore_missing=False)
    assert (found.hosts, found.metadata) == (["rack1-node1"], {"ssd": "true"})
    compute.remove_host_from_aggregate(aggregate, "rack1-node1")
    compute.delete_aggregate(aggregate)
    assert "sdk-renamed" not in {entry.name for entry in compute.aggregates()}


def test_a_host_is_taken_out_of_service(admin_cloud: Connection) -> None:
    compute = admin_cloud.compute

    def service() -> Service:
        (found,) = compute.services(host="rack2-node1", binary="nova-compute")
        return found

    compute.disable_service(service(), disabled_reason="repair")
    assert (service().status, service().disabled_reason) == ("disabled", "repair")
    compute.enable_service(service())
    compute.update_service_forced_down(service(), forced=True)
    assert (service().state, service().is_forced_down) == ("down", True)
    compute.update_service_forced_down(service(), forced=False)
    assert (service().status, service().state) == ("enabled", "up")


def test_hosts_zones_and_usage_are_shown(
    cloud: Connection, admin_cloud: Connection, server: Server
) -> None:
    compute = admin_cloud.compute
    host = compute.find_hypervisor("rack1-node1", ignore_missing=False, details=True)
    assert compute.get_hypervisor(host).hypervisor_type == "fake"
    zones = {zone.name: zone.hosts for zone in compute.availability_zones(details=True)}
    assert set(zones["rack1"]) == {"rack1-node1"}
    assert cloud.compute.get_usage(cloud.current_project_id).total_hours >= 0
    assert cloud.current_project_id in {usage.project_id for usage in compute.usages()}
    with pytest.raises(ForbiddenException):
        list(cloud.compute.hypervisors())


def test_what_happens_outside_is_told_to_servers(
    cloud: Connection, admin_cloud: Connection
) -> None:
    server = cloud.create_server(
        "told", image="cirros", flavor="m1.tiny", network="private", auto_ip=False, wait=True
    )
    (port,) = cloud.network.ports(device_id=server.id)
    (event,) = admin_cloud.compute.create_server_external_events(
        [{"name": "network-changed", "server_uuid": server.id, "tag": port.id}]
    )
    assert (event.code, event.status) == (200, "completed")
    assert settle(cloud, server, "ACTIVE").id == server.id
    assert cloud.delete_server(server.id)
