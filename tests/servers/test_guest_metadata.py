"""What guests are told at 169.254.169.254, by the path that they ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from servers.agent.network.metadata_tree import find_document, is_password

TOLD: dict[str, Any] = {
    "server_id": "5e55a111-1111-4111-8111-111111111111",
    "name": "one",
    "hostname": "one",
    "metadata": {"a": "b"},
    "key_name": "mine",
    "key_data": "ssh-ed25519 AAAA",
    "user_data": "aGVsbG8=",
    "nics": [],
    "disks": [],
    "password": "c2VjcmV0",
}


def told(path: str, **more: Any) -> str | None:
    document = find_document(TOLD | more, path)
    return None if document is None else document.data.decode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/openstack/latest/user_data", "hello"),
        ("/openstack//latest/user_data/", "hello"),
        ("/openstack/latest/password", "c2VjcmV0"),
        ("/latest/user-data", "hello"),
        ("/2009-04-04/meta-data/instance-id", TOLD["server_id"]),
        ("/latest/meta-data/public-keys", "0=mine"),
        ("/latest/meta-data/public-keys/0=mine", "openssh-key"),
        ("/latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA"),
        ("/latest", "meta-data/\nuser-data"),
        ("/openstack/latest/nothing", None),
        ("/openstack/1066-10-14/user_data", None),
        ("/latest/meta-data/public-keys/0/_name", None),
        ("/latest/meta-data/hostname/deeper", None),
        ("/elsewhere", None),
        ("/openstack/../../etc/passwd", None),
    ],
)
def test_a_path_leads_to_its_document(path: str, text: str | None) -> None:
    assert told(path) == text


def test_folders_list_what_is_in_them() -> None:
    assert "latest" in str(told("/openstack")).split("\n")
    inside = str(told("/openstack/latest/")).split("\n")
    assert {"meta_data.json", "network_data.json", "password", "user_data"} <= set(inside)
    assert "2009-04-04" in str(told("/")).split("\n")


def test_the_metadata_hold_what_a_guest_may_know() -> None:
    data = json.loads(str(told("/openstack/latest/meta_data.json")))
    assert (data["uuid"], data["meta"]) == (TOLD["server_id"], {"a": "b"})
    assert data["public_keys"] == {"mine": "ssh-ed25519 AAAA"}
    assert "admin_pass" not in data


def test_without_user_data_there_is_no_such_document() -> None:
    assert told("/openstack/latest/user_data", user_data=None) is None
    assert told("/latest/user-data", user_data=None) is None


def test_a_password_is_handed_in_at_one_place() -> None:
    assert is_password("/openstack/latest/password")
    assert not is_password("/latest/password")
    assert not is_password("/openstack/latest/user_data")
