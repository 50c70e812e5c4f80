"""What the command ``openstack``, unmodified, does with a server once it runs."""

from __future__ import annotations

from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from tests.clients.conftest import Openstack, settle

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]

ROUND_TRIPS = {
    "stop": [("server stop {}", "SHUTOFF"), ("server start {}", "ACTIVE")],
    "pause": [("server pause {}", "PAUSED"), ("server unpause {}", "ACTIVE")],
    "suspend": [("server suspend {}", "SUSPENDED"), ("server resume {}", "ACTIVE")],
    "rescue": [
        ("server rescue --image cirros --password pw {}", "RESCUE"),
        ("server unrescue {}", "ACTIVE"),
    ],
    "shelve": [("server shelve {}", "SHELVED_OFFLOADED"), ("server unshelve {}", "ACTIVE")],
    "reboot": [("server reboot {}", "ACTIVE"), ("server reboot --hard {}", "ACTIVE")],
    "changePassword": [("server set --password pw {}", "ACTIVE")],
    "rebuild": [("server rebuild --image cirros --property a=b {}", "ACTIVE")],
    "lock": [("server lock --reason busy {}", "ACTIVE"), ("server unlock {}", "ACTIVE")],
}


@pytest.mark.parametrize("action", ROUND_TRIPS)
def test_a_server_goes_and_comes_back(
    cloud: Connection, run_openstack: Openstack, server: Server, action: str
) -> None:
    for command, status in ROUND_TRIPS[action]:
        run_openstack(command.format(server.name))
        settle(cloud, server, status)
    events = run_openstack(f"server event list {server.name}")
    assert action in {row["Action"] for row in events}


def test_a_server_is_changed(run_openstack: Openstack, server: Server) -> None:
    run_openstack(
        "server set --name by-the-cli --description 'with words' --property a=b --property c=d"
        f" --tag one --tag two --hostname other {server.id}"
    )
    run_openstack("server unset --property a --tag one by-the-cli")
    shown = run_openstack("server show by-the-cli")
    assert (shown["id"], shown["description"]) == (server.id, "with words")
    assert (shown["properties"], shown["tags"]) == ({"c": "d"}, ["two"])
    run_openstack("server unset --description by-the-cli")
    assert run_openstack("server show by-the-cli")["description"] == ""


def test_a_locked_server_says_why(
    cloud: Connection, run_openstack: Openstack, server: Server
) -> None:
    run_openstack(f"server lock --reason busy {server.id}", cloud="admin")
    shown = run_openstack(f"server show {server.id}")
    assert (shown["locked"], shown["locked_reason"]) == (True, "busy")
    assert "locked" in run_openstack.refused(f"server stop {server.id}")
    assert server.id in {row["ID"] for row in run_openstack("server list --locked")}
    run_openstack(f"server unlock {server.id}", cloud="admin")


def test_a_server_becomes_an_image_and_a_backup(
    cloud: Connection, run_openstack: Openstack, server: Server
) -> None:
    image = run_openstack(f"server image create --name cli-snap --property p=q {server.name}")
    assert (image["name"], image["properties"]["p"]) == ("cli-snap", "q")
    for name in ("old", "new"):
        settle(cloud, server, "ACTIVE")
        run_openstack(
            f"server backup create --name cli-{name} --type weekly --rotate 1 {server.id}"
        )
    settle(cloud, server, "ACTIVE")
    names = {row["Name"] for row in run_openstack("image list")}
    assert {"cli-snap", "cli-new"} <= names
    assert "cli-old" not in names
    run_openstack("image delete cli-snap cli-new")


def test_what_happened_to_a_server_is_shown(run_openstack: Openstack, server: Server) -> None:
    (row,) = run_openstack(f"server event list {server.id}")
    shown = run_openstack(f"server event show {server.id} {row['Request ID']}")
    assert shown["action"] == "create"
    assert {event["result"] for event in shown["events"]} == {"Success"}


def test_a_server_is_looked_into(run_openstack: Openstack, server: Server) -> None:
    assert server.id in run_openstack(f"console log show {server.id}")
    assert run_openstack(f"server volume list {server.id}") == []
    assert "topology" in run_openstack(f"server show --topology {server.id}")
    diagnostics = run_openstack(f"server show --diagnostics {server.id}", cloud="admin")
    assert diagnostics["state"] == "running"


def test_the_state_is_set_by_an_operator(run_openstack: Openstack, server: Server) -> None:
    for state, status in (("error", "ERROR"), ("active", "ACTIVE")):
        run_openstack(f"server set --auto-approve --state {state} {server.id}", cloud="admin")
        assert run_openstack(f"server show {server.id}")["status"] == status
    assert "reset_state" in run_openstack.refused(
        f"server set --auto-approve --state error {server.id}"
    )


LISTS: dict[str, Any] = {
    "--name ^{name}$": True,
    "--status ACTIVE": True,
    "--image cirros": True,
    "--flavor m1.tiny": True,
    "--tags cli-list": True,
    "--not-tags cli-list": False,
    "--unlocked": True,
    "--changes-since 2026-01-01T00:00:00": True,
    "--changes-before 2026-01-01T00:00:00": False,
    "--limit 1": True,
    "--sort-column created_at --sort-ascending": True,
    "--long": True,
    "--no-name-lookup": True,
    "--vm-state stopped": False,
}


def test_servers_are_listed(run_openstack: Openstack, server: Server) -> None:
    run_openstack(f"server set --tag cli-list {server.id}")
    for options, found in LISTS.items():
        rows = run_openstack(f"server list {options.format(name=server.name)}")
        assert (server.id in {row["ID"] for row in rows}) is found, options


def test_servers_are_found_after_their_end(
    cloud: Connection, run_openstack: Openstack, server: Server
) -> None:
    run_openstack(f"server delete {server.name}")
    cloud.compute.wait_for_delete(server, interval=0.05, wait=60)
    assert "No Server found" in run_openstack.refused(f"server show {server.name}")
    rows = run_openstack("server list --deleted --all-projects", cloud="admin")
    assert server.id in {row["ID"] for row in rows}
