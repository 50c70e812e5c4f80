"""A host in namespaces of its own: a process that does what it is told, line by line, and takes
everything with it when it ends. The site is a dictionary here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.agent.client import Client, SiteFailed
from servers.agent.network.bridges import Bridges
from servers.agent.network.commands import run
from servers.agent.network.devices import make_bridge
from servers.agent.settings import Settings

ASKED = ("staticroutes", "mtu", "hostname", "bootfile", "tftp", "ntpsrv", "dns")
SCRIPT = """#!/bin/sh
case "$1" in bound|renew)
  ip addr flush dev $interface scope global
  ip addr add $ip/$mask dev $interface
  [ -n "$mtu" ] && ip link set $interface mtu $mtu
  set -- $staticroutes
  while [ $# -ge 2 ]; do
    if [ "$2" = 0.0.0.0 ]; then ip route replace $1 dev $interface
    else ip route replace $1 via $2 dev $interface; fi
    shift 2
  done
esac
"""


class Site(Client):
    """What it says of networks and guests is told by ``tell``."""

    def __init__(self) -> None:
        super().__init__("http://site")
        self.networks: dict[str, dict[str, Any]] = {}
        self.guests: dict[str, dict[str, Any]] = {}
        self.passwords: dict[str, str] = {}
        self.away = False

    def get(self, path: str) -> Any:
        kind, _, rest = path.partition("/")
        found = {"networks": self.networks, "metadata": self.guests}[kind]
        key, _, version = rest.partition("?version=")
        if self.away:
            raise SiteFailed("it is away")
        if key not in found:
            raise SiteFailed("no such thing", 404)
        if version and version == found[key].get("version"):
            raise SiteFailed("unchanged", 304)
        return found[key]

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        self.passwords[path] = body["password"]
        return {}


class Host:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.site = Site()
        self.wires = Bridges(settings, self.site)
        self.guests: list[str] = []

    def do(self, what: str, told: Mapping[str, Any]) -> Any:
        return getattr(self, f"do_{what}")(**told)

    def do_network(self, told: dict[str, Any]) -> None:
        self.site.networks[told["id"]] = told

    def do_guest(self, server_id: str, told: dict[str, Any]) -> None:
        self.site.guests[server_id] = told

    def do_away(self, away: bool) -> None:
        self.site.away = away

    def do_passwords(self) -> Any:
        return self.site.passwords

    def do_facts(self) -> dict[str, Any]:
        return self.wires.facts()

    def do_missing(self) -> list[str]:
        return self.wires.missing()

    def do_plug(self, server_id: str, nic: dict[str, Any]) -> Any:
        """The tap is a pair that leads into a namespace, which stands for the guest."""
        began = time.monotonic()
        plugged = self.wires.plug(server_id, nic)
        seconds = time.monotonic() - began
        guest = f"guest-{nic['port_id']}"
        self.sh(f"ip netns add {guest}")
        self.sh(
            f"ip link add {plugged.tap} type veth peer name eth0 netns {guest}"
            f" && ip -n {guest} link set eth0 address {nic['mac']} mtu {plugged.mtu}"
            f" && ip -n {guest} link set lo up && ip -n {guest} link set eth0 up"
            f" && ip link set {plugged.tap} mtu {plugged.mtu} master {plugged.bridge} up"
        )
        self.guests.append(guest)
        return seconds

    def do_unplug(self, server_id: str, port_id: str) -> None:
        self.sh(f"ip netns delete guest-{port_id}")
        self.wires.unplug(server_id, port_id)

    def do_update(self, network_id: str) -> float:
        began = time.monotonic()
        self.wires.update(network_id)
        return time.monotonic() - began

    def do_restart(self) -> None:
        """The agent ends and begins again."""
        self.wires.stop()
        site = self.site
        self.wires = Bridges(self.settings, site)
        self.wires.resume()

    def do_uplink(self, name: str, device: str, address: str) -> None:
        make_bridge(name, 1500)
        self.sh(f"ip link set {device} master {name} up && ip addr add {address} dev {name}")

    def do_sh(self, command: str, guest: str = "", seconds: float = 20.0) -> Any:
        """Status and output of a command, on the host or in a guest."""
        words = ["ip", "netns", "exec", f"guest-{guest}"] if guest else []
        done = subprocess.run(
            [*words, "sh", "-c", command],
            text=True,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def do_dhcp(self, guest: str) -> Any:
        path = Path(self.settings.state_dir) / "udhcpc.sh"
        path.write_text(SCRIPT)
        path.chmod(0o755)
        command = f"busybox udhcpc -i eth0 -n -q -f -t 5 -T 1 -O staticroutes -O mtu -s {path}"
        return self.do_sh(command, guest)

    def do_leased(self, guest: str) -> dict[str, str]:
        """All that DHCP tells the guest, which leaves its NIC as it is."""
        script, told = (Path(self.settings.state_dir) / name for name in ("tell.sh", "told"))
        script.write_text(f'#!/bin/sh\n[ "$1" = bound ] && env >{told}\nexit 0\n')
        script.chmod(0o755)
        asked = " ".join(f"-O {name}" for name in ASKED)
        command = f"busybox udhcpc -i eth0 -n -q -f -t 5 -T 1 {asked} -s {script}"
        status, text = self.do_sh(command, guest)
        assert status == 0, text
        return dict(line.split("=", 1) for line in told.read_text().splitlines() if "=" in line)

    def do_dhcp6(self, guest: str, mac: str, only_asks: bool = False) -> dict[str, str | None]:
        words = [sys.executable, "-m", "tests.guests.dhcp6", mac, *(["ask"] if only_asks else [])]
        status, text = self.do_sh(shlex.join(words), guest)
        assert status == 0, text
        return dict(json.loads(text))

    def sh(self, command: str) -> None:
        status, text = self.do_sh(command)
        assert status == 0, f"{command}: {text}"


def say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    told = json.loads(sys.argv[1])
    # the names of namespaces are files, which are this host's alone
    for folder in ("/run", "/var/run"):
        if not Path(folder).is_symlink():
            run("mount", "-t", "tmpfs", "tmpfs", folder)
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    Path("/run/netns").mkdir(exist_ok=True)
    run("ip", "link", "set", "lo", "up")
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Settings(site="http://site", hypervisor="pretend", state_dir=folder, **told))
        say("ready")
        for line in sys.stdin:
            what, arguments = json.loads(line)
            try:
                answer = {"ok": host.do(what, arguments)}
            except Exception as error:  # noqa: BLE001 - the test is told
                answer = {"failed": f"{type(error).__name__}: {error}"}
            say(answer)
        host.wires.stop()


if __name__ == "__main__":
    try:
        main()
    finally:
        # this is process 1 of its namespace: what it leaves is killed by the kernel
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGTERM)
