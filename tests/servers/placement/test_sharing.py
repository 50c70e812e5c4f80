"""Providers that share what they have by an aggregate, such as a pool of disks, give it to servers
on the hosts of that aggregate.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.management import call_command

from servers.models import Allocation, ComputeNode, Instance, Inventory
from tests.placement_api.client import PlacementClient
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.moving import act, assert_books_balance, confirm, revert
from tests.world.orders import Shop

SHARES = "MISC_SHARES_VIA_AGGREGATE"


def share(aggregate: str, inventories: dict[str, int], *traits: str, trait: str = SHARES) -> None:
    """A pool that shares these amounts with the members of the aggregate, as operators make it."""
    client = PlacementClient(Cast.admin)
    pool = client.make_provider("pool", **inventories)
    client.set_traits(pool, trait, *traits)
    client.set_aggregates(pool, aggregate)


def join(aggregate: str, node: ComputeNode) -> None:
    PlacementClient(Cast.admin).set_aggregates(str(node.provider.uuid), aggregate)


@pytest.fixture
def shop(db: None) -> Shop:
    """``host1`` and ``host2`` have no disk of their own, and an aggregate."""
    return Shop()


@pytest.fixture
def aggregate(shop: Shop) -> str:
    found = str(uuid.uuid4())
    for name in ("host1", "host2"):
        join(found, make_host(name, local_gb=0))
    return found


def run_servers(client: ApiClient, shop: Shop, **order: Any) -> list[Instance]:
    answer = shop.order(client, **order).expect(202)
    run_jobs()
    named = Instance.objects.filter(uuid=answer.json["server"]["id"])
    return list(Instance.objects.filter(reservation_id__in=named.values("reservation_id")))


def on_pool() -> list[tuple[int | None, str, int]]:
    held = Allocation.objects.filter(provider__name="pool").order_by("id")
    return list(held.values_list("consumer__instance", "resource_class", "amount"))


def used() -> int:
    return sum(Inventory.objects.filter(provider__name="pool").values_list("used", flat=True))


def audit() -> None:
    assert_books_balance()
    call_command("audit_placement", verbosity=0)


def test_a_pool_gives_the_disk_of_servers_on_hosts_without_any(
    as_member: ApiClient, shop: Shop, aggregate: str
) -> None:
    share(aggregate, {"DISK_GB": 100})
    (server,) = run_servers(as_member, shop)
    assert (server.vm_state, server.host in ("host1", "host2")) == ("active", True)
    assert on_pool() == [(server.pk, "DISK_GB", server.root_gb)]
    audit()
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert (on_pool(), used()) == ([], 0)
    audit()


def test_only_hosts_of_its_aggregate_get_something(
    as_member: ApiClient, shop: Shop, aggregate: str
) -> None:
    share(str(uuid.uuid4()), {"DISK_GB": 100})
    (server,) = run_servers(as_member, shop)
    assert (server.vm_state, on_pool()) == ("error", [])


def test_only_a_provider_with_the_trait_shares(
    as_member: ApiClient, shop: Shop, aggregate: str
) -> None:
    share(aggregate, {"DISK_GB": 100}, trait="COMPUTE_NODE")
    (server,) = run_servers(as_member, shop)
    assert (server.vm_state, on_pool()) == ("error", [])


@pytest.mark.parametrize(("number", "state"), [(3, "active"), (4, "error")])
def test_servers_of_one_order_share_what_the_pool_has(
    as_member: ApiClient, shop: Shop, aggregate: str, number: int, state: str
) -> None:
    share(aggregate, {"DISK_GB": 3 * shop.flavor.root_gb + 1})
    servers = run_servers(as_member, shop, min_count=number)
    assert [server.vm_state for server in servers] == [state] * number
    assert len(on_pool()) == (number if state == "active" else 0)
    audit()


def test_a_host_with_disk_gives_its_own(as_member: ApiClient, shop: Shop) -> None:
    aggregate = str(uuid.uuid4())
    join(aggregate, make_host("host1"))
    share(aggregate, {"DISK_GB": 100})
    (server,) = run_servers(as_member, shop)
    assert (server.vm_state, on_pool()) == ("active", [])


@pytest.mark.parametrize("end", [confirm, revert])
def test_a_server_that_moves_holds_both_shares_until_it_has_moved(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop, aggregate: str, end: Any
) -> None:
    share(aggregate, {"DISK_GB": 100})
    (server,) = run_servers(as_member, shop)
    act(as_admin, server, migrate=None).expect(202)
    run_jobs()
    assert used() == 2 * server.root_gb
    end(as_member, server)
    run_jobs()
    assert on_pool() == [(server.pk, "DISK_GB", server.root_gb)]
    audit()


def test_groups_with_a_suffix_and_traits_may_be_of_the_pool(
    as_member: ApiClient, shop: Shop, aggregate: str
) -> None:
    share(aggregate, {"IPV4_ADDRESS": 2, "DISK_GB": 100}, "STORAGE_DISK_SSD")
    specs = {"resources1:IPV4_ADDRESS": "1", "trait1:STORAGE_DISK_SSD": "required"}
    flavors = [
        make_flavor(extra_specs={**specs, **more})
        for more in (
            {},
            {"trait:STORAGE_DISK_SSD": "required"},
            {"trait1:STORAGE_DISK_HDD": "required"},
        )
    ]
    states = [
        server.vm_state
        for flavor in flavors
        for server in run_servers(as_member, shop, flavorRef=flavor.flavorid)
    ]
    assert states == ["active", "active", "error"]
    audit()
