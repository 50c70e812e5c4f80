"""Runs test suites of others, each against a cloud of its own that is gone afterwards.

``python -m tests.suites`` lists them; with names it runs those. What they need is installed below
``var/suites`` from the registries of Python, Go and Node.js, once; their output stays there.
``--site URL`` takes a site that runs already, with ``tests/suites/cloud.yaml`` loaded.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from compute_site import pytest_plugin
from tests.suites.table import SUITES, Suite

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "var" / "suites"
START_SECONDS = 900
"""So long the first start may take on a machine that is busy; a suite takes longer."""
CLOUD = """
  {name}:
    auth:
      auth_url: {root}/identity
      username: {user}
      password: secret
      project_name: {user}
      user_domain_id: default
      project_domain_id: default
    region_name: RegionOne"""
CLOUDS = {
    "devstack": "demo",
    "devstack-alt": "alt",
    "devstack-admin": "admin",
    "devstack-system-admin": "admin",
    "functional_admin": "admin",
}
"""The names by which the suites know their clouds, and the users that stand for them."""
LOOPBACK = "127.0.0.1"
EMPTY_DISK = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20, *[0] * 7)
"""The head of a disk in the format qcow2 without data."""


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", choices=[*SUITES, []])
    parser.add_argument("--site", default="")
    asked = parser.parse_args()
    for name in () if asked.names else SUITES:
        print(f"{name:22} {SUITES[name].title}")
    failed = [name for name in asked.names if not run(name, asked.site)]
    if failed:
        print(f"not all well: {', '.join(failed)}")
    return len(failed)


def run(name: str, site: str) -> bool:
    """Install and run one suite; was all well?"""
    suite, folder = SUITES[name], WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "output.txt"
    with contextlib.ExitStack() as stack:
        root = site or stack.enter_context(cloud(suite))
        fetches = suite.needs_tempest_conf or suite.fetched_from
        web = stack.enter_context(images()) if fetches else ""
        write_files(suite, folder, root, web)
        environment = {**os.environ, **fill_in(suite, root), "SUITE": str(HERE)}
        if suite.fetched_from:
            environment["http_proxy"] = web
        with log.open("w") as output:
            done = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", suite.script],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
    print("\n".join(log.read_text(errors="replace").splitlines()[-suite.told :]))
    print(f"{name}: {'well' if done.returncode == 0 else 'not all well'}; all of it is in {log}")
    return done.returncode == 0


@contextlib.contextmanager
def cloud(suite: Suite) -> Iterator[str]:
    """A cloud that keeps nothing; its address."""
    variables = {
        "COMPUTE_SITE_FAKE_DRIVER_DELAY_SECONDS": str(suite.delay),
        "COMPUTE_SITE_IMAGE_DOWNLOAD_HOSTS": f"{LOOPBACK},{suite.fetched_from}",
    }
    port = free_port() if suite.consoles else 0
    if port:
        pages = {"novnc": "vnc_auto.html", "serial": "serial.html"}
        variables["COMPUTE_SITE_CONSOLE_PROXIES"] = json.dumps(
            [
                {"type": kind, "url": f"http://{LOOPBACK}:{port}/{page}"}
                for kind, page in pages.items()
            ]
        )
    patient = mock.patch.object(pytest_plugin, "START_SECONDS", START_SECONDS)
    with mock.patch.dict(os.environ, variables), patient:
        started = pytest_plugin.start_cloud(str(HERE / "cloud.yaml"), faults=False)
    try:
        with console_proxy(started.database_url, port) if port else contextlib.nullcontext():
            yield started.root
    finally:
        started.stop()


class ImageHandler(http.server.BaseHTTPRequestHandler):
    """Gives an image of the format that the path ends with."""

    def do_GET(self) -> None:
        data = EMPTY_DISK.ljust(1 << 16, b"\0") if self.path.endswith(".qcow2") else bytes(1 << 16)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def images() -> Iterator[str]:
    """Serves images that a cloud may fetch; the address."""
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), ImageHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server:
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


def free_port() -> int:
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def console_proxy(database_url: str, port: int) -> Iterator[None]:
    """Serves the consoles of the cloud with this database. noVNC is installed once."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "COMPUTE_SITE_STATE_DIR": str(WORK),
        "PYTHONPATH": str(ROOT),
    }
    words = [sys.executable, "-m", "compute_site", "manage", "console_proxy"]
    if not (WORK / "console").is_dir():
        subprocess.run([*words, "--install"], env=environment, check=True)
    serving = subprocess.Popen([*words, "--port", str(port)], env=environment)
    try:
        yield
    finally:
        serving.terminate()
        serving.wait()


def fill_in(suite: Suite, root: str) -> dict[str, str]:
    """The environment of the suite's programs: who signs in where, and what there is."""
    return {
        "ROOT": root,
        "OS_AUTH_URL": f"{root}/identity/v3",
        "OS_USERNAME": suite.user,
        "OS_PASSWORD": "secret",
        "OS_PROJECT_NAME": suite.user,
        "OS_DOMAIN_ID": "default",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_REGION_NAME": "RegionOne",
        **suite.variables,
    }


def write_files(suite: Suite, folder: Path, root: str, web: str) -> None:
    clouds = "".join(CLOUD.format(name=name, root=root, user=user) for name, user in CLOUDS.items())
    (folder / "clouds.yaml").write_text(f"clouds:{clouds}\n")
    if suite.needs_tempest_conf:
        text = (HERE / "tempest.conf").read_text()
        filled = text.replace("{root}", root).replace("{folder}", str(folder))
        filled = filled.replace("{images}", web)
        filled = filled.replace("{network_extensions}", ",".join(extensions(root)))
        (folder / "tempest.conf").write_text(filled)


def extensions(root: str) -> list[str]:
    """What the network API says that it can."""
    request = urllib.request.Request(f"{root}/network/v2.0/extensions")  # noqa: S310 - it is ours
    request.add_header("Authorization", f"Basic {b64encode(b'admin:secret').decode()}")
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return sorted(one["alias"] for one in json.load(answer)["extensions"])


if __name__ == "__main__":
    sys.exit(main())
