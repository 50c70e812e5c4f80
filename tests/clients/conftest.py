"""A live site for unmodified clients: started as a newcomer would, with real HTTP and a real
worker.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from openstack.compute.v2.server import Server
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import NotFoundException

from tests.world.databases import migrated_database

ROOT = Path(settings.BASE_DIR)
NAME = "compute_site_clients"
START_SECONDS = 120
SETTLE_SECONDS = 60
BASIC = "basic"
"""The cloud of the recipe without a token, in docs/clients.md."""


AS_JSON = ("-f", "json")
NO_TABLE = "unrecognized arguments: -f json"
"""What a command says that prints no table; it has done nothing then."""


@dataclasses.dataclass(frozen=True)
class LiveSite:
    """Where the site is, and the files it wrote for its users."""

    root: str
    state: Path
    output: str

    @property
    def clouds_yaml(self) -> Path:
        return self.state / "clouds.yaml"


@pytest.fixture(scope="package")
def live_site(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[LiveSite]:
    state = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": migrated_database(NAME),
        "COMPUTE_SITE_STATE_DIR": str(state),
    }
    log = state / "quickstart.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C ends everything" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield LiveSite(f"http://127.0.0.1:{port}", state, log.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.fixture(scope="package")
def clouds_yaml(live_site: LiveSite) -> Path:
    """What the quickstart wrote, and the recipe for name and password without a token."""
    clouds = yaml.safe_load(live_site.clouds_yaml.read_text())
    clouds["clouds"][BASIC] = {
        "auth_type": "http_basic",
        "auth": {
            "endpoint": f"{live_site.root}/compute/v2.1",
            "username": "demo",
            "password": "demo",
        },
        "compute_endpoint_override": f"{live_site.root}/compute/v2.1",
        "image_endpoint_override": f"{live_site.root}/image",
        "network_endpoint_override": f"{live_site.root}/network",
        "block_storage_endpoint_override": f"{live_site.root}/volume/v3",
        "identity_endpoint_override": f"{live_site.root}/identity/v3",
        "identity_api_version": "3",
        "volume_api_version": "3",
    }
    path = live_site.state / "more-clouds.yaml"
    path.write_text(yaml.safe_dump(clouds))
    return path


def connect(clouds_yaml: Path, name: str) -> Connection:
    config = OpenStackConfig(config_files=[str(clouds_yaml)], load_envvars=False)
    return Connection(config=config.get_one(cloud=name))


@pytest.fixture(scope="package")
def cloud(clouds_yaml: Path) -> Iterator[Connection]:
    """openstacksdk in the name of the user demo."""
    connection = connect(clouds_yaml, "demo")
    yield connection
    connection.close()


@pytest.fixture(scope="package")
def admin_cloud(clouds_yaml: Path) -> Iterator[Connection]:
    """openstacksdk in the name of the operator."""
    connection = connect(clouds_yaml, "admin")
    yield connection
    connection.close()


_numbers = itertools.count(1)


@pytest.fixture
def server(cloud: Connection) -> Iterator[Server]:
    """A server that runs, without a network."""
    order = cloud.compute.create_server(
        name=f"server-{next(_numbers)}",
        image_id=cloud.image.find_image("cirros", ignore_missing=False).id,
        flavor_id="1",
        networks="none",
    )
    yield settle(cloud, order, "ACTIVE")
    with contextlib.suppress(NotFoundException):
        cloud.compute.delete_server(order, force=True)


def settle(cloud: Connection, server: Server, status: str) -> Server:
    """The server, once it has the status and nothing is going on with it."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = cloud.compute.get_server(server.id)
        if found.status == status and found.task_state is None:
            return found
        assert time.monotonic() < deadline, f"{found.status}/{found.task_state}, not {status}"
        time.sleep(0.05)


class Openstack:
    """The command ``openstack``: ``run_openstack("server show web", cloud="demo")``.

    ``process`` is ``warm_openstack``.
    """

    def __init__(self, process: subprocess.Popen[str], clouds_yaml: Path) -> None:
        self.process = process
        self.clouds_yaml = clouds_yaml

    def __call__(self, command: str, *, cloud: str = "demo", version: str = "2.100") -> Any:
        """What the command says: read from JSON where it is a table, else the text."""
        status, out, err = self._call(command, cloud, version)
        assert status == 0, f"openstack {command}: {out}{err}"
        try:
            return json.loads(out)
        except ValueError:
            return out

    def refused(self, command: str, *, cloud: str = "demo", version: str = "2.100") -> str:
        """What the command says when it fails."""
        status, out, err = self._call(command, cloud, version)
        assert status != 0, f"openstack {command} did it: {out}"
        return err

    def _call(self, command: str, cloud: str, version: str) -> tuple[int, str, str]:
        environment = {
            "OS_CLIENT_CONFIG_FILE": str(self.clouds_yaml),
            "OS_CLOUD": cloud,
            "OS_COMPUTE_API_VERSION": version,
        }
        words = shlex.split(command)
        answer = self._ask([*words, *AS_JSON], environment)
        if NO_TABLE in answer["err"]:
            answer = self._ask(words, environment)
        return answer["status"], answer["out"], answer["err"]

    def _ask(self, words: list[str], environment: dict[str, str]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(
            json.dumps({"words": words, "environment": environment}),
            file=self.process.stdin,
            flush=True,
        )
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="package")
def run_openstack(clouds_yaml: Path) -> Iterator[Openstack]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("warm_openstack.py"))],
        env={**environment, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Openstack(process, clouds_yaml)
        assert process.stdin is not None
        process.stdin.close()
