"""Many at once: limits hold exactly, and a host gets into one zone only."""

from __future__ import annotations

import functools

import pytest

from quotas.errors import LimitExceeded, OverQuota
from quotas.models import Limit, Usage
from servers.errors import NoSuchServerGroup
from servers.hosts.aggregates import add_host, create_aggregate, set_metadata
from servers.hosts.errors import HostZoneClash, NoSuchHost, ZoneClash
from servers.hosts.services import delete_service
from servers.keypairs.errors import KeyPairExists
from servers.keypairs.keypairs import KeyPairOrder, create_keypair
from servers.models import KeyPair, ServerGroup, Service
from servers.server_groups import ServerGroupOrder, create_server_group, delete_server_group
from tests.world.callers import caller_of
from tests.world.cast import Cast, make_cast
from tests.world.hosts import make_host
from tests.world.keys import ED25519
from tests.world.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def members() -> Cast:
    return make_cast()


def test_server_groups_fill_the_quota_and_no_more(members: Cast) -> None:
    Limit.objects.create(project=members.alpha, resource="server_groups", limit=3)
    order = ServerGroupOrder(name="apart", policy="anti-affinity")
    create = functools.partial(create_server_group, caller_of(members.member), order)
    outcomes = run_at_once([create] * 6)
    assert sum(isinstance(outcome, OverQuota) for outcome in outcomes) == 3
    assert ServerGroup.objects.count() == 3
    assert Usage.objects.get(resource="server_groups").in_use == 3


def test_a_group_deleted_twice_gives_back_once(members: Cast) -> None:
    caller = caller_of(members.member)
    order = ServerGroupOrder(name="apart", policy="anti-affinity")
    group, _ = create_server_group(caller, order), create_server_group(caller, order)
    outcomes = run_at_once([functools.partial(delete_server_group, group)] * 4)
    assert sum(isinstance(outcome, NoSuchServerGroup) for outcome in outcomes) == 3
    assert Usage.objects.get(resource="server_groups").in_use == 1


def test_key_pairs_fill_the_quota_and_no_more(members: Cast) -> None:
    Limit.objects.create(project=members.alpha, resource="key_pairs", limit=2)
    caller = caller_of(members.member)
    orders = [KeyPairOrder(name=f"key{number}", public_key=ED25519) for number in range(5)]
    outcomes = run_at_once([functools.partial(create_keypair, caller, order) for order in orders])
    assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 3
    assert KeyPair.objects.count() == 2


def test_a_name_is_taken_once(members: Cast) -> None:
    order = KeyPairOrder(name="mine", public_key=ED25519)
    create = functools.partial(create_keypair, caller_of(members.member), order)
    outcomes = run_at_once([create] * 4)
    assert sum(isinstance(outcome, KeyPairExists) for outcome in outcomes) == 3
    assert KeyPair.objects.count() == 1


def test_a_host_gets_into_one_zone(members: Cast) -> None:
    node = make_host("host1")
    zones = [create_aggregate(f"rack {number}", f"zone-{number}") for number in range(4)]
    outcomes = run_at_once([functools.partial(add_host, zone.pk, "host1") for zone in zones])
    assert sum(isinstance(outcome, HostZoneClash) for outcome in outcomes) == 3
    assert node.service.aggregates.count() == 1


def test_a_host_stays_in_one_zone_when_its_aggregates_become_zones(members: Cast) -> None:
    node = make_host("host1")
    racks = [create_aggregate(f"rack {number}") for number in range(4)]
    for rack in racks:
        add_host(rack.pk, "host1")
    outcomes = run_at_once(
        [
            functools.partial(set_metadata, rack.pk, {"availability_zone": f"zone-{rack.pk}"})
            for rack in racks
        ]
    )
    assert sum(isinstance(outcome, ZoneClash) for outcome in outcomes) == 3
    zones = {aggregate.availability_zone for aggregate in node.service.aggregates.all()}
    assert len(zones - {None}) == 1


def test_a_host_is_removed_or_gets_into_an_aggregate(members: Cast) -> None:
    service = make_host("host1").service
    racks = [create_aggregate(f"rack {number}") for number in range(3)]
    outcomes = run_at_once(
        [
            *[functools.partial(add_host, rack.pk, "host1") for rack in racks],
            functools.partial(delete_service, service),
        ]
    )
    faults = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(fault, NoSuchHost) for fault in faults)
    assert not Service.objects.filter(pk=service.pk).exists()
