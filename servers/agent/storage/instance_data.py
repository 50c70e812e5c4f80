"""What a guest may know of itself, in the shapes of OpenStack's and EC2's metadata."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

ROOT_DEVICE = "/dev/vda"
LONGEST_PATH = 255


def meta_data_of(guest: Mapping[str, Any]) -> dict[str, Any]:
    """``meta_data.json``."""
    known: dict[str, Any] = {
        "uuid": guest["server_id"],
        "name": guest.get("name") or guest["hostname"],
        "hostname": guest["hostname"],
        "launch_index": int(guest.get("launch_index") or 0),
        "availability_zone": guest.get("availability_zone"),
        "project_id": guest.get("project_id"),
        "meta": dict(guest.get("metadata") or {}),
        "devices": _devices(guest),
    }
    if guest.get("key_data"):
        name = str(guest.get("key_name") or "key")
        known["public_keys"] = {name: guest["key_data"]}
        known["keys"] = [{"name": name, "type": "ssh", "data": guest["key_data"]}]
    if guest.get("admin_password"):
        known["admin_pass"] = guest["admin_password"]
    return {key: value for key, value in known.items() if value is not None}


def network_data_of(guest: Mapping[str, Any]) -> dict[str, Any]:
    """``network_data.json``: links, networks and services (DNS)."""
    links: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    servers: list[str] = []
    for nic in guest.get("nics") or ():
        link = f"tap{str(nic['port_id'])[:11]}"
        links.append(
            {
                "id": link,
                "type": "bridge",
                "ethernet_mac_address": nic["mac"],
                "vif_id": nic["port_id"],
                "mtu": nic.get("mtu"),
            }
        )
        for subnet in nic.get("subnets") or ():
            name = f"network{len(networks)}"
            networks.extend(_networks(name, link, nic, subnet))
            servers.extend(subnet.get("dns") or ())
    services = [{"type": "dns", "address": address} for address in dict.fromkeys(servers)]
    return {"links": links, "networks": networks, "services": services}


def vendor_data_of(guest: Mapping[str, Any]) -> dict[str, Any]:
    """``vendor_data.json``: what the site sends for all guests."""
    return dict(guest.get("vendor_data") or {})


def ec2_of(guest: Mapping[str, Any]) -> dict[str, Any]:
    """``ec2/…/meta-data.json``."""
    addresses = [
        address
        for nic in guest.get("nics") or ()
        for subnet in nic.get("subnets") or ()
        if subnet.get("version") == 4
        for address in subnet.get("addresses") or ()
    ]
    known: dict[str, Any] = {
        "instance-id": guest["server_id"],
        "hostname": guest["hostname"],
        "local-hostname": guest["hostname"],
        "local-ipv4": addresses[0] if addresses else "",
        "instance-type": (guest.get("flavor") or {}).get("name", ""),
        "ami-launch-index": int(guest.get("launch_index") or 0),
        "block-device-mapping": {"ami": ROOT_DEVICE.removeprefix("/dev/"), "root": ROOT_DEVICE},
    }
    if guest.get("key_data"):
        name = str(guest.get("key_name") or "key")
        known["public-keys"] = {"0": {"openssh-key": guest["key_data"], "_name": f"0={name}"}}
    return known


def is_path(path: str) -> bool:
    """Can a file be injected there?"""
    return 0 < len(path) <= LONGEST_PATH and "\0" not in path and ".." not in path.split("/")


def _devices(guest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that a guest finds by a tag."""
    found: list[dict[str, Any]] = [
        {
            "type": "disk",
            "bus": "virtio",
            "address": "none",
            "serial": disk["volume_id"],
            "path": disk.get("device_name"),
            "tags": [disk["tag"]],
        }
        for disk in guest.get("disks") or ()
        if disk.get("tag") and disk.get("volume_id")
    ]
    found += [
        {"type": "nic", "bus": "none", "address": "none", "mac": nic["mac"], "tags": [nic["tag"]]}
        for nic in guest.get("nics") or ()
        if nic.get("tag")
    ]
    return found


def _networks(
    name: str, link: str, nic: Mapping[str, Any], subnet: Mapping[str, Any]
) -> list[dict[str, Any]]:
    version = int(subnet["version"])
    known = {"id": name, "link": link, "network_id": nic["network_id"]}
    if subnet.get("dhcp"):
        return [{**known, "type": f"ipv{version}_dhcp"}]
    cidr = ipaddress.ip_network(str(subnet["cidr"]), strict=False)
    return [
        {
            **known,
            "type": f"ipv{version}",
            "ip_address": address,
            "netmask": str(cidr.netmask),
            "routes": _routes(version, subnet),
        }
        for address in subnet.get("addresses") or ()
    ]


def _routes(version: int, subnet: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    everywhere = "0.0.0.0/0" if version == 4 else "::/0"
    given = [*(subnet.get("routes") or ())]
    if subnet.get("gateway"):
        given.append((everywhere, subnet["gateway"]))
    return [
        {
            "network": str(network.network_address),
            "netmask": str(network.netmask),
            "gateway": str(hop),
        }
        for destination, hop in given
        for network in (ipaddress.ip_network(str(destination), strict=False),)
    ]
