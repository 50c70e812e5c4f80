"""Starts the four services with databases of their own, and ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from openstack.connection import Connection

from compute_site.quickstart.parent import end_with
from tests.real_services.configuration import (
    ADMIN,
    DOMAIN,
    HOST,
    MAKERS,
    PHYSICAL,
    REGION,
    SERVICE_PROJECT,
    TYPES,
    Place,
    write_configurations,
)
from tests.real_services.environments import find_environments
from tests.world.databases import empty_database

PROGRAMS = Path(__file__).parent / "programs"
SETUP_SECONDS = 300
START_SECONDS = 240
STOP_SECONDS = 15
OWN_NAMES = ("compute_site",)
"""Users of the service project besides those of the services themselves."""
PATHS = {"cinder": "/v3"}
"""Of each in the catalogue, where it has one."""


@contextlib.contextmanager
def running_services(folder: Path, hosts: Sequence[str]) -> Iterator[Place]:
    """Keystone, Neutron, Cinder and Glance, with accounts for each and for compute. ``hosts`` are
    those on which Neutron binds ports.
    """
    environments = find_environments()
    place = Place(
        folder=folder,
        ports=dict(zip(MAKERS, free_ports(len(MAKERS)), strict=True)),
        databases={service: _database_url(f"real_{service}") for service in MAKERS},
        environments=environments,
    )
    write_configurations(place)
    with ThreadPoolExecutor(len(MAKERS)) as beside:
        list(beside.map(lambda service: _prepare(place, service, hosts), MAKERS))
    with contextlib.ExitStack() as running:
        for service in MAKERS:
            running.enter_context(_server(place, service))
        _wait(place, "keystone")
        with ThreadPoolExecutor(1) as beside:
            accounts = beside.submit(_make_accounts, place)
            for service in MAKERS:
                _wait(place, service)
            accounts.result()
        yield place


def connect(place: Place, user: str, project: str, password: str) -> Connection:
    """An unmodified client."""
    auth = Password(
        auth_url=place.auth_url,
        username=user,
        password=password,
        project_name=project,
        user_domain_id=DOMAIN,
        project_domain_id=DOMAIN,
    )
    return Connection(session=Session(auth=auth), region_name=REGION)


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def run(place: Place, service: str, program: str, *words: str) -> None:
    """A program of the environment of a service."""
    done = subprocess.run(
        [place.environments.program(service, program), *words],
        cwd=place.state(service),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SETUP_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(words[-2:])}: {done.stdout[-4000:]}"


def _database_url(name: str) -> str:
    """The URL as SQLAlchemy wants it."""
    url = urlsplit(empty_database(name))
    socket_folder = parse_qs(url.query).get("host", [unquote(url.hostname or "")])[0]
    who, _, port = url.netloc.rpartition("@")
    number = port.rpartition(":")[2]
    return (
        f"postgresql+psycopg2://{who or url.username or 'postgres'}@{url.path}"
        f"?host={socket_folder}" + (f"&port={number}" if number.isdigit() else "")
    )


def _prepare(place: Place, service: str, hosts: Sequence[str]) -> None:
    """Make the tables, and what must be there before the service starts."""
    configuration = ("--config-file", str(place.file(service)))
    if service == "neutron":
        url = place.databases["neutron"]
        run(place, service, "python", str(PROGRAMS / "make_neutron.py"), url, PHYSICAL, *hosts)
    elif service == "keystone":
        owner = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
        manage = ("keystone-manage", *configuration)
        run(place, service, *manage, "db_sync")
        run(place, service, *manage, "fernet_setup", *owner)
        run(place, service, *manage, "credential_setup", *owner)
        urls = [f"--bootstrap-{kind}-url" for kind in ("admin", "internal", "public")]
        run(
            *(place, service, *manage, "bootstrap", "--bootstrap-password", place.password),
            *(word for name in urls for word in (name, place.auth_url)),
            *("--bootstrap-region-id", REGION),
        )
    else:
        words = ("db", "sync") if service == "cinder" else ("db_sync",)
        run(place, service, f"{service}-manage", *configuration, *words)


@contextlib.contextmanager
def _server(place: Place, service: str) -> Iterator[None]:
    state = place.state(service)
    with (state / "output").open("wb") as output:
        process = subprocess.Popen(
            [
                place.environments.program(service, "gunicorn"),
                *("--workers", "1", "--threads", "8", "--timeout", "0", "--no-control-socket"),
                *("--bind", f"{HOST}:{place.ports[service]}"),
                f"run_{service}:application",
            ],
            cwd=state,
            env={
                **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                "CONFIGURATION": str(place.file(service)),
                "PYTHONPATH": str(PROGRAMS),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with(os.getpid()),  # noqa: PLW1509 - it does nothing else
        )
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(place: Place, service: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, place.ports[service])):
            break
        assert time.monotonic() < deadline, (place.state(service) / "output").read_text()[-4000:]
        time.sleep(0.1)
    url = f"{place.url(service)}/"
    Session().get(url, raise_exc=False, allow_redirects=False, timeout=START_SECONDS)


def _make_accounts(place: Place) -> None:
    """The services' own accounts, and the catalogue."""
    cloud = connect(place, ADMIN, ADMIN, place.password)
    identity = cloud.identity
    roles = {role.name: role.id for role in identity.roles()}
    project = identity.create_project(name=SERVICE_PROJECT, domain_id=DOMAIN)
    for name in (*TYPES, *OWN_NAMES):
        user = identity.create_user(name=name, password=place.password, domain_id=DOMAIN)
        for role in (ADMIN, SERVICE_PROJECT):
            identity.assign_project_role_to_user(project.id, user.id, roles[role])
    for name, kind in TYPES.items():
        publish(cloud, name, kind, f"{place.url(name)}{PATHS.get(name, '')}")
    cloud.close()


def publish(cloud: Connection, name: str, kind: str, url: str) -> None:
    """Put a service into the catalogue."""
    service = cloud.identity.create_service(name=name, type=kind)
    cloud.identity.create_endpoint(
        service_id=service.id, interface="public", region_id=REGION, url=url
    )
