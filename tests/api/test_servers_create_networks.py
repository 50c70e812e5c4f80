"""``POST /servers``: NICs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from compute_site.neighbours.network.models import FixedIp, Network, Port
from servers.models import Instance, Service
from tests.world.cast import BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor, make_network, make_port
from tests.world.hosts import make_host
from tests.world.orders import Shop

NOWHERE = str(uuid.UUID(int=0))


def code_of(answer: Answer) -> str:
    return answer.errors[0]["code"]


def give_address(port: Port, address: str) -> Port:
    subnet = port.network.subnets.get()
    FixedIp.objects.create(port=port, network=port.network, subnet=subnet, address=address)
    return port


def ready_port(network: Network | None = None, **fields: Any) -> Port:
    """A port that a server can have as it is."""
    return make_port(network or make_network(), ip_allocation="none", **fields)


def order(client: ApiClient, *networks: dict[str, Any], **more: Any) -> Answer:
    return Shop().order(client, networks=list(networks), **more)


class TestForm:
    @pytest.mark.parametrize(
        ("networks", "blamed"),
        [
            ([{}], "server.networks.0"),
            ([{"port": NOWHERE, "fixed_ip": "192.0.2.1"}], "server.networks.0.fixed_ip"),
            ([{"port": NOWHERE}, {"port": NOWHERE}], "server.networks.1.port"),
        ],
    )
    def test_parts_that_do_not_go_together(
        self, as_member: ApiClient, networks: list[dict[str, Any]], blamed: str
    ) -> None:
        answer = order(as_member, *networks).expect(400)
        assert (answer.blamed, code_of(answer)) == ([blamed], "malformed_nic")

    def test_before_2_37_an_id_may_be_any_text_but_must_be_a_uuid(
        self, as_member: ApiClient
    ) -> None:
        answer = order(as_member, {"uuid": "br-ex"}, microversion="2.1").expect(400)
        assert (answer.blamed, code_of(answer)) == (["server.networks.0.uuid"], "malformed_nic")

    def test_a_network_beside_a_port_is_ignored(self, as_member: ApiClient) -> None:
        port = ready_port()
        order(as_member, {"port": str(port.pk), "uuid": NOWHERE}).expect(202)
        (nic,) = Instance.objects.get().build_request.requested_networks
        assert (nic["port_id"], nic["network_id"]) == (str(port.pk), str(port.network_id))

    def test_a_network_may_be_named_twice(self, as_member: ApiClient) -> None:
        network = {"uuid": str(make_network().pk)}
        order(as_member, network, network).expect(202)


class TestChoice:
    @pytest.mark.parametrize("networks", ["auto", []])
    def test_one_network_is_taken(self, as_member: ApiClient, networks: Any) -> None:
        make_network()
        Shop().order(as_member, networks=networks).expect(202)

    @pytest.mark.parametrize("networks", ["auto", []])
    def test_several_networks_are_a_conflict(self, as_member: ApiClient, networks: Any) -> None:
        ids = [str(make_network().pk), str(make_network(shared=True, project_id=BETA).pk)]
        answer = Shop().order(as_member, networks=networks).expect(409)
        assert code_of(answer) == "network_ambiguous"
        assert all(identifier in answer.message for identifier in ids)

    def test_none_at_all_is_fine_if_nothing_was_asked(self, as_member: ApiClient) -> None:
        Shop().order(as_member, networks=[]).expect(202)

    def test_none_at_all_needs_a_way_to_make_one(self, as_member: ApiClient) -> None:
        answer = Shop().order(as_member, networks="auto").expect(400)
        assert code_of(answer) == "no_automatic_network"
        make_network(project_id=BETA, external=True, is_default=True)
        Shop().order(as_member, networks="auto").expect(202)


class TestNetworks:
    def test_one_that_does_not_exist(self, as_member: ApiClient) -> None:
        known = {"uuid": str(make_network().pk)}
        answer = order(as_member, known, {"uuid": NOWHERE}).expect(400)
        assert answer.blamed == ["server.networks.1.uuid"]
        assert code_of(answer) == "network_not_found"

    def test_all_that_are_missing_are_named(self, as_member: ApiClient) -> None:
        other = str(uuid.UUID(int=1))
        answer = order(as_member, {"uuid": NOWHERE}, {"uuid": other}).expect(400)
        assert NOWHERE in answer.message
        assert other in answer.message

    def test_one_of_others(self, as_member: ApiClient, as_admin: ApiClient) -> None:
        network = {"uuid": str(make_network(project_id=BETA).pk)}
        order(as_member, network).expect(400)
        order(as_admin, network).expect(202)

    def test_one_without_a_subnet(self, as_member: ApiClient) -> None:
        network = make_network(subnet=False)
        answer = order(as_member, {"uuid": NOWHERE}, {"uuid": str(network.pk)}).expect(400)
        assert code_of(answer) == "network_without_subnet"

    def test_an_address_that_is_taken(self, as_member: ApiClient) -> None:
        port = give_address(make_port(make_network()), "10.9.9.9")
        network = {"uuid": str(port.network_id), "fixed_ip": "10.9.9.9"}
        answer = order(as_member, network).expect(400)
        assert (answer.blamed, code_of(answer)) == (
            ["server.networks.0.fixed_ip"],
            "address_in_use",
        )
        order(as_member, network | {"fixed_ip": "10.9.9.10"}).expect(202)


class TestPorts:
    def test_one_that_does_not_exist(self, as_member: ApiClient) -> None:
        answer = order(as_member, {"port": NOWHERE}).expect(400)
        assert (answer.blamed, code_of(answer)) == (["server.networks.0.port"], "port_not_found")

    def test_one_of_others(self, as_member: ApiClient) -> None:
        port = ready_port(project_id=BETA)
        order(as_member, {"port": str(port.pk)}).expect(400)

    def test_one_in_use(self, as_member: ApiClient) -> None:
        port = ready_port(device_id="somebody")
        answer = order(as_member, {"port": str(port.pk)}).expect(409)
        assert (answer.fault, code_of(answer)) == ("conflictingRequest", "port_in_use")

    @pytest.mark.parametrize(
        ("mode", "status"), [("immediate", 400), ("deferred", 202), ("none", 202)]
    )
    def test_one_without_an_address(self, as_member: ApiClient, mode: str, status: int) -> None:
        port = make_port(make_network(), ip_allocation=mode)
        order(as_member, {"port": str(port.pk)}).expect(status)

    def test_one_with_an_address(self, as_member: ApiClient) -> None:
        port = give_address(make_port(make_network()), "10.9.9.9")
        order(as_member, {"port": str(port.pk)}).expect(202)

    def test_nics_are_judged_in_the_order_of_the_request(self, as_member: ApiClient) -> None:
        used, empty = ready_port(device_id="somebody"), make_port(make_network())
        nics = [{"port": str(empty.pk)}, {"port": str(used.pk)}]
        order(as_member, *nics).expect(400)
        order(as_member, *reversed(nics)).expect(409)
        order(as_member, {"uuid": NOWHERE}, nics[1]).expect(409)


class TestDemands:
    """What ports ask of a host."""

    def spec(self) -> Any:
        return Instance.objects.latest("pk").request_spec

    @pytest.mark.parametrize(
        ("kind", "device_type"),
        [("direct", None), ("macvtap", None), ("direct-physical", "type-PF"), ("vdpa", "vdpa")],
    )
    def test_a_port_on_hardware_is_a_pci_request(
        self, as_member: ApiClient, kind: str, device_type: str | None
    ) -> None:
        network = make_network(network_type="vlan", physical_network="rack")
        port = ready_port(network, vnic_type=kind, numa_affinity_policy="required")
        order(as_member, {"port": str(port.pk)}).expect(202)
        (request,) = self.spec().pci_requests
        (nic,) = Instance.objects.get().build_request.requested_networks
        assert nic["pci_request_id"] == request["request_id"]
        assert (request["count"], request["requester_id"]) == (1, str(port.pk))
        assert request["numa_policy"] == "required"
        expected = {"physical_network": "rack", "remote_managed": "False"}
        assert request["specs"] == [expected | ({"dev_type": device_type} if device_type else {})]
        assert self.spec().network_metadata == {"physnets": ["rack"], "tunneled": False}

    def test_a_trusted_port_says_so_and_takes_the_policy_of_the_flavor(
        self, as_member: ApiClient
    ) -> None:
        shop = Shop()
        shop.flavor = make_flavor(extra_specs={"hw:pci_numa_affinity_policy": "socket"})
        port = ready_port(vnic_type="direct", binding_profile={"trusted": "yes"})
        shop.order(as_member, networks=[{"port": str(port.pk)}]).expect(202)
        (request,) = self.spec().pci_requests
        assert request["specs"][0]["trusted"] == "True"
        assert request["numa_policy"] == "socket"

    def test_networks_in_tunnels_are_told_apart(self, as_member: ApiClient) -> None:
        flat = make_network(network_type="flat", physical_network="a")
        tunnel = make_network(network_type="geneve")
        order(as_member, {"uuid": str(flat.pk)}, {"uuid": str(tunnel.pk)}).expect(202)
        assert self.spec().network_metadata == {"physnets": ["a"], "tunneled": True}

    @pytest.mark.parametrize(("microversion", "word"), [("2.36", None), ("2.37", "auto")])
    def test_the_only_network_of_the_project_counts_as_one_that_is_named(
        self, as_member: ApiClient, microversion: str, word: str | None
    ) -> None:
        make_network(network_type="flat", physical_network="a")
        Shop().order(as_member, networks=word, microversion=microversion).expect(202)
        assert self.spec().network_metadata == {"physnets": ["a"], "tunneled": False}

    @pytest.mark.parametrize("profile", [None, "fpga"])
    def test_accelerators_are_refused(self, as_member: ApiClient, profile: str | None) -> None:
        port = ready_port(vnic_type="accelerator-direct", device_profile=profile)
        answer = order(as_member, {"port": str(port.pk)}).expect(400)
        assert code_of(answer) == "port_unsupported"

    def test_bandwidth_needs_2_72(self, as_member: ApiClient) -> None:
        port = ready_port(
            resource_request={
                "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1},
                "required": ["B", "A"],
            }
        )
        nic = {"port": str(port.pk)}
        answer = order(as_member, nic, microversion="2.71").expect(400)
        assert code_of(answer) == "port_unsupported"
        order(as_member, nic, microversion="2.72").expect(202)
        assert self.spec().requested_resources == [
            {
                "requester_id": str(port.pk),
                "port_id": str(port.pk),
                "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1},
                "required_traits": ["A", "B"],
                "same_subtree": [],
                "use_same_provider": True,
            }
        ]

    def test_several_groups_of_resources_need_newer_hosts(self, as_member: ApiClient) -> None:
        groups = [
            {"id": "one", "resources": {"A": 1}, "required": []},
            {"id": "two", "resources": {"B": 2}},
        ]
        port = ready_port(resource_request={"request_groups": groups})
        nic = {"port": str(port.pk)}
        order(as_member, nic).expect(400)
        make_host()
        order(as_member, nic).expect(202)
        assert [group["requester_id"] for group in self.spec().requested_resources] == [
            "one",
            "two",
        ]
        Service.objects.update(version=57)
        order(as_member, nic).expect(400)

    def test_ports_managed_elsewhere_need_newer_hosts(self, as_member: ApiClient) -> None:
        nic = {"port": str(ready_port(vnic_type="remote-managed").pk)}
        make_host()
        order(as_member, nic).expect(202)
        assert self.spec().pci_requests[0]["specs"][0]["remote_managed"] == "True"
        Service.objects.update(version=60)
        order(as_member, nic).expect(400)
