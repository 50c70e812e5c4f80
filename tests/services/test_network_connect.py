"""Servers get their NICs from the local network service."""

from __future__ import annotations

import ipaddress

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from compute_site.identity.models import Project
from compute_site.neighbours.network import local
from compute_site.neighbours.network.local import addresses
from compute_site.neighbours.network.models import FixedIp, Network, Port, Quota, SecurityGroup
from compute_site.neighbours.network.protocol import Connection, Nic, NicFailed, NicRequest
from tests.world.services import make_caller, make_network, make_port, make_subnet, new_server_id
from tests.world.threads import run_at_once


def test_a_nic_gets_one_address_of_each_ip_version(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24", "10.2.0.0/24", "fd00:1::/64")
    [nic] = local.connect(
        make_caller(alpha), new_server_id(), "host1", [NicRequest(network_id=str(network.pk))], []
    )
    (v4, four), (v6, six) = nic.addresses
    assert (four, six) == (4, 6)
    assert ipaddress.ip_address(v4) in ipaddress.ip_network("10.1.0.0/24")
    assert ipaddress.ip_address(v6) in ipaddress.ip_network("fd00:1::/64")
    assert nic.label == "net"
    assert nic.mac.startswith("fa:16:3e:")
    assert nic.security_groups == ("default",)


def test_a_slaac_address_is_made_from_the_mac(alpha: Project) -> None:
    network = make_network(alpha)
    make_subnet(network, "fd00:1::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
    [nic] = local.connect(
        make_caller(alpha), new_server_id(), "host1", [NicRequest(network_id=str(network.pk))], []
    )
    [(address, _)] = nic.addresses
    tail = int(ipaddress.ip_address(address)).to_bytes(16, "big")[8:]
    assert tail[3:5] == b"\xff\xfe"
    assert tail[5:] == bytes.fromhex(nic.mac.replace(":", ""))[3:]


def test_a_second_call_gives_the_same_nics_and_notes_the_host(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    server_id = new_server_id()
    wanted = [
        NicRequest(network_id=str(network.pk), tag="a"),
        NicRequest(network_id=str(network.pk)),
    ]
    first = local.connect(make_caller(alpha), server_id, "host1", wanted, [])
    second = local.connect(make_caller(alpha), server_id, "host2", wanted, [])
    assert first == second
    assert [nic.tag for nic in second] == ["a", None]
    assert set(Port.objects.values_list("binding_host", flat=True)) == {"host2"}


def test_a_port_keeps_its_addresses_and_is_freed_again(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    port = make_port(network)
    FixedIp.objects.create(
        port=port, network=network, subnet=network.subnets.get(), address="10.1.0.77"
    )
    server_id = new_server_id()
    wanted = [NicRequest(network_id=str(network.pk)), NicRequest(port_id=str(port.pk))]
    made, bound = local.connect(make_caller(alpha), server_id, "host1", wanted, [])
    assert bound.port_id == str(port.pk)
    assert bound.addresses == (("10.1.0.77", 4),)
    local.disconnect([server_id])
    assert not Port.objects.filter(pk=made.port_id).exists()
    port.refresh_from_db()
    assert (port.device_id, port.status, port.binding_host) == ("", "DOWN", "")
    assert local.nics([server_id]) == {}


def test_a_port_in_use_is_refused_and_nothing_is_left(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    port = make_port(network, device_id=new_server_id())
    wanted = [NicRequest(network_id=str(network.pk)), NicRequest(port_id=str(port.pk))]
    with pytest.raises(NicFailed, match=str(port.pk)):
        local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])
    assert Port.objects.count() == 1


@pytest.mark.parametrize("address", ["10.1.0.9", "10.9.0.1"], ids=["taken", "outside"])
def test_an_asked_address_that_cannot_be_had_is_refused(alpha: Project, address: str) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    caller = make_caller(alpha)
    taken = NicRequest(network_id=str(network.pk), fixed_ip="10.1.0.9")
    [nic] = local.connect(caller, new_server_id(), "host1", [taken], [])
    assert nic.addresses == (("10.1.0.9", 4),)
    wanted = NicRequest(network_id=str(network.pk), fixed_ip=address)
    with pytest.raises(NicFailed, match=address):
        local.connect(caller, new_server_id(), "host1", [wanted], [])


def test_an_external_network_needs_its_rule(alpha: Project, beta: Project) -> None:
    network = make_network(beta, "10.1.0.0/24", external=True)
    wanted = [NicRequest(network_id=str(network.pk))]
    with pytest.raises(NicFailed, match="network:attach_external_network"):
        local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])
    allowed = make_caller(alpha, rules=frozenset(["network:attach_external_network"]))
    assert len(local.connect(allowed, new_server_id(), "host1", wanted, [])) == 1


def test_a_full_network_is_refused_and_its_last_address_is_found(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/29")  # five addresses beside the gateway
    wanted = [NicRequest(network_id=str(network.pk))] * 5
    nics = local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])
    assert {address for nic in nics for address, _ in nic.addresses} == {
        f"10.1.0.{last}" for last in range(2, 7)
    }
    with pytest.raises(NicFailed, match="no address left"):
        local.connect(make_caller(alpha), new_server_id(), "host1", wanted[:1], [])


@pytest.mark.parametrize("listed", [2**16, 4], ids=["listed", "looked for beside others"])
def test_the_last_address_of_a_pool_is_found_and_no_other(
    alpha: Project, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    monkeypatch.setattr(addresses, "LISTED", listed)
    network = make_network(alpha)
    pools = [{"start": "10.1.0.10", "end": "10.1.0.40"}]
    make_subnet(network, "10.1.0.0/24", gateway_ip="10.1.0.20", allocation_pools=pools)
    wanted = [NicRequest(network_id=str(network.pk))]
    most = local.connect(make_caller(alpha), new_server_id(), "host1", wanted * 29, [])
    [last] = local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])
    given = {address for nic in (*most, last) for address, _ in nic.addresses}
    assert given == {f"10.1.0.{number}" for number in range(10, 41)} - {"10.1.0.20"}
    with pytest.raises(NicFailed, match="no address left"):
        local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])


def test_many_servers_get_in_one_call_what_each_would_get_alone(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24", "fd00:1::/64")
    make_subnet(network, "fd00:2::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
    port = make_port(network)
    plain = [
        NicRequest(network_id=str(network.pk), tag="a"),
        NicRequest(network_id=str(network.pk)),
    ]
    asked = {new_server_id(): plain for _ in range(3)}
    asked[new_server_id()] = [NicRequest(port_id=str(port.pk)), *plain]
    asked[new_server_id()] = [NicRequest(network_id=str(network.pk), fixed_ip="10.1.0.77")]
    wanted = [connection_of(alpha, server_id, requests) for server_id, requests in asked.items()]
    made = local.connect_all(wanted)
    assert made == local.nics(list(asked))
    assert [len(nics) for nics in made.values()] == [2, 2, 2, 3, 1]
    assert made == local.connect_all(wanted)


def test_of_many_servers_either_all_get_their_nics_or_none(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/30")  # one address beside the gateway
    wanted = [NicRequest(network_id=str(network.pk))]
    with pytest.raises(NicFailed, match="no address left"), transaction.atomic():
        local.connect_all([connection_of(alpha, new_server_id(), wanted) for _ in range(2)])
    assert not Port.objects.exists()


def connection_of(project: Project, server_id: str, requests: list[NicRequest]) -> Connection:
    return Connection(
        caller=make_caller(project),
        server_id=server_id,
        host="host1",
        requests=requests,
        security_groups=[],
    )


def test_the_gateway_in_a_pool_is_given_to_nobody(alpha: Project) -> None:
    network = make_network(alpha)
    make_subnet(network, "10.1.0.0/30", allocation_pools=[{"start": "10.1.0.1", "end": "10.1.0.2"}])
    wanted = [NicRequest(network_id=str(network.pk))]
    [nic] = local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])
    assert nic.addresses == (("10.1.0.2", 4),)


def test_a_second_subnet_is_used_when_the_first_is_full(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/30", "10.2.0.0/30")
    wanted = [NicRequest(network_id=str(network.pk))] * 2
    nics = local.connect(make_caller(alpha), new_server_id(), "host1", wanted, [])
    assert {nic.addresses for nic in nics} == {(("10.1.0.2", 4),), (("10.2.0.2", 4),)}


def test_auto_makes_one_network_for_a_project_without_any(alpha: Project, beta: Project) -> None:
    make_network(beta, "10.1.0.0/24", external=True, is_default=True)
    caller = make_caller(alpha)
    [first] = local.connect(caller, new_server_id(), "host1", "auto", [])
    [second] = local.connect(caller, new_server_id(), "host1", "auto", [])
    assert first.network_id == second.network_id
    assert Network.objects.get(pk=first.network_id).project == alpha


def test_auto_without_a_default_external_network_fails(alpha: Project) -> None:
    with pytest.raises(NicFailed, match="default"):
        local.connect(make_caller(alpha), new_server_id(), "host1", "auto", [])


def test_none_gives_no_nic_and_nothing_named_gives_the_only_network(alpha: Project) -> None:
    make_network(alpha, "10.1.0.0/24")
    caller = make_caller(alpha)
    assert local.connect(caller, new_server_id(), "host1", "none", []) == ()
    assert len(local.connect(caller, new_server_id(), "host1", [], [])) == 1
    make_network(alpha, "10.2.0.0/24")
    with pytest.raises(NicFailed, match="several"):
        local.connect(caller, new_server_id(), "host1", [], [])


def test_security_groups_are_found_by_id_and_by_name(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    web = SecurityGroup.objects.create(name="web", project=alpha)
    SecurityGroup.objects.create(name=str(web.pk), project=alpha)
    wanted = [NicRequest(network_id=str(network.pk))]
    [nic] = local.connect(make_caller(alpha), new_server_id(), "h", wanted, [str(web.pk)])
    assert nic.security_groups == ("web",)
    [nic] = local.connect(make_caller(alpha), new_server_id(), "h", wanted, ["web", "default"])
    assert nic.security_groups == ("default", "web")
    with pytest.raises(NicFailed, match="nosuch"):
        local.connect(make_caller(alpha), new_server_id(), "h", wanted, ["nosuch"])


def test_a_network_without_port_security_takes_no_groups(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24", port_security_enabled=False)
    wanted = [NicRequest(network_id=str(network.pk))]
    [nic] = local.connect(make_caller(alpha), new_server_id(), "h", wanted, ["default"])
    assert nic.security_groups == ()
    with pytest.raises(NicFailed, match="port security"):
        local.connect(make_caller(alpha), new_server_id(), "h", wanted, ["web"])


def test_the_port_quota_holds(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    Quota.objects.create(project=alpha, resource="port", limit=1)
    wanted = [NicRequest(network_id=str(network.pk))]
    local.connect(make_caller(alpha), new_server_id(), "h", wanted, [])
    with pytest.raises(NicFailed, match="1 of at most 1"):
        local.connect(make_caller(alpha), new_server_id(), "h", wanted, [])


def test_the_project_is_locked_for_its_quota_after_all_is_written(alpha: Project) -> None:
    network = make_network(alpha, "10.1.0.0/24")
    wanted = [NicRequest(network_id=str(network.pk))]
    with CaptureQueriesContext(connection) as statements:
        local.connect(make_caller(alpha), new_server_id(), "h", wanted, [])
    texts = [statement["sql"] for statement in statements]
    [lock] = [number for number, text in enumerate(texts) if "FOR NO KEY UPDATE" in text]
    written = [number for number, text in enumerate(texts) if "INSERT INTO" in text]
    assert written
    assert max(written) < lock


def test_statements_do_not_grow_with_the_servers(alpha: Project) -> None:
    network = make_network(alpha, "fd00:1::/64")  # no two draws meet
    wanted = [NicRequest(network_id=str(network.pk))]
    counts = []
    for number in (1, 1, 20):
        together = [connection_of(alpha, new_server_id(), wanted) for _ in range(number)]
        with CaptureQueriesContext(connection) as statements:
            local.connect_all(together)
        counts.append(len(statements))
    assert counts[1] == counts[2]


def test_statements_do_not_grow_with_the_nics(alpha: Project) -> None:
    network = make_network(alpha, "fd00:1::/64")  # no two draws meet
    counts = []
    for number in (1, 1, 20):
        wanted = [NicRequest(network_id=str(network.pk))] * number
        with CaptureQueriesContext(connection) as statements:
            local.connect(make_caller(alpha), new_server_id(), "h", wanted, [])
        counts.append(len(statements))
    assert counts[1] == counts[2]


@pytest.mark.django_db(transaction=True)
def test_two_servers_never_get_one_address() -> None:
    project = Project.objects.create(name="crowded")
    network = make_network(project, "10.1.0.0/27")  # 29 addresses beside the gateway
    caller = make_caller(project)
    wanted = [NicRequest(network_id=str(network.pk))]

    def job() -> tuple[Nic, ...]:
        return local.connect(caller, new_server_id(), "host1", wanted, [])

    results = run_at_once([job] * 40)
    failures = [result for result in results if isinstance(result, Exception)]
    assert len(failures) == 11
    assert all(isinstance(failure, NicFailed) for failure in failures)
    given = list(FixedIp.objects.values_list("address", flat=True))
    assert len(set(given)) == len(given) == 29
    assert SecurityGroup.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_port_goes_to_one_of_many_servers() -> None:
    project = Project.objects.create(name="wanted")
    port = make_port(make_network(project, "10.1.0.0/24"))
    caller = make_caller(project)

    def job() -> tuple[Nic, ...]:
        return local.connect(
            caller, new_server_id(), "host1", [NicRequest(port_id=str(port.pk))], []
        )

    results = run_at_once([job] * 16)
    assert sum(isinstance(result, NicFailed) for result in results) == 15


@pytest.mark.django_db(transaction=True)
def test_auto_at_once_makes_one_network() -> None:
    project = Project.objects.create(name="eager")
    operators = Project.objects.create(name="operators")
    make_network(operators, "10.9.0.0/24", external=True, is_default=True)
    caller = make_caller(project)

    def job() -> tuple[Nic, ...]:
        return local.connect(caller, new_server_id(), "host1", "auto", [])

    results = run_at_once([job] * 8)
    assert {result[0].network_id for result in results} == {  # type: ignore[index]
        str(Network.objects.get(project=project).pk)
    }
