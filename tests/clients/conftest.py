"""A live site for unmodified clients: started as a newcomer would, with real HTTP and a real
worker.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openstack
import psycopg
import pytest
import yaml
from django.conf import settings
from openstack.connection import Connection

ROOT = Path(settings.BASE_DIR)
NAME = "compute_site_clients"
START_SECONDS = 120
CLI_SECONDS = 60
BASIC = "basic"
"""The cloud of the recipe without a token, in docs/clients.md."""


@dataclasses.dataclass(frozen=True)
class LiveSite:
    """Where the site is, and the files it wrote for its users."""

    root: str
    state: Path
    output: str

    @property
    def clouds_yaml(self) -> Path:
        return self.state / "clouds.yaml"


def fresh_database() -> str:
    database = settings.DATABASES["default"]
    where = {"host": database["HOST"], "port": database["PORT"] or None}
    who = {"user": database["USER"], "password": database["PASSWORD"] or None}
    with psycopg.connect(dbname="postgres", autocommit=True, **where, **who) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 LOCALE 'C.UTF-8'")
    login = ":".join(quote(part, safe="") for part in who.values() if part)
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgresql://{login}@{port}/{NAME}?host={quote(database['HOST'], safe='')}"


@pytest.fixture(scope="session")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    state = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": fresh_database(),
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


@pytest.fixture(scope="session")
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


@pytest.fixture
def cloud(clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """openstacksdk in the name of the user demo."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_yaml))
    connection = openstack.connect(cloud="demo")
    yield connection
    connection.close()


@pytest.fixture
def admin_cloud(clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """openstacksdk in the name of the operator."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_yaml))
    connection = openstack.connect(cloud="admin")
    yield connection
    connection.close()


Openstack = Callable[..., Any]


@pytest.fixture
def run_openstack(clouds_yaml: Path) -> Openstack:
    """``run_openstack("server show web", cloud="demo")``: what the command says in JSON."""

    def run(command: str, *, cloud: str = "demo", version: str = "2.100") -> Any:
        shows = not {"delete", "set", "unset", "stop", "start"} & set(command.split()[:3])
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OS_")},
            "OS_CLIENT_CONFIG_FILE": str(clouds_yaml),
            "OS_CLOUD": cloud,
            "OS_COMPUTE_API_VERSION": version,
            "PYTHONWARNINGS": "ignore",
        }
        done = subprocess.run(
            [
                Path(sys.executable).with_name("openstack"),
                *command.split(),
                *(["-f", "json"] if shows else []),
            ],
            env=environment,
            capture_output=True,
            text=True,
            timeout=CLI_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"openstack {command}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout) if shows else None

    return run
