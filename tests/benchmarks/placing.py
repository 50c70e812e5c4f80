"""Fills a cloud with hosts and places servers there, in-process; prints JSON: milliseconds by the
clock, milliseconds of processor time of Python and of the database, number of statements, rows that
the search for hosts reads, and its plans.

In a cloud in use, hosts are half full on average. In a full one 95 of 100 have free memory but no
free CPU, so that the search passes over them. One host in four has NUMA cells with dedicated CPUs;
a few have a rare resource class.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from compute_site.db.sessions import BY_KEY, limit_sessions
from flavors.models import Flavor
from servers.build.place import place_reservation
from servers.drivers.abilities import FAKE
from servers.models import Instance, RequestSpec, Service
from servers.placement.find import find_hosts
from servers.placement.report import NoValidHost
from tests.benchmarks.plans import rows_read
from tests.benchmarks.requests import create
from tests.benchmarks.site import ROOT

CONDUCTORS = 10
SERVERS_EACH = 20
CELLS = {
    "cells": [
        {
            "id": cell,
            "shared_cpus": list(range(cell * 32, cell * 32 + 8)),
            "dedicated_cpus": list(range(cell * 32 + 8, cell * 32 + 32)),
            "siblings": [[cpu, cpu + 1] for cpu in range(cell * 32, cell * 32 + 32, 2)],
            "socket": cell,
            "memory_mb": 131072,
            "memory_reserved_mb": 0,
            "pages": [{"size_kb": 4, "total": 33554432, "reserved": 0, "used": 0}],
            "physnets": [],
            "tunneled": False,
            "shared_cpus_used": 0,
            "pinned_cpus": [],
            "memory_used_mb": 0,
        }
        for cell in (0, 1)
    ]
}
# Free memory differs from host to host, as it does in a cloud in use.
HOSTS = """
    INSERT INTO servers_service (uuid, host, "binary", topic, cell_id, disabled, forced_down,
                                 version, created_at)
    SELECT gen_random_uuid(), 'rack-' || n, 'nova-compute', 'compute',
           (SELECT id FROM servers_cell WHERE name = 'cell1'), n %% 50 = 0, n %% 70 = 0, 70, now()
    FROM generate_series(1, %(hosts)s) AS n;
    INSERT INTO servers_computenode (uuid, service_id, hypervisor_hostname, driver, vcpus,
        memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, free_vcpus, free_memory_mb,
        free_disk_gb, most_vcpus, most_memory_mb, most_disk_gb, has_odd_units, running_vms,
        failed_builds)
    SELECT gen_random_uuid(), id, host, 'fake', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 20, 0
    FROM servers_service WHERE host LIKE 'rack-%%' ORDER BY id;
    INSERT INTO servers_hosthardware (node_id, hypervisor_type, hypervisor_version,
                                      supported_instances, cpu_info, numa_topology)
    SELECT id, 'fake', 1000, '[["x86_64", "fake", "hvm"]]', %(cpu_info)s::jsonb,
           CASE WHEN id %% 4 = 0 THEN %(cells)s::jsonb END
    FROM servers_computenode WHERE hypervisor_hostname LIKE 'rack-%%';
    INSERT INTO servers_resourceprovider (uuid, name, node_id, generation, created_at)
    SELECT uuid, hypervisor_hostname, id, 0, now() FROM servers_computenode
    WHERE hypervisor_hostname LIKE 'rack-%%' ORDER BY id;
    INSERT INTO servers_providertrait (provider_id, trait)
    SELECT id, trait FROM servers_resourceprovider, unnest(%(traits)s::text[]) AS trait
    WHERE name LIKE 'rack-%%';
    INSERT INTO servers_inventory (provider_id, resource_class, total, reserved, min_unit, max_unit,
                                   step_size, allocation_ratio, used, created_at)
    SELECT provider.id, kind.name, kind.total, 0, 1, kind.total, 1, kind.ratio, kind.used, now()
    FROM servers_resourceprovider AS provider
    CROSS JOIN LATERAL (SELECT provider.id * 7919 %% 1000 AS chance) AS drawn
    CROSS JOIN LATERAL (VALUES
        ('VCPU', 64, 4.0, chance * 256 / 1000),
        ('MEMORY_MB', 262144, 1.0, chance * 262144 / 1000),
        ('DISK_GB', 10000, 1.0, chance * 10),
        ('PCPU', 48, 1.0, 0),
        ('CUSTOM_LICENSE', 10, 1.0, 0)
    ) AS kind (name, total, ratio, used)
    WHERE provider.name LIKE 'rack-%%'
      AND (kind.name <> 'PCPU' OR provider.node_id %% 4 = 0)
      AND (kind.name <> 'CUSTOM_LICENSE' OR provider.id %% 100 = 7);
    INSERT INTO servers_aggregate (uuid, name, metadata, created_at)
    SELECT gen_random_uuid(), 'row-' || n, jsonb_build_object('availability_zone', 'zone-' || n),
           now() FROM generate_series(1, 5) AS n;
    INSERT INTO servers_aggregate_hosts (aggregate_id, service_id)
    SELECT aggregate.id, service.id FROM servers_service AS service
    JOIN servers_aggregate AS aggregate ON aggregate.name = 'row-' || (service.id %% 8)
    WHERE service.host LIKE 'rack-%%';
"""
FULL = """
    UPDATE servers_inventory SET used = CASE WHEN provider_id %% 20 = 1 THEN 128 ELSE 256 END
    WHERE resource_class = 'VCPU' AND provider_id IN (
        SELECT id FROM servers_resourceprovider WHERE name LIKE 'rack-%%')
"""
FLAVORS: dict[str, dict[str, str]] = {
    "plain": {},
    "trait": {"trait:COMPUTE_TRUSTED_CERTS": "required"},
    "rare class": {"resources:CUSTOM_LICENSE": "1"},
    "pinned": {"hw:cpu_policy": "dedicated", "hw:numa_nodes": "2"},
}


def main() -> None:
    limit_sessions(settings.OPTIONS.worker_statement_timeout_seconds, BY_KEY)  # as a worker does
    hosts = int(os.environ["BENCH_HOSTS"])
    if os.environ.get("BENCH_CONDUCTOR"):
        _work(os.environ["BENCH_CONDUCTOR"].split(","))
        return
    for name, specs in FLAVORS.items():
        Flavor.objects.create(
            flavorid=name, name=name, vcpus=4, memory_mb=4096, root_gb=10, extra_specs=specs
        )
    began = time.perf_counter()
    _fill(hosts)
    found: dict[str, Any] = {"filling_s": round(time.perf_counter() - began, 1)}
    found["in use"] = {name: _measure(name) for name in FLAVORS}
    found["in use"]["zone"] = _measure("plain", availability_zone="zone-3")
    found["in use"]["100 at once"] = _measure("plain", servers=100, times=10)
    found["10 conductors"] = _measure_conductors()  # while the smallest cloud has room for them
    found["in use"]["100 pinned at once"] = _measure("pinned", servers=100, times=5)
    found["plans"] = {name: _plan(name) for name in ("plain", "pinned")}
    with connection.cursor() as cursor:
        cursor.execute(FULL.replace("%%", "%"))
        cursor.execute("VACUUM ANALYZE")
    found["full"] = {"plain": _measure("plain"), "pinned": _measure("pinned", times=10)}
    found["full"]["none fits"] = _measure("plain", vcpus=300, times=5)
    found["plans"]["full"] = _plan("plain")
    found["load"] = os.getloadavg()[0]
    print(json.dumps(found))


def _fill(hosts: int) -> None:
    values = {
        "hosts": hosts,
        "cells": json.dumps(CELLS),
        "cpu_info": json.dumps(FAKE.cpu_info),
        "traits": sorted(FAKE.traits),
    }
    # those of the usual cloud would take everything, however many others there are
    Service.objects.computes().delete()
    with connection.cursor() as cursor:
        for statement in HOSTS.split(";\n"):
            if statement.strip():
                cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")


def _measure(flavor: str, *, servers: int = 1, times: int = 40, **order: Any) -> dict[str, float]:
    """From the open order to the jobs of hosts: half of the times are shorter than ``p50_ms``."""
    taken, cpu, of_database = [], [], []
    for number in range(times + WARM_UP):
        reservation = _order(flavor, servers, **order)
        if number == WARM_UP // 2:
            _analyze()
        began, worked, database = time.perf_counter(), time.process_time(), _database_ms()
        place_reservation(reservation)
        taken.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
        of_database.append(_database_ms() - database)
    reservation = _order(flavor, servers, **order)
    with CaptureQueriesContext(connection) as queries:
        place_reservation(reservation)
    words = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    statements = sum(not query["sql"].upper().startswith(words) for query in queries)
    print(f"{servers} of {flavor} {order or ''}: {_middle(taken)} ms", file=sys.stderr)
    return {
        "p50_ms": _middle(taken),
        "p95_ms": round(sorted(taken[WARM_UP:])[int(times * 0.95)], 2),
        "python_ms": _middle(cpu),
        "database_ms": _middle(of_database),
        "statements": statements,
        "rows_read": _rows_read(flavor, **order),
        "placed": Instance.objects.filter(reservation_id=reservation, host__isnull=False).count(),
    }


def _analyze() -> None:
    """As the database does by itself a little later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


WARM_UP = 8
"""After so many the database has planned its statements for good."""


def _middle(times: list[float]) -> float:
    ordered = sorted(times[WARM_UP:])
    return round(ordered[len(ordered) // 2], 2)


def _database_ms() -> float:
    """Processor time of the database's process for this connection; 0 where it is elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    try:
        return int(process.read_text().split()[0]) / 1_000_000
    except OSError:
        return 0.0


def _order(flavor: str, servers: int, *, vcpus: int = 4, **order: Any) -> str:
    """The rows of an order that waits for hosts."""
    Flavor.objects.filter(flavorid=flavor).update(vcpus=vcpus)
    body: dict[str, Any] = create(servers)[2]
    body["server"] |= {"flavorRef": flavor, "networks": "none", "return_reservation_id": True}
    body["server"] |= order
    response = CLIENT.post(
        "/compute/v2.1/servers", json.dumps(body), "application/json", headers=_headers()
    )
    if response.status_code >= 400:
        raise RuntimeError(f"{response.status_code} {response.content[:300]!r}")
    return str(response.json()["reservation_id"])


CLIENT = Client(headers={"host": "localhost"})
_token: list[str] = []


def _headers() -> dict[str, str]:
    if not _token:
        domain = {"id": "default"}
        user = {"name": "bench", "password": "bench", "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "bench", "domain": domain}}
        response = CLIENT.post(
            "/identity/v3/auth/tokens",
            json.dumps({"auth": {"identity": identity, "scope": scope}}),
            "application/json",
        )
        _token.append(response.headers["X-Subject-Token"])
    return {"X-Auth-Token": _token[0], "OpenStack-API-Version": "compute 2.90"}


def _measure_conductors() -> dict[str, Any]:
    """So many processes place servers at the same time, all of them wanting the best host."""
    orders = [_order("plain", 1) for _ in range(CONDUCTORS * SERVERS_EACH)]
    parts = [orders[index::CONDUCTORS] for index in range(CONDUCTORS)]
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(CONDUCTORS) as pool:
        done = list(pool.map(_conductor, parts))
    seconds = time.perf_counter() - began
    placed = Instance.objects.filter(reservation_id__in=orders, host__isnull=False).count()
    times = sorted(time for one in done for time in one)
    return {
        "servers": len(orders),
        "placed": placed,
        "seconds_with_start": round(seconds, 2),
        "p50_ms": round(times[len(times) // 2], 2),
        "p95_ms": round(times[int(len(times) * 0.95)], 2),
    }


def _conductor(orders: list[str]) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.placing"],
        env={**os.environ, "BENCH_CONDUCTOR": ",".join(orders)},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def _work(orders: list[str]) -> None:
    times = []
    for order in orders:
        began = time.perf_counter()
        place_reservation(order)
        times.append((time.perf_counter() - began) * 1000)
    print(json.dumps(times))


def _search(flavor: str, **order: Any) -> str:
    """The statement that looks for hosts."""
    reservation = _order(flavor, 1, **order)
    spec = RequestSpec.objects.select_related("instance").get(instance__reservation_id=reservation)
    with (
        CaptureQueriesContext(connection) as queries,
        contextlib.suppress(NoValidHost),
        transaction.atomic(),
    ):
        find_hosts(spec)
    return str(next(query["sql"] for query in queries if "WITH found" in query["sql"]))


def _rows_read(flavor: str, **order: Any) -> int:
    return rows_read(_search(flavor, **order))


def _plan(flavor: str) -> list[str]:
    statement = _search(flavor).replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + statement, [])
        return [row[0] for row in cursor.fetchall()]


if __name__ == "__main__":
    main()
