"""What the local network service shows to whom."""

from __future__ import annotations

import uuid

from compute_site.identity.models import Project
from compute_site.neighbours.network import local
from compute_site.neighbours.network.models import FixedIp, Quota, SecurityGroup
from compute_site.neighbours.network.protocol import PortQuotaData
from tests.world.services import make_caller, make_network, make_port


def test_own_shared_and_external_networks_are_seen(alpha: Project, beta: Project) -> None:
    own = make_network(alpha, "10.1.0.0/24")
    shared = make_network(beta, shared=True)
    external = make_network(beta, external=True)
    foreign = make_network(beta)
    ids = [str(network.pk) for network in (own, shared, external, foreign)]
    found = local.find_networks(make_caller(alpha), [*ids, str(uuid.uuid4()), "private"])
    assert set(found) == set(ids[:3])
    assert found[ids[0]].has_subnet
    assert not found[ids[1]].has_subnet
    assert set(local.find_networks(make_caller(alpha, admin=True), ids)) == set(ids)


def test_an_id_in_another_form_finds_nothing(alpha: Project) -> None:
    network = make_network(alpha)
    forms = [network.pk.hex, f"{{{network.pk}}}", f"urn:uuid:{network.pk}", ""]
    assert local.find_networks(make_caller(alpha), forms) == {}
    assert local.find_ports(make_caller(alpha), forms) == {}


def test_external_networks_are_not_offered(alpha: Project, beta: Project) -> None:
    own = make_network(alpha)
    shared = make_network(beta, shared=True)
    make_network(beta, external=True)
    make_network(beta)
    for admin in (False, True):
        offered = local.available_networks(make_caller(alpha, admin=admin))
        assert [network.id for network in offered] == [str(own.pk), str(shared.pk)]


def test_auto_allocation_needs_a_default_external_network(alpha: Project, beta: Project) -> None:
    external = make_network(beta, external=True)
    assert not local.can_auto_allocate(make_caller(alpha))
    external.is_default = True
    external.save()
    assert local.can_auto_allocate(make_caller(alpha))


def test_ports_of_other_projects_are_the_admins_alone(alpha: Project, beta: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24", physical_network="physnet1", network_type="vlan")
    own = make_port(network)
    foreign = make_port(network, project=beta)
    FixedIp.objects.create(
        port=own, network=network, subnet=network.subnets.get(), address="10.1.0.5"
    )
    ids = [str(own.pk), str(foreign.pk)]
    found = local.find_ports(make_caller(alpha), ids)
    assert set(found) == {ids[0]}
    assert found[ids[0]].addresses == ("10.1.0.5",)
    assert found[ids[0]].physical_network == "physnet1"
    assert set(local.find_ports(make_caller(alpha, admin=True), ids)) == set(ids)


def test_taken_addresses_come_back_as_they_were_asked(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24", "fd00:1::/64")
    port = make_port(network)
    four, six = network.subnets.order_by("ip_version")
    FixedIp.objects.create(port=port, network=network, subnet=four, address="10.1.0.5")
    FixedIp.objects.create(port=port, network=network, subnet=six, address="fd00:1::5")
    network_id = str(network.pk)
    wanted = {
        (network_id, "10.1.0.5"),
        (network_id, "10.1.0.6"),
        (network_id, "fd00:1:0:0::5"),
        (str(uuid.uuid4()), "10.1.0.5"),
        (network_id, "nonsense"),
    }
    assert local.taken_addresses(make_caller(alpha), wanted) == {
        (network_id, "10.1.0.5"),
        (network_id, "fd00:1:0:0::5"),
    }


def test_the_port_quota_counts_ports_where_there_is_a_limit(alpha: Project, beta: Project) -> None:
    network = make_network(alpha)
    make_port(network)
    make_port(network, project=beta)
    assert local.port_quota(make_caller(alpha)) == PortQuotaData(limit=500, used=1)
    quota = Quota.objects.create(project=alpha, resource="port", limit=3)
    assert local.port_quota(make_caller(alpha)) == PortQuotaData(limit=3, used=1)
    quota.limit = -1
    quota.save()
    assert local.port_quota(make_caller(alpha)) == PortQuotaData(limit=-1, used=0)


def test_security_groups_are_those_of_the_own_project(alpha: Project, beta: Project) -> None:
    web = SecurityGroup.objects.create(name="web", project=alpha)
    twin = SecurityGroup.objects.create(name="web", project=alpha)
    SecurityGroup.objects.create(name="web", project=beta)
    caller = make_caller(alpha)
    assert [group.id for group in local.find_security_groups(caller, ["web"])] == [
        str(web.pk),
        str(twin.pk),
    ]
    assert [group.name for group in local.find_security_groups(caller, [str(web.pk)])] == ["web"]
    assert list(local.find_security_groups(caller, ["nosuch"])) == []
