"""Measures the way from requests for servers to the last ``ACTIVE``; prints JSON.

Each run has a fresh database, the web server with two processes, and one worker process or one for
each core. Wall time runs from the first request until the last server is active, by the server's
own record; CPU time is that of all processes of web, worker and database. Beside it stands the
floor: the same rows, written by bare psycopg in a transaction for each server.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.benchmarks.floor import measure_floor
from tests.benchmarks.load import Client, sign_in
from tests.benchmarks.requests import SERVER, create
from tests.benchmarks.site import ROOT, drop_database, make_database, run_part, running_site

PROJECTS = 50
HOSTS = 20
IN_A_REQUEST = 100
CLIENTS = 4
SINGLES_A_SECOND = 20
SINGLES_SECONDS = 20
GIVE_UP_SECONDS = 300.0
PROJECT_QUOTA = 1_000_000
"""Ports have a limit, so that it is checked, but not one that is reached."""

PHASES = """
    SELECT extract(epoch FROM server.created_at), extract(epoch FROM event.start_time),
           extract(epoch FROM server.launched_at)
    FROM servers_instance AS server
    LEFT JOIN servers_instanceaction AS action
        ON action.instance_id = server.id AND action.action = 'create'
    LEFT JOIN servers_instanceactionevent AS event ON event.action_id = action.id
    WHERE server.vm_state = 'active'
"""
OPEN = "SELECT count(*) FROM servers_instance WHERE vm_state <> 'active'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, nargs="*", default=[1, 100, 2000])
    parser.add_argument("--projects", type=int, nargs="*", default=[1, PROJECTS])
    parser.add_argument("--processes", type=int, nargs="*", default=[1, os.cpu_count() or 1])
    parser.add_argument("--no-singles", action="store_true", help="leave out the single servers")
    parser.add_argument("--no-floor", action="store_true", help="leave out the floor")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()}
    }
    for processes in dict.fromkeys(options.processes):
        with fresh_site(processes) as site:
            for projects in options.projects:
                for servers in options.servers:
                    name = f"{servers} servers, projects: {projects}, processes: {processes}"
                    found[name] = _measure(site, servers, projects)
                    print(name, found[name], file=sys.stderr)
            if not options.no_singles:
                found[f"single servers, processes: {processes}"] = _measure_singles(site)
            if processes == options.processes[-1]:
                if not options.no_floor:
                    found["floor"] = measure_floor(site.url)
                site.end_worker()  # it would do what is counted
                found["statements"] = run_part("launch_statements", site.url)
    print(json.dumps(found, indent=1))


class Site:
    """A running site with worker; ``cpu`` adds up its processes."""

    def __init__(self, url: str, root: str, roots: list[psutil.Process]) -> None:
        self.url = url
        self.root = root
        self.roots = roots
        names = [f"p{number}" for number in range(PROJECTS)]
        self.tokens = [sign_in(root, name) for name in names]
        self.session = psycopg.connect(url, autocommit=True)

    def cpu(self) -> dict[str, float]:
        """Seconds by kind of process."""
        database = self.session.execute("SELECT pg_backend_pid()").fetchone()
        postmaster = psutil.Process(int(database[0] if database else 0)).parent()
        trees = {"database": postmaster, "web": self.roots[0], "worker": self.roots[1]}
        return {name: _seconds_of(tree) for name, tree in trees.items() if tree is not None}

    def wait(self) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while (row := self.session.execute(OPEN).fetchone()) and row[0]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{row[0]} servers never became active")
            time.sleep(0.05)

    def end_worker(self) -> None:
        self.roots[1].terminate()
        self.roots[1].wait(60)

    def clear(self) -> None:
        """Forget the servers, so that each run begins with an empty cloud."""
        with self.session.transaction():
            self.session.execute(
                "TRUNCATE servers_instance, network_port, procrastinate_jobs CASCADE"
            )
            self.session.execute("UPDATE servers_inventory SET used = 0")
            self.session.execute("UPDATE servers_computenode SET running_vms = 0")
            self.session.execute("UPDATE quotas_usage SET in_use = 0")
        self.session.execute("VACUUM ANALYZE")


@contextlib.contextmanager
def fresh_site(processes: int) -> Iterator[Site]:
    """The site with its worker on a database of its own, which is dropped in the end."""
    url = make_database()
    with tempfile.TemporaryDirectory() as folder:
        cloud = Path(folder, "cloud.yaml")
        cloud.write_text(json.dumps(_cloud()))
        before = set(psutil.Process().children())
        with running_site(url, cloud=cloud) as root:
            [web] = set(psutil.Process().children()) - before
            command = [sys.executable, str(ROOT / "manage.py"), "worker"]
            with (ROOT / "var" / "bench-worker.log").open("w") as log:
                worker = subprocess.Popen(
                    [*command, "--processes", str(processes)],
                    env={**os.environ, "DATABASE_URL": url, "COMPUTE_SITE_LOG_LEVEL": "WARNING"},
                    stdout=log,
                    stderr=log,
                )
            try:
                site = Site(url, root, [web, psutil.Process(worker.pid)])
                _measure(site, 10, 1)  # every process has met everything now
                yield site
            finally:
                site.session.close()
                worker.terminate()
                worker.wait(60)
    drop_database()


def _cloud() -> dict[str, Any]:
    names = [f"p{number}" for number in range(PROJECTS)]
    network = SERVER["networks"][0]["uuid"]
    size = {"vcpus": 100_000, "memory_mb": 200_000_000, "local_gb": 2_000_000}
    pools = [{"start": "10.128.0.1", "end": "10.255.255.254"}]
    unlimited = dict.fromkeys(("instances", "cores", "ram"), -1)
    return {
        "projects": [{"id": f"{number:032x}", "name": name} for number, name in enumerate(names)],
        "users": [
            {"name": name, "password": name, "projects": [{"project": name, "role": "member"}]}
            for name in names
        ],
        "hosts": [{"name": f"host{number}", "driver": "fake", **size} for number in range(HOSTS)],
        "flavors": [{"id": "1", "name": "m1.tiny", "ram": 512, "vcpus": 1, "disk": 1}],
        "images": [
            {
                "id": SERVER["imageRef"],
                "name": "small",
                "status": "active",
                "visibility": "public",
                "min_ram": 0,
                "min_disk": 0,
                "size": 25165824,
                "disk_format": "raw",
                "container_format": "bare",
            }
        ],
        "networks": [{"id": network, "name": "wide", "project_id": "p0", "shared": True}],
        "subnets": [
            {
                "id": "f8a6e8f8-c2ec-497c-9f23-da9616de54ef",
                "name": "wide",
                "network_id": network,
                "project_id": "p0",
                "cidr": "10.0.0.0/8",
                "ip_version": 4,
                "gateway_ip": "10.0.0.1",
                "allocation_pools": pools,
            }
        ],
        "quotas": {name: {**unlimited, "ports": PROJECT_QUOTA} for name in names},
    }


def _measure(site: Site, servers: int, projects: int) -> dict[str, Any]:
    """So many servers in requests of at most a hundred, from clients that do not wait for them."""
    site.clear()
    share = max(1, servers // projects)
    size = min(IN_A_REQUEST, share)
    requests = [(site.tokens[number % projects], create(size)) for number in range(servers // size)]
    cpu, began = site.cpu(), time.time()
    _send_all(site.root, requests)
    sent = time.time()
    site.wait()
    used = site.cpu()
    return {
        "servers": servers,
        "requests": len(requests),
        "load": round(os.getloadavg()[0], 1),
        "accepted_s": round(sent - began, 2),
        **_times(site, began),
        "cpu_ms_a_server": {
            name: round((seconds - cpu[name]) * 1000 / servers, 2) for name, seconds in used.items()
        },
    }


def _times(site: Site, began: float) -> dict[str, Any]:
    rows = [tuple(float(value) for value in row) for row in site.session.execute(PHASES).fetchall()]
    seconds = max(launched for *_, launched in rows) - began
    phases: dict[str, Callable[[tuple[float, ...]], float]] = {
        "accepted_to_placed": lambda row: row[1] - row[0],
        "placed_to_active": lambda row: row[2] - row[1],
        "accepted_to_active": lambda row: row[2] - row[0],
    }
    return {
        "seconds": round(seconds, 3),
        "servers_a_second": round(len(rows) / seconds, 1),
        "ms": {name: _spread([of(row) * 1000 for row in rows]) for name, of in phases.items()},
    }


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "most": round(ordered[-1], 1),
    }


def _send_all(root: str, requests: list[tuple[str, Any]]) -> None:
    failures: list[Exception] = []

    def work(mine: list[tuple[str, Any]]) -> None:
        try:
            for token, request in mine:
                Client(root, token).send(request)
        except Exception as error:  # noqa: BLE001 - told below, in the main thread
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(requests[number::CLIENTS],))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _measure_singles(site: Site) -> dict[str, Any]:
    """Single servers at a fixed rate: milliseconds from the sending of the request to ACTIVE."""
    site.clear()
    number = SINGLES_A_SECOND * SINGLES_SECONDS
    sent: dict[str, float] = {}
    cpu, began = site.cpu(), time.time()

    def work(mine: int) -> None:
        client = Client(site.root, site.tokens[0])
        for turn in range(mine, number, CLIENTS):
            time.sleep(max(0.0, began + turn / SINGLES_A_SECOND - time.time()))
            at = time.time()
            sent[json.loads(client.send(create(1)))["server"]["id"]] = at

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    site.wait()
    used = site.cpu()
    rows = site.session.execute(
        "SELECT uuid::text, extract(epoch FROM launched_at) FROM servers_instance"
    ).fetchall()
    return {
        "servers": len(rows),
        "load": round(os.getloadavg()[0], 1),
        "post_to_active_ms": _spread([(float(at) - sent[key]) * 1000 for key, at in rows]),
        "cpu_ms_a_server": {
            name: round((seconds - cpu[name]) * 1000 / len(rows), 2)
            for name, seconds in used.items()
        },
    }


def _seconds_of(root: psutil.Process) -> float:
    """CPU seconds of a process and all its descendants, those that have ended included."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    main()
