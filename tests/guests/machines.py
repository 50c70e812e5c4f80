"""Two hosts on one machine: network and mount namespaces, each with an agent, a libvirtd that the
agent has started, and certificates for that and for QEMU.

A host is reached from the site's side by a pair of virtual network cards and a bridge. When it
ends, every program with its host name (its UTS namespace) ends.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from servers.agent.hypervisor.libvirt.own_daemon import OwnDaemon

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PYTHON = "/usr/bin/python3"
"""Debian's, which has Debian's library of libvirt; the agent needs nothing else."""
START_SECONDS = 90
INSIDE = """set -e
hostname {name}
mkdir -p /run/netns
mount -t tmpfs netns /run/netns
mount --bind {folder}/hosts /etc/hosts
mount -t tmpfs volumes {volumes}
touch {folder}/ready
exec sleep infinity
"""


def run(*words: str, check: bool = True, **environment: str) -> str:
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0 or not check, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def wait_until(
    condition: Callable[[], Any], *, told: Callable[[], object], seconds: float = START_SECONDS
) -> Any:
    """What it gave at last; ``told`` says what there is when it does not come true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)
    return value


class Bridge:
    """Where the hosts and the site meet. ``prefix`` is that of a /24 network."""

    def __init__(self, number: int) -> None:
        self.name = f"gsb{number}"
        self.prefix = f"10.{200 + number // 250 % 50}.{number % 250}"
        self.address = f"{self.prefix}.1"

    def make(self) -> None:
        run("ip", "link", "add", "name", self.name, "type", "bridge")
        run("ip", "addr", "add", f"{self.address}/24", "dev", self.name)
        run("ip", "link", "set", self.name, "up")

    def remove(self) -> None:
        run("ip", "link", "delete", self.name, check=False)


@dataclasses.dataclass
class Host:
    """``number`` is its place among the hosts, from 1."""

    number: int
    bridge: Bridge
    folder: Path
    machine: subprocess.Popen[bytes] | None = None
    """Which has the namespaces, and does nothing."""
    agent: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"host{self.number}"

    @property
    def address(self) -> str:
        return f"{self.bridge.prefix}.{10 + self.number}"

    @property
    def volumes(self) -> Path:
        """The site's folder, of which a host sees nothing."""
        return self.folder.parent / "volumes"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def uri(self) -> str:
        return OwnDaemon(self.state).uri

    def start(self) -> None:
        self.folder.mkdir(parents=True)
        names = f"127.0.0.1 localhost\n{self.address} {self.name}\n"  # else libvirtd asks in vain
        (self.folder / "hosts").write_text(names)
        inside = INSIDE.format(name=self.name, folder=self.folder, volumes=self.volumes)
        with (self.folder / "machine.out").open("wb") as out:
            self.machine = subprocess.Popen(
                ["/usr/bin/unshare", "-m", "-u", "-n", "bash", "-c", f"read -r _; {inside}"],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
            )
        self._plug()
        assert self.machine.stdin is not None
        self.machine.stdin.write(b"\n")
        self.machine.stdin.close()
        wait_until((self.folder / "ready").exists, told=(self.folder / "machine.out").read_text)

    def inside(self, *words: str) -> list[str]:
        """The command in the namespaces of the host."""
        assert self.machine is not None
        return ["nsenter", "-t", str(self.machine.pid), "-m", "-u", "-n", "--", *words]

    def run(self, *words: str, check: bool = True) -> str:
        return run(*self.inside(*words), check=check)

    def virsh(self, *words: str, check: bool = True) -> str:
        return self.run("virsh", "-c", self.uri, *words, check=check)

    # the agent

    def join(self, site: str, token: str, **settings: Any) -> None:
        words = ("--site", site, "--token", token, "--plain-http")
        self._agent("join", "--hypervisor", "libvirt", *words, **self._own(settings))

    def start_agent(self) -> None:
        with (self.folder / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                self.inside(PYTHON, "-m", "servers.agent", "run", *self._where()),
                env=ENVIRONMENT,
                stdout=log,
                stderr=log,
            )

    def set(self, **settings: Any) -> None:
        """Let the agent begin anew with these."""
        self.stop_agent()
        path = self.state / "agent.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
        self.start_agent()

    def kill_agent(self) -> None:
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait(10)

    def stop_agent(self) -> None:
        if self.agent is not None and self.agent.poll() is None:
            self.agent.terminate()
            try:
                self.agent.wait(45)
            except subprocess.TimeoutExpired:
                self.agent.kill()
                self.agent.wait(10)

    def agent_log(self) -> str:
        path = self.folder / "agent.log"
        return path.read_text(errors="replace")[-6000:] if path.exists() else ""

    def end(self) -> None:
        """All that runs in its UTS namespace: guests, and what serves their networks too, which has
        mount and network namespaces of its own.
        """
        self.stop_agent()
        if self.machine is None or self.machine.poll() is not None:
            return
        mine = Path(f"/proc/{self.machine.pid}/ns/uts").stat().st_ino
        for pid in processes_in(mine):
            kill(pid)
        self.machine.wait(20)

    # steps

    def _own(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {
            "own_libvirtd": "true",
            "accel": "tcg",
            "network": "bridge",
            "tunnel_address": self.address,
            "network_run_dir": str(self.folder / "agent-run"),
            "idle_seconds": 0.1,
            "watch_seconds": 0.5,
            "console_listen": f"{self.address}:6090",
            "migration_address": self.address,
            **settings,
        }

    def _where(self) -> tuple[str, ...]:
        return ("--state-dir", str(self.state))

    def _agent(self, command: str, *words: str, **settings: Any) -> str:
        """Settings are read before the host joins, too."""
        self.state.mkdir(parents=True, exist_ok=True)
        given = [f"--set={key}={value}" for key, value in settings.items()]
        program = (PYTHON, "-m", "servers.agent", command)
        done = subprocess.run(
            self.inside(*program, *words, *self._where(), *given),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _plug(self) -> None:
        """A cable between the bridge and the host's card ``uplink``."""
        assert self.machine is not None
        pid = self.machine.pid
        own = Path("/proc/self/ns/net").stat().st_ino
        wait_until(
            lambda: Path(f"/proc/{pid}/ns/net").stat().st_ino != own, told=lambda: "no namespace"
        )
        cable = f"{self.bridge.name}h{self.number}"
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "uplink", "netns", str(pid))
        run("ip", "link", "set", cable, "master", self.bridge.name)
        run("ip", "link", "set", cable, "up")
        into = ("nsenter", "-t", str(pid), "-n", "--")
        run(*into, "ip", "link", "set", "lo", "up")
        run(*into, "ip", "addr", "add", f"{self.address}/24", "dev", "uplink")
        run(*into, "ip", "link", "set", "uplink", "up")
        run(*into, "ip", "route", "add", "default", "via", self.bridge.address)


def processes_in(namespace: int) -> list[int]:
    """Those whose UTS namespace it is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/uts"):
        try:
            if path.stat().st_ino == namespace:
                found.append(int(path.parts[2]))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def lacking() -> Sequence[str]:
    """Programs that these tests need and the machine has not."""
    programs = ("qemu-system-x86_64", "qemu-img", "libvirtd", "virsh", "tgtd")
    tools = ("ip", "nsenter", "unshare")
    return [program for program in (*programs, *tools) if shutil.which(program) is None]
