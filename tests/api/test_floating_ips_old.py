"""``/os-floating-ips`` and ``/os-floating-ip-pools``, until 2.35."""

from __future__ import annotations

import pytest

from compute_site.identity.models import Project
from compute_site.neighbours.network.models import FixedIp, FloatingIp, Network, Quota
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_network, make_port, make_router

pytestmark = pytest.mark.django_db
IPS, POOLS = "/os-floating-ips", "/os-floating-ip-pools"


@pytest.fixture
def public(cast: object) -> Network:
    return make_network(project_id=BETA, external=True, name="public")


def test_pools_are_the_external_networks(as_reader: ApiClient, public: Network) -> None:
    make_network(name="inner", project_id=ALPHA)
    shown = as_reader.get(POOLS).expect(200).json
    assert shown == {"floating_ip_pools": [{"name": "public"}]}


def test_a_floating_ip_is_taken_shown_and_given_up(
    as_member: ApiClient, as_reader: ApiClient, public: Network
) -> None:
    taken = as_member.post(IPS, {"pool": "public"}).expect(200).json["floating_ip"]
    assert FloatingIp.objects.get(pk=taken["id"]).project_id == ALPHA
    assert (taken["pool"], taken["fixed_ip"], taken["instance_id"]) == ("public", None, None)
    assert as_reader.get(IPS).expect(200).json == {"floating_ips": [taken]}
    assert as_reader.get(f"{IPS}/{taken['id']}").expect(200).json == {"floating_ip": taken}

    as_reader.delete(f"{IPS}/{taken['id']}").expect(403)
    as_member.delete(f"{IPS}/{taken['id']}").expect(202)
    assert not FloatingIp.objects.exists()
    as_member.delete(f"{IPS}/{taken['id']}").expect(404)


def test_the_server_that_it_leads_to_is_told(as_member: ApiClient, public: Network) -> None:
    inner = make_network(project_id=ALPHA)
    within = inner.subnets.get()
    make_router(within, outside=public)
    server = make_instance(vm_state="active")
    port = make_port(inner, device_id=str(server.uuid), device_owner="compute:nova")
    address = within.cidr.replace(".0/24", ".9")
    FixedIp.objects.create(port=port, network=inner, subnet=within, address=address)
    taken = as_member.post(IPS, {"pool": str(public.pk)}).expect(200).json["floating_ip"]
    body = {"floatingip": {"port_id": str(port.pk)}}
    as_member.put(f"//network/v2.0/floatingips/{taken['id']}", body).expect(200)

    shown = as_member.get(f"{IPS}/{taken['id']}").expect(200).json["floating_ip"]
    assert (shown["fixed_ip"], shown["instance_id"]) == (address, str(server.uuid))


def test_others_see_and_take_nothing_of_it(
    as_member: ApiClient, as_outsider: ApiClient, public: Network
) -> None:
    taken = as_member.post(IPS, {"pool": "public"}).expect(200).json["floating_ip"]
    assert as_outsider.get(IPS).expect(200).json["floating_ips"] == []
    as_outsider.get(f"{IPS}/{taken['id']}").expect(404)
    as_outsider.delete(f"{IPS}/{taken['id']}").expect(404)
    assert FloatingIp.objects.count() == 1


def test_a_pool_is_needed_and_may_be_empty(
    as_member: ApiClient, as_reader: ApiClient, public: Network
) -> None:
    """Without a name the pool ``nova`` is meant, as in Nova."""
    for body in (None, {}, {"pool": None}, {"pool": "private"}, {"pool": UNKNOWN_ID}):
        as_member.post(IPS, body).expect(404)
    as_member.post(IPS, {"pool": 5}).expect(400)
    as_reader.post(IPS, {"pool": "public"}).expect(403)
    make_network(project_id=BETA, external=True, name="public", subnet=False)
    as_member.post(IPS, {"pool": "public"}).expect(400)
    assert not FloatingIp.objects.exists()


def test_no_more_are_taken_than_the_project_may_have(as_member: ApiClient, public: Network) -> None:
    Quota.objects.create(project=Project.objects.get(pk=ALPHA), resource="floatingip", limit=1)
    as_member.post(IPS, {"pool": "public"}).expect(200)
    as_member.post(IPS, {"pool": "public"}).expect(403)
    assert FloatingIp.objects.count() == 1


@pytest.mark.parametrize("path", [IPS, f"{IPS}/{UNKNOWN_ID}", POOLS])
def test_newer_microversions_do_without(as_member: ApiClient, path: str) -> None:
    as_member.get(path, microversion="2.36").expect(404)
