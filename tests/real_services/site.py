"""This site as a part of the cloud: web server and worker of its own, and what tests do there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from keystoneauth1.session import Session
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from compute_site.quickstart.parent import end_with
from tests.real_services.configuration import HOST, PHYSICAL, REGION, Place
from tests.real_services.running import free_ports
from tests.servers.placement.fit.factories import make_nic
from tests.world.databases import migrated_database

HOSTS = ("host1", "host2")
ALL = ("IDENTITY", "IMAGE", "NETWORK", "VOLUME")
"""The services that a site can have elsewhere."""
START_SECONDS = 60
SETTLE_SECONDS = 180
CLOUD = {
    "hosts": [
        {
            "name": name,
            "vcpus": 16,
            "memory_mb": 32768,
            "local_gb": 500,
            "driver": "fake",
            "hardware": {"devices": make_nic(3, functions=1, physical_network=PHYSICAL)},
        }
        for name in HOSTS
    ],
    "flavors": [{"id": "1", "name": "tiny", "vcpus": 1, "ram": 512, "disk": 1}],
}


class Site:
    """The processes of the site, and the environment in which they run. ``elsewhere`` are those of
    its services that are the real ones.
    """

    def __init__(self, place: Place, folder: Path, elsewhere: Sequence[str] = ALL) -> None:
        [self.port] = free_ports(1)
        self.log = folder / "log"
        name = "_".join(("real", "site", *elsewhere)).lower()
        self.environment = {
            **os.environ,
            "DATABASE_URL": migrated_database(name),
            "COMPUTE_SITE_STATE_DIR": str(folder),
            "COMPUTE_SITE_FAKE_DRIVER_DELAY_SECONDS": "0",
            **{f"COMPUTE_SITE_{service}_SERVICE": "openstack" for service in elsewhere},
            "COMPUTE_SITE_OPENSTACK_AUTH_URL": place.auth_url,
            "COMPUTE_SITE_OPENSTACK_USERNAME": "compute_site",
            "COMPUTE_SITE_OPENSTACK_PASSWORD": place.password,
            "COMPUTE_SITE_OPENSTACK_REGION_NAME": REGION,
            "COMPUTE_SITE_TOKEN_CACHE_SECONDS": "30",
        }

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/compute/v2.1"

    @property
    def placement_url(self) -> str:
        return f"http://{HOST}:{self.port}/placement"

    def manage(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, done.stdout

    @contextlib.contextmanager
    def process(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with(os.getpid()),  # noqa: PLW1509 - it does nothing else
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_SECONDS)

    def web(self) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        words = ("--threads", "8", "--bind", f"{HOST}:{self.port}", "compute_site.wsgi")
        return self.process("-m", "gunicorn", *words)

    def worker(self) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        return self.process("manage.py", "worker", "--processes", "1")


@contextlib.contextmanager
def running_web(
    place: Place,
    folder: Path,
    elsewhere: Sequence[str] = ALL,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Site]:
    """The site with its hosts and a flavor, and ``more`` of a cloud, but without a worker."""
    site = Site(place, folder, elsewhere)
    cloud = folder / "cloud.yaml"
    cloud.write_text(yaml.safe_dump({**(more or {}), **CLOUD}))
    site.manage("loadcloud", str(cloud))
    with site.web():
        session = Session()
        until(lambda: _answers(session, f"http://{HOST}:{site.port}/healthz"), site)
        yield site


def _answers(session: Session, url: str) -> bool:
    try:
        return bool(session.get(url, raise_exc=False).ok)
    except Exception:  # noqa: BLE001 - it is not there yet
        return False


def until(condition: Callable[[], Any], site: Site) -> Any:
    """What the condition says as soon as it says something; else the log of the site."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not (said := condition()):
        assert time.monotonic() < deadline, site.log.read_text()[-8000:]
        time.sleep(0.1)
    return said


def boot_from(volume_id: str) -> dict[str, Any]:
    """The disk of a server that runs from a volume, which goes with it."""
    return {
        "uuid": volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0,
        "delete_on_termination": True,
    }


def settled(cloud: Connection, server: Server, status: str, site: Site) -> Server:
    """The server, once it has the status and nothing is going on with it."""

    def find() -> Server | None:
        found = cloud.compute.get_server(server.id)
        fine = found.status == status and found.task_state is None
        assert found.status == status or found.status != "ERROR", (
            f"{found.fault} {site.log.read_text()[-8000:]}"
        )
        return found if fine else None

    return until(find, site)
