"""What drivers are told of a server when an action needs more than its id."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from compute_site.neighbours.network.models import FixedIp, SecurityGroupRule, Subnet
from servers.drivers import fake
from servers.drivers.facts import NoImageData, NoVolumeData, connection_of, image_source, wiring_of
from servers.drivers.guest import describe_anew
from servers.drivers.protocol import Describe, Guest
from servers.models import Instance, PowerState, RequestSpec
from tests.world.client import ApiClient
from tests.world.factories import (
    make_image,
    make_instance,
    make_network,
    make_port,
    make_security_group,
    make_volume,
)
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Guest]]:
    """The tasks that the host did, each with the guest as it was described."""
    seen: list[tuple[str, Guest]] = []

    def perform(
        server_id: str, node: str, task: str, describe: Describe, *, password: str = ""
    ) -> int:
        seen.append((task, describe()))
        return PowerState.RUNNING

    monkeypatch.setattr(fake, "perform", perform)
    return seen


def make_server(**fields: Any) -> Instance:
    make_host("host")
    image = make_image()
    server = make_instance(launched_at=timezone.now(), image_ref=str(image.pk), **fields)
    RequestSpec.objects.create(instance=server, flavor=server.flavor, image={"id": str(image.pk)})
    return server


def act(client: ApiClient, server: Instance, **body: Any) -> None:
    path = f"/servers/{server.uuid}/action"
    assert client.post(path, body, microversion="2.94").status in (200, 202)
    run_jobs()


def test_a_rebuild_is_of_the_new_image(as_member: ApiClient, told: list[tuple[str, Guest]]) -> None:
    server, image = make_server(), make_image()
    body = {"imageRef": str(image.pk), "adminPass": "new secret"}
    act(as_member, server, rebuild=body)
    [(task, guest)] = told
    assert (task, guest.image_id, guest.admin_password) == (
        "rebuilding",
        str(image.pk),
        "new secret",
    )
    assert "new secret" not in repr(guest)


def test_a_rescue_boots_from_the_image_that_was_named(
    as_member: ApiClient, told: list[tuple[str, Guest]]
) -> None:
    server, image = make_server(), make_image()
    act(as_member, server, rescue={"rescue_image_ref": str(image.pk)})
    [(task, guest)] = told
    assert (task, guest.rescue_image_id) == ("rescuing", str(image.pk))
    assert guest.image_id == server.image_ref


def test_an_unshelved_server_is_described_to_its_new_host(
    as_member: ApiClient, told: list[tuple[str, Guest]]
) -> None:
    server = make_server(vm_state="shelved_offloaded", host=None, node=None)
    act(as_member, server, unshelve=None)
    [(task, guest)] = told
    assert (task, guest.node, guest.server_id) == ("unshelving", "host", str(server.uuid))


def test_wiring_tells_subnets_rules_and_members_of_remote_groups(db: None) -> None:
    server = make_server()
    network = make_network(subnet=False, mtu=1400, network_type="vxlan", segmentation_id=77)
    subnet = Subnet.objects.create(
        network=network,
        project_id=network.project_id,
        cidr="10.8.0.0/24",
        gateway_ip="10.8.0.1",
        dns_nameservers=["10.8.0.3"],
        host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.8.0.9"}],
    )
    web, others = make_security_group(), make_security_group()
    rule = {"group": web, "direction": "ingress", "protocol": "tcp"}
    SecurityGroupRule.objects.create(
        **rule, port_range_min=22, port_range_max=22, remote_ip_prefix="192.0.2.0/24"
    )
    SecurityGroupRule.objects.create(**rule, remote_group=others)
    SecurityGroupRule.objects.create(group=others, direction="egress")
    own = {"device_id": str(server.uuid), "device_owner": "compute:nova"}
    port, friend = make_port(network, **own), make_port(network)
    port.security_groups.set([web])
    friend.security_groups.set([others])
    for holder, address in ((port, "10.8.0.5"), (friend, "10.8.0.6")):
        FixedIp.objects.create(port=holder, network=network, subnet=subnet, address=address)
    [wired] = wiring_of(describe_anew(server, node="host"))
    assert (wired.mac, wired.mtu, wired.network_type, wired.segmentation_id) == (
        port.mac_address,
        1400,
        "vxlan",
        77,
    )
    [part] = wired.subnets
    assert (part.cidr, part.gateway, part.dhcp, part.dns) == (
        "10.8.0.0/24",
        "10.8.0.1",
        True,
        ("10.8.0.3",),
    )
    assert (part.routes, part.addresses) == ((("10.9.0.0/16", "10.8.0.9"),), ("10.8.0.5",))
    assert [(rule.protocol, rule.port_min, rule.remotes) for rule in wired.rules] == [
        ("tcp", 22, ("192.0.2.0/24",)),
        ("tcp", None, ("10.8.0.6",)),
    ]


def test_a_port_without_port_security_is_not_filtered(db: None) -> None:
    server = make_server()
    group = make_security_group()
    SecurityGroupRule.objects.create(group=group, direction="ingress")
    port = make_port(
        make_network(),
        device_id=str(server.uuid),
        device_owner="compute:nova",
        port_security_enabled=False,
    )
    port.security_groups.set([group])
    [wired] = wiring_of(describe_anew(server, node="host"))
    assert (wired.port_security, wired.rules) == (False, ())


def test_data_of_an_image_are_named_by_size_and_hash(db: None) -> None:
    image = make_image(stored=True, size=9, os_hash_value="ab", virtual_size=1024)
    source = image_source(str(image.pk))
    assert (source.size, source.sha512, source.disk_format, source.virtual_size) == (
        9,
        "ab",
        "qcow2",
        1024,
    )
    for without in (make_image(), make_image(stored=True, status="deactivated")):
        with pytest.raises(NoImageData):
            image_source(str(without.pk))
    with pytest.raises(NoImageData):
        image_source("no id")


def test_local_volumes_have_no_bytes(db: None) -> None:
    with pytest.raises(NoVolumeData):
        connection_of(str(make_volume().pk), str(uuid4()), "node")
