"""How the database runs the statements of placing: it finds rows by key. What it reads from end to
end are small tables alone, and the nodes along the index of free memory.

A worker's session keeps the plan of each statement. One that reads a whole index, because a
condition does not suit it, is fast enough in a small cloud, and takes seconds in a large one.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from os_traits import MISC_SHARES_VIA_AGGREGATE

from compute_site.db.sessions import BY_KEY
from servers.build.place import place_reservation
from servers.models import ComputeNode, Instance, Inventory, ResourceProvider
from tests.benchmarks.rows import HOSTS, fill_hosts
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_server_group
from tests.world.hosts import make_bound_host, make_host, make_zone
from tests.world.orders import Shop

SMALL = {"servers_cell", "servers_aggregate"}
EXPLAINS = "WITH asked"
"""Why no host will do is told of all hosts."""
BY_STATE = re.compile(r"servers_instance_(busy|state|rare_page|state_page|all_page)")
"""Indexes in which servers of one state stand together, perhaps all there are."""
WALK = "servers_node_best_first"
OWN = ("servers_",)
SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"}
CELLS = {"cells": [{"id": 0, "dedicated_cpus": "0-3", "memory_mb": 8192}]}


@pytest.fixture
def shop(db: None) -> Shop:
    make_zone("zone-a", make_host("host1"), make_host("host2"))
    make_bound_host("host3", CELLS)
    return Shop()


@pytest.mark.parametrize(
    ("specs", "order"),
    [
        pytest.param({}, {}, id="plain"),
        pytest.param({}, {"availability_zone": "zone-a"}, id="zone"),
        pytest.param({"trait:COMPUTE_TRUSTED_CERTS": "required"}, {}, id="trait"),
        pytest.param({"hw:cpu_policy": "dedicated"}, {}, id="pinned"),
        pytest.param({"resources1:VGPU": "1"}, {}, id="group that no host has"),
        pytest.param({}, {"group": "anti-affinity"}, id="server group"),
        pytest.param({"resources1:IPV4_ADDRESS": "1"}, {}, id="group of a provider that shares"),
        pytest.param({"resources:IPV4_ADDRESS": "1"}, {}, id="what a provider shares"),
    ],
)
def test_hosts_are_found_and_claimed_by_key(
    as_member: ApiClient, shop: Shop, specs: dict[str, str], order: dict[str, Any]
) -> None:
    if "IPV4_ADDRESS" in str(specs):
        share_addresses()
    shop.flavor = make_flavor(root_gb=10, extra_specs=specs)
    grouped = order.get("group")
    hints = {"group": str(make_server_group(policy=grouped).uuid)} if grouped else None
    rest = {name: value for name, value in order.items() if name != "group"}
    shop.order(as_member, hints=hints, **rest).expect(202)
    pretend_a_large_cloud()
    reservation = Instance.objects.get().reservation_id
    with CaptureQueriesContext(connection) as queries:
        place_reservation(reservation)
    texts = [query["sql"].strip() for query in queries]
    statements = [
        text for text in texts if text.startswith(PLANNED) and not text.startswith(EXPLAINS)
    ]
    assert len(statements) > 6
    assert [told for statement in statements for told in whole_reads(statement)] == []


def test_what_a_host_has_is_copied_by_key_in_a_session_that_knew_few_hosts(shop: Shop) -> None:
    """The session keeps the plan of the trigger that copies amounts from when it was small."""
    before = rows_read("servers_inventory")
    fill_hosts()
    assert rows_read("servers_inventory") - before < 10 * HOSTS
    stock = Inventory.objects.get(provider__name="host1", resource_class="VCPU")
    before = rows_read("servers_inventory")
    Inventory.objects.filter(pk=stock.pk).update(used=8)
    assert rows_read("servers_inventory") - before < 20
    assert ComputeNode.objects.get(service__host="host1").vcpus_used == 8


def rows_read(table: str) -> int:
    """In this transaction, by whatever plan."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s",
            [table],
        )
        ((count,),) = cursor.fetchall()
    return int(count)


def share_addresses() -> None:
    """With ``host1``."""
    aggregate = uuid.uuid4()
    pool = ResourceProvider.objects.create(name="pool")
    pool.inventories.create(resource_class="IPV4_ADDRESS", total=10, max_unit=10)
    pool.traits.create(trait=MISC_SHARES_VIA_AGGREGATE)
    for provider in (pool, ResourceProvider.objects.get(name="host1")):
        provider.aggregates.create(aggregate=aggregate)


def pretend_a_large_cloud() -> None:
    """Let the planner believe that every table has many rows, and forget which values earlier tests
    had in them, until the test is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM pg_statistic USING pg_class "
            "WHERE pg_class.oid = starelid AND relname LIKE 'servers\\_%%'",
            [],
        )
        cursor.execute(
            "UPDATE pg_class SET reltuples = 1000000, relpages = 1 "
            "WHERE relname LIKE 'servers\\_%%' AND relkind IN ('r', 'i')",
            [],
        )


PLANNED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


def whole_reads(statement: str) -> Iterator[str]:
    """The tables and indexes that the statement reads from end to end."""
    with connection.cursor() as cursor:
        for name, value in BY_KEY.items():
            cursor.execute(f"SET LOCAL {name} = {value}")
        cursor.execute("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"), [])
        ((found,),) = cursor.fetchall()
    plans = json.loads(found) if isinstance(found, str) else found
    for node in nodes_of(plans[0]["Plan"]):
        index = node.get("Index Name", "")
        by_key = "Index Cond" in node and not BY_STATE.fullmatch(index)
        if node["Node Type"] in SCANS and not by_key and index != WALK:
            relation = node.get("Relation Name", index)
            if relation.startswith(OWN) and relation not in SMALL:
                yield f"{relation} {index}: {statement[:200]}"


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)
