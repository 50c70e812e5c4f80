"""Jobs survive the queue, and say what workers of other versions understand."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from procrastinate.contrib.django import app

from compute_site.neighbours.network.protocol import NicRequest
from servers.lifecycle import jobs
from servers.lifecycle.jobs import BuildServer, Job, Owner
from tests.world.jobs import queued

OWNER = Owner(
    user_id="u",
    user_name="member",
    project_id="p",
    project_name="alpha",
    roles=("member", "reader"),
    rules=("network:attach_external_network",),
)
STORED: list[tuple[Job, str, dict[str, Any]]] = [
    (
        jobs.ScheduleAndBuild(reservation_id="r-1"),
        "servers.schedule_and_build",
        {"reservation_id": "r-1"},
    ),
    (jobs.DeleteServer(server_id="s"), "servers.delete_server", {"server_id": "s"}),
    (
        jobs.ReleaseServices(server_id="s", volumes=()),
        "servers.release_services",
        {"server_id": "s", "volumes": []},
    ),
    (
        jobs.ReleaseVolume(server_id="s", volume_id="v", delete=True),
        "servers.release_volume",
        {"server_id": "s", "volume_id": "v", "delete": True},
    ),
    (
        jobs.BindPorts(server_id="s", left="h"),
        "servers.bind_ports",
        {"server_id": "s", "left": "h"},
    ),
    (
        jobs.MakeBytes(kind="volume", row_id="v"),
        "servers.make_bytes",
        {"kind": "volume", "row_id": "v"},
    ),
    (
        jobs.LetGoOn(server_id="s", whom="w", snapshots=("n",), until=1.5, required=True),
        "servers.let_go_on",
        {"server_id": "s", "whom": "w", "snapshots": ["n"], "until": 1.5, "required": True},
    ),
    (
        jobs.UploadVolume(volume_id="v", image_id="i", project_id="p", disk_format="raw"),
        "servers.upload_volume",
        {"volume_id": "v", "image_id": "i", "project_id": "p", "disk_format": "raw"},
    ),
    (
        jobs.FetchImage(task_id="t"),
        "servers.fetch_image",
        {"task_id": "t"},
    ),
    (
        jobs.ForgetImages(project_id="p", images=("i",)),
        "servers.forget_images",
        {"project_id": "p", "images": ["i"]},
    ),
    (
        jobs.TakeBackReservations(volumes=("v",), servers=("s",)),
        "servers.take_back_reservations",
        {"volumes": ["v"], "servers": ["s"]},
    ),
    (
        jobs.TakeBackDetaching(server_id="s", volume_id="v"),
        "servers.take_back_detaching",
        {"server_id": "s", "volume_id": "v"},
    ),
    (
        jobs.CompleteImage(image="i", properties={"k": "v"}),
        "servers.complete_image",
        {"image": "i", "properties": {"k": "v"}},
    ),
    (
        jobs.TakeBackNics(server_id="s", suspects=("p",)),
        "servers.take_back_nics",
        {"server_id": "s", "suspects": ["p"]},
    ),
    (jobs.ReadNics(servers=("s",)), "servers.read_nics", {"servers": ["s"]}),
    (
        jobs.TakeBackSnapshots(volumes=("v",), mark="m"),
        "servers.take_back_snapshots",
        {"volumes": ["v"], "mark": "m"},
    ),
    (
        jobs.PerformAction(server_id="s", task="powering-off"),
        "servers.perform_action",
        {"server_id": "s", "task": "powering-off"},
    ),
    (
        jobs.PerformAction(server_id="s", task="rebuilding", sealed_password="x", after="stopped"),
        "servers.perform_action",
        {"server_id": "s", "task": "rebuilding", "sealed_password": "x", "after": "stopped"},
    ),
    (jobs.UnshelveServer(server_id="s"), "servers.unshelve_server", {"server_id": "s"}),
    (
        jobs.UnshelveServer(server_id="s", host="h"),
        "servers.unshelve_server",
        {"server_id": "s", "host": "h"},
    ),
    (
        jobs.AttachVolume(server_id="s", request_id="q", disk_id="d"),
        "servers.attach_volume",
        {"server_id": "s", "request_id": "q", "disk_id": "d"},
    ),
    (
        jobs.DetachVolume(server_id="s", request_id="q", disk_id="d"),
        "servers.detach_volume",
        {"server_id": "s", "request_id": "q", "disk_id": "d"},
    ),
    (
        jobs.SwapVolume(server_id="s", request_id="q", disk_id="d", volume_id="v", claim="c"),
        "servers.swap_volume",
        {"server_id": "s", "request_id": "q", "disk_id": "d", "volume_id": "v", "claim": "c"},
    ),
    (
        jobs.AttachInterface(server_id="s", request_id="q", port_id="p"),
        "servers.attach_interface",
        {"server_id": "s", "request_id": "q", "port_id": "p"},
    ),
    (
        jobs.DetachInterface(server_id="s", request_id="q", port_id="p"),
        "servers.detach_interface",
        {"server_id": "s", "request_id": "q", "port_id": "p"},
    ),
    (
        jobs.PlaceMove(server_id="s", move=1),
        "servers.place_move",
        {"server_id": "s", "move": 1},
    ),
    (
        jobs.PlaceMove(
            server_id="s", move=1, host="h", forced=True, then=jobs.Evacuated(stopped=True)
        ),
        "servers.place_move",
        {
            "server_id": "s",
            "move": 1,
            "host": "h",
            "forced": True,
            "then": {"stopped": True, "sealed_password": ""},
        },
    ),
    (jobs.MoveServer(server_id="s", move=1), "servers.move_server", {"server_id": "s", "move": 1}),
    (
        jobs.ConfirmResize(server_id="s", move=1),
        "servers.confirm_resize",
        {"server_id": "s", "move": 1},
    ),
    (
        jobs.RevertResize(server_id="s", move=1),
        "servers.revert_resize",
        {"server_id": "s", "move": 1},
    ),
    (
        jobs.MigrateLive(server_id="s", move=1),
        "servers.migrate_live",
        {"server_id": "s", "move": 1},
    ),
    (
        jobs.Evacuate(server_id="s", move=1, stopped=True),
        "servers.evacuate",
        {"server_id": "s", "move": 1, "stopped": True},
    ),
]


@pytest.mark.parametrize(
    ("job", "task", "arguments"), STORED, ids=[f"{n}-{row[1]}" for n, row in enumerate(STORED)]
)
@pytest.mark.django_db
def test_a_job_is_stored_without_its_defaults_and_read_again(
    job: Job, task: str, arguments: dict[str, Any]
) -> None:
    job.defer()
    assert queued(task) == [arguments]
    assert type(job).from_arguments(arguments) == job


def test_jobs_of_the_version_before_are_read() -> None:
    """It wrote defaults, too."""
    assert jobs.UnshelveServer.from_arguments({"server_id": "s", "host": None}) == (
        jobs.UnshelveServer(server_id="s")
    )
    old = {"server_id": "s", "move": 1, "host": None, "forced": False}
    assert jobs.PlaceMove.from_arguments(old) == jobs.PlaceMove(server_id="s", move=1)


def test_a_worker_does_every_kind_of_job() -> None:
    app.perform_import_paths()
    kinds: list[type[Job]] = [
        kind for kind in vars(jobs).values() if isinstance(kind, type) and issubclass(kind, Job)
    ]
    named = [kind for kind in kinds if hasattr(kind, "task_name")]
    assert {kind.task_name for kind in named} == {task for _, task, _ in STORED} | {
        "servers.build_server"
    }
    for kind in named:
        assert app.tasks[kind.task_name].queue == kind.queue


@pytest.mark.parametrize("networks", ["auto", "none", (), ({"network_id": "n", "tag": "t"},)])
def test_a_build_through_json_and_back(networks: str | tuple[dict[str, str], ...]) -> None:
    job = BuildServer(
        server_id="s",
        node_id=1,
        owner=OWNER,
        networks=networks,
        files=({"path": "/a", "contents": ""},),
        alternates=(2, 3),
    )
    arguments = orjson.loads(orjson.dumps(job.as_arguments()))
    assert "attempt" not in arguments
    assert BuildServer.from_arguments(arguments) == job


def test_the_owner_is_a_caller_with_the_rights_of_building() -> None:
    caller = OWNER.as_caller()
    assert caller.may("network:attach_external_network")
    assert not caller.may("os_compute_api:servers:create")
    assert caller.roles == {"member", "reader"}


def test_networks_become_requests_for_nics() -> None:
    nic = {"network_id": "n", "fixed_ip": None, "port_id": None, "pci_request_id": "x"}
    job = BuildServer(server_id="s", node_id=1, owner=OWNER, networks=(nic,))
    assert job.nic_requests == (NicRequest(network_id="n"),)


def test_secrets_stay_out_of_logs() -> None:
    job = BuildServer(
        server_id="s",
        node_id=1,
        owner=OWNER,
        files=({"path": "/a", "contents": "secret"},),
        sealed_password="secret",
    )
    assert "secret" not in repr(job)
