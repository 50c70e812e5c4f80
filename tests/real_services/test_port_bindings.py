"""What a real Neutron is told of the hosts on which it binds ports: providers and PCI devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.network.v2.port import Port

from tests.real_services.configuration import ADMIN, PHYSICAL, SERVICE_PROJECT
from tests.real_services.conftest import World
from tests.real_services.running import OWN_NAMES, PROGRAMS, connect, run
from tests.real_services.site import HOSTS, settled, until

pytestmark = [
    pytest.mark.real_services,
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
]

OWN = {"written_by": "another service"}
KILOBITS = 1000


@pytest.fixture
def operator(world: World) -> Iterator[Connection]:
    """An admin in whose catalogue this site is."""
    connection = connect(world.place, ADMIN, ADMIN, world.place.password)
    yield connection
    connection.close()


@pytest.fixture
def providers(world: World, operator: Connection) -> Iterator[Mapping[str, str]]:
    """The ids of those of the bandwidth of the hosts, which Neutron reports."""
    place = world.place
    told = (str(place.file("neutron")), place.databases["neutron"])
    run(place, "neutron", "python", str(PROGRAMS / "report_providers.py"), *told)
    placement = operator.placement
    found = {provider.name: provider.id for provider in placement.resource_providers()}
    switches = {host: f"{host}:Open vSwitch agent" for host in HOSTS}
    yield {host: found[f"{switch}:br-{PHYSICAL}"] for host, switch in switches.items()}
    for switch in switches.values():
        for name in (f"{switch}:br-{PHYSICAL}", switch):
            placement.delete_resource_provider(found[name])


@pytest.fixture
def ports(world: World) -> Iterator[Sequence[str]]:
    """On the physical network: one to which bandwidth is promised, and one that is a device. Their
    profiles are for services to write, not for admins.
    """
    service = connect(world.place, OWN_NAMES[0], SERVICE_PROJECT, world.place.password)
    neutron, project = service.network, {"project_id": world.demo.current_project_id}
    network = neutron.create_network(
        **project, provider_network_type="flat", provider_physical_network=PHYSICAL
    )
    neutron.create_subnet(network_id=network.id, cidr="10.9.0.0/24", ip_version=4)
    policy = neutron.create_qos_policy(**project)
    for direction in ("egress", "ingress"):
        neutron.create_qos_minimum_bandwidth_rule(policy, min_kbps=KILOBITS, direction=direction)
    made = [
        neutron.create_port(network_id=network.id, binding_profile=OWN, **project, **more)
        for more in ({"qos_policy_id": policy.id}, {"binding_vnic_type": "direct"})
    ]
    yield [port.id for port in made]
    for port in made:
        neutron.delete_port(port)
    neutron.delete_network(network)
    neutron.delete_qos_policy(policy)
    service.close()


def test_profiles_of_ports_follow_their_server(
    world: World, operator: Connection, providers: Mapping[str, str], ports: Sequence[str]
) -> None:
    compute = world.demo.compute

    def shown() -> list[Port]:
        return [world.admin.network.get_port(port) for port in ports]

    def check(server: Server, host: str | None) -> None:
        found = shown()
        for port in found:
            assert (port.device_id, port.binding_host_id) == (server.id, host or "")
            bindings = world.admin.network.port_bindings(port)
            assert [one.host for one in bindings] == [host or ""]
        has: Sequence[dict[str, Any]] = ({}, {})
        if host is not None:
            [group] = found[0].resource_request["request_groups"]
            has = (
                {"allocation": {group["id"]: providers[host]}},
                {
                    "pci_slot": "0000:03:02.0",
                    "pci_vendor_info": "8086:154c",
                    "physical_network": PHYSICAL,
                },
            )
            assert [port.binding_vif_type for port in found] == ["ovs", "hw_veb"]
        assert [port.binding_profile for port in found] == [OWN | part for part in has]

    def host_of(server: Server) -> str:
        return str(operator.compute.get_server(server.id).hypervisor_hostname)

    with world.site.worker():
        made = compute.create_server(
            name="web",
            flavor_id="1",
            image_id=world.image.id,
            networks=[{"port": port} for port in ports],
        )
        server = settled(world.demo, made, "ACTIVE", world.site)
        first = host_of(server)
        [second] = set(HOSTS) - {first}
        check(server, first)

        operator.compute.migrate_server(server)
        settled(world.demo, server, "VERIFY_RESIZE", world.site)
        check(server, second)
        compute.revert_server_resize(server)
        settled(world.demo, server, "ACTIVE", world.site)
        check(server, first)

        operator.compute.live_migrate_server(server, block_migration="auto")
        until(lambda: host_of(server) == second, world.site)
        settled(world.demo, server, "ACTIVE", world.site)
        check(server, second)

        compute.shelve_server(server)
        settled(world.demo, server, "SHELVED_OFFLOADED", world.site)
        until(lambda: not any(port.binding_host_id for port in shown()), world.site)
        check(server, None)
        compute.unshelve_server(server)
        settled(world.demo, server, "ACTIVE", world.site)
        check(server, host_of(server))

        compute.delete_server(server)
        until(lambda: compute.find_server(server.id) is None, world.site)
    for port in shown():
        assert (port.device_id, port.binding_host_id) == ("", "")
        assert port.binding_profile == OWN
