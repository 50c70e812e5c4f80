"""A site and two hosts that run guests in emulation, and what tests do with them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest
from openstack.compute.v2.server import Server
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import NotFoundException

from compute_site.quickstart.guests.image import make_image
from servers.agent.network.names import router_space
from tests.guests.machines import ROOT, START_SECONDS, Bridge, Host, lacking, run, wait_until
from tests.guests.serial import SerialLine

HERE = Path(__file__).parent
IMAGE_FOLDER = ROOT / "var" / "guest-image"
NETWORK = "7b1d8a30-1f6e-4f6b-8a55-3c2e4b9d2001"
ROUTER = "5b0c7e2d-84f1-4a36-9d15-2f6a0c9b6001"
"""Those of the cloud: the network ``private`` and its router."""
CONSOLE_PROXIES = [
    {"type": "novnc", "url": "http://proxy.invalid/vnc_auto.html"},
    {"type": "serial", "url": "http://proxy.invalid/serial.html"},
]
GUEST_SECONDS = 240
MICROVERSION = "2.90"
MARKS = [
    pytest.mark.guests,
    # the SDK's about its own future
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class TargetServer:
    """What serves volumes to the hosts, beside the site."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        with (self.state / "volume_target.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "volume_target"],
                cwd=ROOT,
                env=environment_of(self.state),
                stdout=log,
                stderr=log,
            )

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@dataclasses.dataclass
class World:
    site: str
    folder: Path
    hosts: list[Host]
    image: Path
    state: Path
    target: TargetServer
    passwords: dict[str, str] = dataclasses.field(default_factory=dict)
    """Of the administrators of the guests, by server."""

    @functools.cached_property
    def demo(self) -> Connection:
        return self.connect("demo")

    @functools.cached_property
    def admin(self) -> Connection:
        return self.connect("admin")

    def connect(self, name: str) -> Connection:
        config = OpenStackConfig(config_files=[str(self.state / "clouds.yaml")], load_envvars=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the SDK about its own ways of measuring
            connection = Connection(config=config.get_one(cloud=name))
        connection.compute.default_microversion = MICROVERSION
        return connection

    # what the tests do

    @functools.cached_property
    def key(self) -> Path:
        path = self.folder / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
        self.demo.compute.create_keypair(
            name="key", public_key=path.with_suffix(".pub").read_text().strip()
        )
        return path

    @functools.cached_property
    def image_id(self) -> str:
        """The small guest, uploaded."""
        image = self.demo.create_image(
            "guest",
            filename=str(self.image),
            disk_format="qcow2",
            container_format="bare",
            wait=True,
        )
        return str(image.id)

    def create(self, name: str, *, flavor: str = "tiny", **more: Any) -> Server:
        """With the microversion that still takes files (2.56)."""
        assert self.key.exists()
        body = {
            "name": name,
            "flavorRef": self.demo.compute.find_flavor(flavor, ignore_missing=False).id,
            "key_name": "key",
            "networks": [{"uuid": NETWORK}],
            "security_groups": [{"name": "open"}],
            **({} if "block_device_mapping_v2" in more else {"imageRef": self.image_id}),
            **more,
        }
        answer = self.demo.compute.post("/servers", json={"server": body}, microversion="2.56")
        assert answer.status_code == 202, answer.text
        server = Server(**answer.json()["server"])
        self.passwords[server.id] = str(answer.json()["server"]["adminPass"])
        return server

    def until(self, server: Server, status: str, *, seconds: float = GUEST_SECONDS) -> Server:
        """The server, once it has the status and nothing is going on with it."""

        def look() -> Server | None:
            found = self.admin.compute.get_server(server.id)
            assert found.status != "ERROR" or status == "ERROR", found.fault
            return found if (found.status, found.task_state) == (status, None) else None

        return wait_until(look, told=lambda: self.tell(server), seconds=seconds)

    def until_says(self, server: Server, text: str, *, times: int = 1) -> str:
        """Its console log, once it has said that so often."""

        def look() -> str | None:
            log = self.console(server)
            return log if len(re.findall(text, log)) >= times else None

        return str(wait_until(look, told=lambda: self.tell(server), seconds=GUEST_SECONDS))

    def console(self, server: Server) -> str:
        return str(self.demo.compute.get_server_console_output(server.id)["output"] or "")

    def ssh(self, server: Server, command: str) -> str:
        """What the command prints in the guest; asked from the namespace of its router."""
        space = ("ip", "netns", "exec", router_space(ROUTER))
        trust = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
        quick = ("-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes")
        login = f"root@{self.address_of(server)}"
        words = (*space, "ssh", "-i", str(self.key), *trust, *quick, login, command)
        return self.host_of(server).run(*words).strip()

    def address_of(self, server: Server) -> str:
        found = self.demo.compute.get_server(server.id)
        return str(next(iter(found.addresses.values()))[0]["addr"])

    def serial(self, server: Server) -> SerialLine:
        """A shell in the guest; its server was made by ``create``."""
        path = self.host_of(server).state / "libvirt" / server.id / "serial.sock"
        return SerialLine(path, self.passwords[server.id])

    def act(
        self,
        server: Server,
        *,
        who: Connection | None = None,
        microversion: str = MICROVERSION,
        **action: Any,
    ) -> Any:
        """An action of the owner, or of ``who``; what is answered."""
        path = f"/servers/{server.id}/action"
        connection = who or self.demo
        answer = connection.compute.post(path, json=action, microversion=microversion)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def boots(self, server: Server) -> int:
        return self.console(server).count("guest: boots=")

    def until_boots(self, server: Server, *, before: int) -> None:
        """It has started once more, and is ready."""
        self.until_says(server, "guest: ready", times=before + 1)

    def from_router(self, server: Server, *words: str, check: bool = True) -> str:
        """The output of a command in the namespace of the router on the host of the server."""
        return self.host_of(server).run(
            "ip", "netns", "exec", router_space(ROUTER), *words, check=check
        )

    def attach(self, server: Server, volume_id: str) -> None:
        self.demo.compute.create_volume_attachment(server.id, volume_id=volume_id)
        self._until_volume(volume_id, "in-use")

    def detach(self, server: Server, volume_id: str) -> None:
        self.demo.compute.delete_volume_attachment(server.id, volume_id)
        self._until_volume(volume_id, "available")

    def _until_volume(self, volume_id: str, status: str) -> None:
        def look() -> str:
            return str(self.demo.block_storage.get_volume(volume_id).status)

        wait_until(lambda: look() == status, told=look)

    def host_of(self, server: Server) -> Host:
        name = self.admin.compute.get_server(server.id).compute_host
        return next(host for host in self.hosts if host.name == name)

    def other_host(self, server: Server) -> Host:
        mine = self.host_of(server)
        return next(host for host in self.hosts if host is not mine)

    def delete(self, server: Server) -> None:
        with contextlib.suppress(NotFoundException):
            self.admin.compute.delete_server(server.id, force=True)
            self.admin.compute.wait_for_delete(server, interval=0.2, wait=60)

    def tell(self, server: Server) -> str:
        """What one wants to know when a test fails."""
        found = self.admin.compute.get_server(server.id)
        words = [f"{found.status}/{found.task_state} on {found.compute_host}: {found.fault}"]
        with contextlib.suppress(Exception):
            words.append(self.console(server)[-1500:])
        for host in self.hosts:
            words += [f"-- {host.name}", host.agent_log()[-3000:]]
            words.append(host.virsh("list", "--all", check=False))
        return "\n".join(words)


@contextlib.contextmanager
def a_world() -> Iterator[World]:
    """Raises ``AssertionError`` where the machine lacks what it takes."""
    lacks = lacking()
    assert not lacks, f"not installed: {', '.join(lacks)} (docs/guests.md names the packages)"
    assert os.geteuid() == 0, "only root can make hosts of namespaces"
    folder = Path(tempfile.mkdtemp(prefix="csg", dir="/tmp"))
    folder.chmod(0o711)  # PostgreSQL runs as another user
    bridge = Bridge(os.getpid())
    hosts = [Host(number, bridge, folder / f"h{number}") for number in (1, 2)]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as side:
        image = side.submit(make_image, IMAGE_FOLDER)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bridge.make()
        stack.callback(bridge.remove)
        state = folder / "site"
        site = stack.enter_context(site_at(bridge.address, state))
        target = stack.enter_context(TargetServer(state))
        for host in hosts:
            stack.callback(host.end)
        list(side.map(lambda host: take_in(host, state, site), hosts))
        made = World(site, folder, hosts, image.result(), state, target)
        wait_until(lambda: are_up(made), told=hosts[0].agent_log)
        yield made


def take_in(host: Host, state: Path, site: str) -> None:
    """Let the host begin, and join the site."""
    host.start()
    line = manage(state, "add_host", host.name, "--site", site, "--plain-http")
    token = re.search(r"JOIN_TOKEN=(\S+)", line)
    assert token is not None, line
    host.join(site, token[1])
    host.start_agent()


def are_up(world: World) -> bool:
    services = world.admin.compute.services(binary="nova-compute")
    return {one.host for one in services if one.state == "up"} == {one.name for one in world.hosts}


@contextlib.contextmanager
def site_at(address: str, state: Path) -> Iterator[str]:
    state.mkdir()
    (state.parent / "volumes").mkdir()
    (state.parent / "vendor.json").write_text('{"told": "to all"}')
    log = state / "quickstart.log"
    words = ["quickstart", "--host", address, "--port", "8774", "--no-first-server"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words, "--cloud", str(HERE / "cloud.yaml")],
            cwd=ROOT,
            env=environment_of(state),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or "Ctrl-C ends everything" in log.read_text(),
            told=log.read_text,
            seconds=2 * START_SECONDS,
        )
        assert process.poll() is None, log.read_text()
        yield f"http://{address}:8774"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def manage(state: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment_of(state),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment_of(state: Path) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    mine.pop("DATABASE_URL", None)
    return {
        **mine,
        "COMPUTE_SITE_STATE_DIR": str(state),
        "COMPUTE_SITE_VOLUME_FOLDER": str(state.parent / "volumes"),
        "COMPUTE_SITE_VOLUME_EXPORT": "iscsi",
        "COMPUTE_SITE_VOLUME_PORTAL": f"{Bridge(os.getpid()).address}:3260",
        "COMPUTE_SITE_VOLUME_TARGET_DIR": str(state.parent / "target"),
        "COMPUTE_SITE_VENDOR_DATA_FILE": str(state.parent / "vendor.json"),
        "COMPUTE_SITE_CONSOLE_PROXIES": json.dumps(CONSOLE_PROXIES),
    }
