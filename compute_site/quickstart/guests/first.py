"""The first guest: its image is uploaded, its server created, and its owner logs in, all by the
APIs that everybody has.
"""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from compute_site.quickstart.start import Client, QuickstartError

IMAGE = "small-guest"
KEY = "first-guest"
GROUP = "ssh-and-ping"
SERVER = "first-guest"
NETWORK = "private"
OUTER_NETWORK = "public"
FLAVOR = "m1.tiny"
ZONE = "nova"
OPEN = (
    {"direction": "ingress", "ethertype": "IPv4", "protocol": "icmp"},
    {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 22,
    },
)
BUILD_SECONDS = 120
LOGIN_SECONDS = 180
"""An emulated guest on a busy machine takes a minute."""
LOOK_SECONDS = 0.25
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Guest:
    """``before`` leads a command to where its address is known."""

    address: str
    key: Path
    before: tuple[str, ...]

    @property
    def login(self) -> tuple[str, ...]:
        """The command by which its owner logs in. The guest's host key is made at its first boot,
        so that nobody can know it before.
        """
        trust = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
        quiet = ("-o", "LogLevel=ERROR")
        return (*self.before, "ssh", "-i", str(self.key), *trust, *quiet, f"root@{self.address}")


def first_guest(
    client: Client, image: Path, folder: Path, *, before: tuple[str, ...], say: Say
) -> Guest:
    """Make the first guest, or find that of an earlier run, and log in to it. ``before`` is that of
    ``Guest``.

    Raises:
        QuickstartError: it does not come; the text says why.
    """
    key = _make_key(client, folder)
    server = _find_server(client)
    if server is None:
        image_id = _upload(client, image, say)
        server = _create(client, image_id, say)
    else:
        say(f"    server {SERVER} is there from an earlier run: {server['status']}")
    began = time.monotonic()
    server = _until_active(client, str(server["id"]), began, say)
    guest = Guest(_address_of(client, server), key, before)
    say(f"    {time.monotonic() - began:5.1f} s  it boots; waiting for a login by SSH")
    _until_login(client, str(server["id"]), guest)
    say(f"    {time.monotonic() - began:5.1f} s  {' '.join(guest.login)} works")
    return guest


def _make_key(client: Client, folder: Path) -> Path:
    path = folder / "key"
    if not path.exists():
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", KEY, "-f", str(path))
        subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - words of ours
    public = path.with_suffix(".pub").read_text(encoding="ascii").strip()
    _, found = client.request("GET", "/compute/v2.1/os-keypairs")
    known = {one["keypair"]["name"]: one["keypair"]["public_key"] for one in found["keypairs"]}
    if known.get(KEY, public) != public:
        client.request("DELETE", f"/compute/v2.1/os-keypairs/{KEY}")
        del known[KEY]
    if KEY not in known:
        body = {"keypair": {"name": KEY, "public_key": public, "type": "ssh"}}
        client.request("POST", "/compute/v2.1/os-keypairs", body)
    return path


def _find_server(client: Client) -> dict[str, Any] | None:
    """One that failed is deleted, and another is made."""
    _, found = client.request("GET", f"/compute/v2.1/servers/detail?name=^{SERVER}$")
    for server in found["servers"]:
        if server["status"] != "ERROR":
            return dict(server)
        client.request("DELETE", f"/compute/v2.1/servers/{server['id']}")
    return None


def _upload(client: Client, image: Path, say: Say) -> str:
    """The image, unless the one that is there has the same data."""
    digest = hashlib.sha512(image.read_bytes()).hexdigest()
    _, found = client.request("GET", f"/image/v2/images?name={IMAGE}&status=active")
    for known in found["images"]:
        if known["os_hash_value"] == digest:
            return str(known["id"])
    body = {
        "name": IMAGE,
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": 1,
        "min_ram": 128,
        "hw_rng_model": "virtio",
    }
    _, made = client.request("POST", "/image/v2/images", body)
    client.upload(f"/image/v2/images/{made['id']}/file", image)
    say(f"    image {IMAGE} is uploaded, {image.stat().st_size >> 20} MiB")
    return str(made["id"])


def _create(client: Client, image_id: str, say: Say) -> dict[str, Any]:
    server = {
        "name": SERVER,
        "flavorRef": _find(client, "/compute/v2.1/flavors", "flavors", FLAVOR),
        "imageRef": image_id,
        "networks": [{"uuid": _find(client, "/network/v2.0/networks", "networks", NETWORK)}],
        "key_name": KEY,
        "security_groups": [{"name": _open_group(client)}],
        "availability_zone": ZONE,
    }
    _, created = client.request("POST", "/compute/v2.1/servers", {"server": server})
    say(f"    POST /servers accepted it: {created['server']['id']}")
    return dict(created["server"])


def _open_group(client: Client) -> str:
    """The id of a group that lets SSH and ping in."""
    path = "/network/v2.0/security-groups"
    _, found = client.request("GET", f"{path}?name={GROUP}")
    if found["security_groups"]:
        return str(found["security_groups"][0]["id"])
    _, made = client.request("POST", path, {"security_group": {"name": GROUP}})
    group_id = str(made["security_group"]["id"])
    rules = [{**rule, "security_group_id": group_id} for rule in OPEN]
    client.request("POST", "/network/v2.0/security-group-rules", {"security_group_rules": rules})
    return group_id


def _until_active(client: Client, server_id: str, began: float, say: Say) -> dict[str, Any]:
    seen = ""
    path = f"/compute/v2.1/servers/{server_id}"
    while time.monotonic() - began < BUILD_SECONDS:
        _, body = client.request("GET", path)
        server: dict[str, Any] = body["server"]
        task = server["OS-EXT-STS:task_state"]
        state = " / ".join(filter(None, (server["status"], task)))
        if state != seen:
            say(f"    {time.monotonic() - began:5.1f} s  {state}")
            seen = state
        if server["status"] == "ERROR":
            raise QuickstartError(f"The first guest failed: {server['fault']['message']}")
        if server["status"] == "ACTIVE" and task is None:
            return server
        if server["status"] == "SHUTOFF" and task is None:
            client.request("POST", f"{path}/action", {"os-start": None})
        time.sleep(LOOK_SECONDS)
    raise QuickstartError(f"The first guest is not ACTIVE after {BUILD_SECONDS} s.")


def _address_of(client: Client, server: dict[str, Any]) -> str:
    """A floating IP, by which this machine reaches it."""
    listed = [one for addresses in server["addresses"].values() for one in addresses]
    known = [one["addr"] for one in listed if one["OS-EXT-IPS:type"] == "floating"]
    if known:
        return str(known[0])
    _, found = client.request("GET", f"/network/v2.0/ports?device_id={server['id']}")
    network = _find(client, "/network/v2.0/networks", "networks", OUTER_NETWORK)
    floating = {"floating_network_id": network, "port_id": found["ports"][0]["id"]}
    _, made = client.request("POST", "/network/v2.0/floatingips", {"floatingip": floating})
    return str(made["floatingip"]["floating_ip_address"])


def _until_login(client: Client, server_id: str, guest: Guest) -> None:
    words = [*guest.login, "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "true"]
    deadline = time.monotonic() + LOGIN_SECONDS
    while True:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise QuickstartError(
                f"No login to the first guest after {LOGIN_SECONDS} s: {done.stderr.strip()}\n"
                f"The last of its console:\n{_console_of(client, server_id)}"
            )
        time.sleep(LOOK_SECONDS)


def _console_of(client: Client, server_id: str) -> str:
    body = {"os-getConsoleOutput": {"length": 12}}
    _, told = client.request("POST", f"/compute/v2.1/servers/{server_id}/action", body)
    return str(told["output"])


def _find(client: Client, path: str, key: str, name: str) -> str:
    """The id of what has this name."""
    _, found = client.request("GET", path)
    ids: Sequence[str] = [str(one["id"]) for one in found[key] if one["name"] == name]
    if not ids:
        raise QuickstartError(
            f"The cloud has no {name} among its {key}, as the demo cloud has; the first guest "
            "needs one (--no-first-server starts without it)."
        )
    return ids[0]
