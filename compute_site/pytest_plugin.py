"""A plugin of pytest: the fixture ``openstack_cloud`` is a cloud of its own for the tests of a
client, one for each process of pytest-xdist.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import select
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 180
"""The first start of a release on a machine fills a database."""
STOP_SECONDS = 20
RESET = "SELECT compute_site_seed.reset()"
MOST_TRIES = 5
"""Of a reset that meets a worker in the middle of something."""


class CloudFailed(Exception):
    """The cloud did not start, or refused something; the text says why."""


@dataclasses.dataclass
class Cloud:
    """A cloud that runs. ``clouds_yaml`` is what OpenStack clients read (the variable
    ``OS_CLIENT_CONFIG_FILE``); ``clouds`` are the names in it.
    """

    root: str
    auth_url: str
    clouds_yaml: Path
    clouds: list[str]
    database_url: str
    process: subprocess.Popen[str]
    _session: Any = None

    def connection(self, cloud: str = "demo", **options: Any) -> Any:
        """A connection of openstacksdk, which has to be installed. ``options`` are what may also
        stand in a ``clouds.yaml``, such as ``compute_status_code_retries``.
        """
        from openstack import config, connection  # noqa: PLC0415 - not everybody needs it

        known = config.OpenStackConfig(
            config_files=[str(self.clouds_yaml)], secure_files=[], load_envvars=False
        )
        return connection.Connection(config=known.get_one(cloud=cloud, **options))

    def reset(self) -> None:
        """Set everything back to how the cloud began; faults on request end, too."""
        import psycopg  # noqa: PLC0415 - comes with the site

        if self._session is None:
            self._session = psycopg.connect(self.database_url, autocommit=True)
        for attempt in range(1, MOST_TRIES + 1):
            try:
                self._session.execute(RESET)
            except psycopg.errors.DeadlockDetected:
                if attempt == MOST_TRIES:
                    raise
            else:
                return

    def inject(self, kind: str, **keys: Any) -> dict[str, Any]:
        """Ask for a fault; as it is shown by the API ``/faults``."""
        fault: dict[str, Any] = self._ask("POST", "/faults", {"fault": {"kind": kind, **keys}})
        return dict(fault["fault"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are asked for, with how often each was met."""
        return list(self._ask("GET", "/faults")["faults"])

    def withdraw(self, fault_id: str) -> None:
        self._ask("DELETE", f"/faults/{fault_id}")

    def stop(self) -> None:
        if self._session is not None:
            self._session.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        secret = base64.b64encode(self._admin().encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            self.root + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {secret}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                told = error.read().decode(errors="replace")
            raise CloudFailed(f"{method} {path}: {error.code} {told}") from None
        return json.loads(text) if text else None

    def _admin(self) -> str:
        import yaml  # noqa: PLC0415 - comes with the site

        known = yaml.safe_load(self.clouds_yaml.read_text(encoding="utf-8"))["clouds"]
        auth = known["admin" if "admin" in known else self.clouds[0]]["auth"]
        return f"{auth['username']}:{auth['password']}"


def start_cloud(cloud_file: str = "", *, faults: bool = True) -> Cloud:
    """Start a cloud that ends with this process, in whatever way that ends.

    Raises:
        CloudFailed: it does not start.
    """
    from compute_site.quickstart.parent import end_with  # noqa: PLC0415 - only where it is used

    words = [sys.executable, "-m", "compute_site", "run", "--ephemeral", "--port", "0"]
    words += ["--cloud", cloud_file] if cloud_file else []
    words += ["--faults"] if faults else []
    base = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (base, os.environ.get("PYTHONPATH"))))
    others = {n: text for n, text in os.environ.items() if n != "DJANGO_SETTINGS_MODULE"}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(  # noqa: S603 - our own program
            words,
            env={**others, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            preexec_fn=end_with(os.getpid()),  # noqa: PLW1509 - it takes no lock
        )
        line = _first_line(process)
        if not line:
            process.kill()
            process.wait()
            said.seek(0)
            why = said.read().strip()[-2000:] or "it takes too long"
            raise CloudFailed(f"The cloud does not start: {why}")
    told = json.loads(line)
    cloud = Cloud(
        root=told["root"],
        auth_url=told["auth_url"],
        clouds_yaml=Path(told["clouds_yaml"]),
        clouds=told["clouds"],
        database_url=told["database_url"],
        process=process,
    )
    cloud.reset()  # PostgreSQL makes its plans for that now
    return cloud


def _first_line(process: subprocess.Popen[str]) -> str:
    """What it prints when it is ready; empty when it ends, or takes too long."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    return process.stdout.readline() if ready else ""


def _tell_of_preparing(config: pytest.Config, cloud_file: str) -> None:
    """The first cloud takes longer; say so past the capturing of output."""
    from compute_site.quickstart import ephemeral  # noqa: PLC0415 - only where it is used

    cloud = Path(cloud_file) if cloud_file else ephemeral.DEMO_CLOUD
    capture = config.pluginmanager.getplugin("capturemanager")
    if cloud.is_file() and not ephemeral.seed_of(cloud).exists():
        with capture.global_and_fixture_disabled():
            print(f"\n{ephemeral.PREPARING}", file=sys.stderr, flush=True)  # noqa: T201


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("openstack_cloud_file", "the cloud file of openstack_cloud (else: the demo's)")


@pytest.fixture(scope="session")
def openstack_cloud(pytestconfig: pytest.Config) -> Iterator[Cloud]:
    """A cloud for the whole run; call its ``reset()`` between tests that change it."""
    named = str(pytestconfig.getini("openstack_cloud_file"))
    cloud_file = str(pytestconfig.rootpath / named) if named else ""
    _tell_of_preparing(pytestconfig, cloud_file)
    cloud = start_cloud(cloud_file)
    try:
        yield cloud
    finally:
        cloud.stop()
