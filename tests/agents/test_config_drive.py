"""What is on a guest's config drive."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from servers.agent.failures import GuestFailed
from servers.agent.storage.config_drive import drive_files

ANYWHERE = "0.0.0.0"  # noqa: S104 - a route
NIC = {
    "port_id": "0b1d7c2e-64d7-4d0a-bb52-7a30f6e1d0aa",
    "network_id": "net",
    "mac": "fa:16:3e:00:00:01",
    "mtu": 1450,
    "subnets": [
        {
            "version": 4,
            "cidr": "10.0.0.0/24",
            "gateway": "10.0.0.1",
            "dhcp": False,
            "dns": ["10.0.0.2"],
            "routes": [["192.0.2.0/24", "10.0.0.9"]],
            "addresses": ["10.0.0.5"],
        }
    ],
}


def a_guest(**more: Any) -> dict[str, Any]:
    return {
        "server_id": "5b1d7c2e-64d7-4d0a-bb52-7a30f6e1d001",
        "hostname": "one",
        "flavor": {"name": "m1.tiny"},
        "metadata": {"role": "web"},
        "nics": [NIC],
        "key_data": "ssh-ed25519 AAAA me",
        "admin_password": "sesame",
        **more,
    }


def read(files: dict[str, bytes], path: str) -> Any:
    return json.loads(files[path])


def test_it_tells_who_the_guest_is() -> None:
    meta = read(drive_files(a_guest()), "openstack/latest/meta_data.json")

    assert meta["uuid"] == "5b1d7c2e-64d7-4d0a-bb52-7a30f6e1d001"
    assert (meta["hostname"], meta["admin_pass"]) == ("one", "sesame")
    assert meta["meta"] == {"role": "web"}
    assert meta["public_keys"] == {"key": "ssh-ed25519 AAAA me"}


def test_an_address_without_dhcp_is_told_whole() -> None:
    network = read(drive_files(a_guest()), "openstack/latest/network_data.json")

    assert network["links"] == [
        {
            "id": "tap0b1d7c2e-64",
            "type": "bridge",
            "ethernet_mac_address": "fa:16:3e:00:00:01",
            "vif_id": NIC["port_id"],
            "mtu": 1450,
        }
    ]
    assert network["networks"] == [
        {
            "id": "network0",
            "link": "tap0b1d7c2e-64",
            "network_id": "net",
            "type": "ipv4",
            "ip_address": "10.0.0.5",
            "netmask": "255.255.255.0",
            "routes": [
                {"network": "192.0.2.0", "netmask": "255.255.255.0", "gateway": "10.0.0.9"},
                {"network": ANYWHERE, "netmask": ANYWHERE, "gateway": "10.0.0.1"},
            ],
        }
    ]
    assert network["services"] == [{"type": "dns", "address": "10.0.0.2"}]


def test_a_later_version_has_more_files() -> None:
    files = drive_files(a_guest())

    def names(version: str) -> set[str]:
        return {path.split("/")[-1] for path in files if path.startswith(f"openstack/{version}/")}

    assert names("2012-08-10") == {"meta_data.json"}
    assert names("2015-10-15") == {"meta_data.json", "vendor_data.json", "network_data.json"}
    assert names("latest") == names("2015-10-15") | {"vendor_data2.json"}


def test_user_data_and_files_are_there_as_bytes() -> None:
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    motd = {"path": "/etc/motd", "contents": base64.b64encode(b"hello").decode()}

    files = drive_files(a_guest(user_data=data, files=[motd]))

    assert files["openstack/latest/user_data"] == b"#!/bin/sh\n"
    assert files["ec2/latest/user-data"] == b"#!/bin/sh\n"
    assert files["openstack/content/0000"] == b"hello"
    assert read(files, "openstack/latest/meta_data.json")["files"] == [
        {"path": "/etc/motd", "content_path": "/content/0000"}
    ]


def test_a_file_that_would_leave_its_place_is_refused() -> None:
    file = {"path": "/etc/../../x", "contents": base64.b64encode(b"x").decode()}

    with pytest.raises(GuestFailed, match="cannot be put on the config drive"):
        drive_files(a_guest(files=[file]))


def test_clouds_of_amazon_find_their_words() -> None:
    told = read(drive_files(a_guest()), "ec2/latest/meta-data.json")

    assert told["instance-id"] == "5b1d7c2e-64d7-4d0a-bb52-7a30f6e1d001"
    assert (told["local-ipv4"], told["instance-type"]) == ("10.0.0.5", "m1.tiny")
