"""The command ``openstack`` (python-openstackclient), unmodified, as a user types it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.conftest import BASIC, Openstack

pytestmark = pytest.mark.clients
ORDER = "--image cirros --flavor m1.tiny --network private"


def test_a_server_is_created_by_names_shown_and_deleted(run_openstack: Openstack) -> None:
    created = run_openstack(
        f"server create {ORDER} --security-group web --key-name demo-key --property a=b --tag cli"
        " --description described --user-data /etc/hostname --use-config-drive --wait from-the-cli"
    )
    assert created["status"] == "ACTIVE"
    shown = run_openstack("server show from-the-cli")
    assert shown["flavor"]["name"] == "m1.tiny"
    assert shown["image"].startswith("cirros")
    assert (shown["properties"], shown["tags"]) == ({"a": "b"}, ["cli"])
    assert shown["security_groups"] == [{"name": "web"}]
    assert (shown["key_name"], shown["config_drive"]) == ("demo-key", "True")
    listed = {row["Name"]: row for row in run_openstack("server list")}
    assert listed["from-the-cli"]["Image"] == "cirros"
    run_openstack("server delete --wait from-the-cli")


def test_name_and_password_do_without_a_token(run_openstack: Openstack) -> None:
    created = run_openstack(f"server create {ORDER} without-a-token", cloud=BASIC)
    assert created["name"] == "without-a-token"
    assert "without-a-token" in {row["Name"] for row in run_openstack("server list", cloud=BASIC)}
    run_openstack("server delete --wait without-a-token", cloud=BASIC)


def test_old_versions_work_as_well(run_openstack: Openstack) -> None:
    created = run_openstack(f"server create {ORDER} --max 2 of-old", version="2.1")
    assert created["name"].startswith("of-old")
    run_openstack("server delete --wait of-old-1 of-old-2", version="2.1")


COMMANDS: dict[str, Any] = {
    "versions show": lambda rows: {row["Service Type"] for row in rows} >= {"compute", "image"},
    "catalog list": lambda rows: {row["Type"] for row in rows} >= {"compute", "identity"},
    "quota show": lambda rows: {row["Resource"] for row in rows} >= {"cores", "volumes", "ports"},
    "availability zone list": lambda rows: {row["Zone Name"] for row in rows} >= {"rack1"},
    "keypair list": lambda rows: "demo-key" in {row["Name"] for row in rows},
    "server group list": lambda rows: "spread" in {row["Name"] for row in rows},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_cloud_is_looked_at(run_openstack: Openstack, command: str) -> None:
    assert COMMANDS[command](run_openstack(command))


def test_an_operator_looks_at_hosts(run_openstack: Openstack) -> None:
    rows = run_openstack("hypervisor list", cloud="admin")
    assert {row["Hypervisor Hostname"] for row in rows} == {"rack1-node1", "rack2-node1"}
