"""``/servers/{id}/os-volume_attachments``: attaching, changing, swapping and detaching."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import pytest
from django.utils import timezone

from compute_site.neighbours.volume.models import Attachment, Volume
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.lifecycle.jobs import AttachVolume, DetachVolume
from servers.models import BlockDevice, Instance, InstanceAction, RequestSpec, ServerFault
from tests.world.cast import BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_order, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs


@pytest.fixture
def server(db: None) -> Instance:
    """A server that runs on a living host."""
    make_host("host")
    return make_server()


def make_server(vm_state: str = "active", **fields: Any) -> Instance:
    return make_instance(vm_state=vm_state, launched_at=timezone.now(), **fields)


def attach(
    client: ApiClient,
    server: Instance,
    volume: Volume | str,
    version: str = "2.79",
    **options: Any,
) -> Answer:
    volume_id = volume if isinstance(volume, str) else str(volume.pk)
    body = {"volumeAttachment": {"volumeId": volume_id, **options}}
    path = f"/servers/{server.uuid}/os-volume_attachments"
    return client.post(path, body, microversion=version)


def detach(
    client: ApiClient, server: Instance, volume: Volume | str, version: str = "2.79"
) -> Answer:
    volume_id = volume if isinstance(volume, str) else volume.pk
    path = f"/servers/{server.uuid}/os-volume_attachments/{volume_id}"
    return client.delete(path, microversion=version)


def attached(client: ApiClient, server: Instance, **options: Any) -> Volume:
    """A volume that the server has."""
    volume = make_volume(**options)
    attach(client, server, volume).expect(200)
    run_jobs()
    return volume


def status_of(volume: Volume) -> str:
    volume.refresh_from_db()
    return volume.status


def history(server: Instance) -> list[tuple[str, str, str | None]]:
    actions = InstanceAction.objects.filter(instance=server).order_by("pk")
    return [
        (action.action, event.event, event.result)
        for action in actions
        for event in action.events.all()
    ]


# attaching


def test_a_volume_is_reserved_at_once_and_in_use_when_the_host_is_done(
    as_member: ApiClient, server: Instance
) -> None:
    volume = make_volume()
    answer = attach(as_member, server, volume).expect(200)
    assert answer.json == {
        "volumeAttachment": {
            "id": str(volume.pk),
            "volumeId": str(volume.pk),
            "serverId": str(server.uuid),
            "device": "/dev/vdb",
            "tag": None,
            "delete_on_termination": False,
        }
    }
    assert status_of(volume) == "reserved"
    run_jobs()
    assert status_of(volume) == "in-use"
    claim = Attachment.objects.get()
    assert (claim.server_id, claim.status, claim.device) == (server.uuid, "attached", "/dev/vdb")
    disk = BlockDevice.objects.get(instance=server)
    assert (disk.attachment_id, disk.volume_size, disk.boot_index) == (claim.pk, 1, None)
    assert history(server) == [("attach_volume", "compute_attach_volume", "Success")]
    shown = as_member.get(f"/servers/{server.uuid}").json["server"]
    assert shown["os-extended-volumes:volumes_attached"] == [{"id": str(volume.pk)}]


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("2.69", {"id", "volumeId", "serverId", "device"}),
        ("2.70", {"id", "volumeId", "serverId", "device", "tag"}),
        ("2.78", {"id", "volumeId", "serverId", "device", "tag"}),
        ("2.79", {"id", "volumeId", "serverId", "device", "tag", "delete_on_termination"}),
        ("2.100", {"id", "volumeId", "serverId", "device", "tag", "delete_on_termination"}),
    ],
)
def test_the_answer_by_version(
    as_member: ApiClient, server: Instance, version: str, keys: set[str]
) -> None:
    answer = attach(as_member, server, make_volume(), version).expect(200)
    assert set(answer.json["volumeAttachment"]) == keys


def test_from_2_101_the_answer_tells_nothing(as_member: ApiClient, server: Instance) -> None:
    volume = make_volume()
    assert attach(as_member, server, volume, "2.101").expect(202).content == b""
    assert status_of(volume) == "reserved"


def test_tag_and_fate_are_kept(as_member: ApiClient, server: Instance) -> None:
    volume = make_volume()
    attach(as_member, server, volume, tag="data", delete_on_termination=True).expect(200)
    path = f"/servers/{server.uuid}/os-volume_attachments/{volume.pk}"
    shown = as_member.get(path, microversion="2.79").json["volumeAttachment"]
    assert (shown["tag"], shown["delete_on_termination"]) == ("data", True)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (None, "/dev/vdb"),
        ("/dev/vdd", "/dev/vdd"),
        ("/dev/sdc", "/dev/vdc"),
        ("/dev/vdq3", "/dev/vdq"),
    ],
)
def test_the_name_of_the_device(
    as_member: ApiClient, server: Instance, asked: str | None, name: str
) -> None:
    answer = attach(as_member, server, make_volume(), device=asked).expect(200)
    assert answer.json["volumeAttachment"]["device"] == name


def test_the_name_follows_the_root_and_leaves_out_what_is_taken(as_member: ApiClient) -> None:
    make_host("host")
    server = make_server(root_device_name="/dev/sda")
    BlockDevice.objects.create(instance=server, device_name="/dev/sda", boot_index=0)
    BlockDevice.objects.create(instance=server, device_name="/dev/sdb")
    answer = attach(as_member, server, make_volume()).expect(200)
    assert answer.json["volumeAttachment"]["device"] == "/dev/sdc"


@pytest.mark.parametrize("name", ["/dev/vda", "/dev/vdb"])
def test_a_name_that_is_taken_is_a_conflict(
    as_member: ApiClient, server: Instance, name: str
) -> None:
    attached(as_member, server)
    volume = make_volume()
    attach(as_member, server, volume, device=name).expect(409)
    assert status_of(volume) == "available"


@pytest.mark.parametrize("device", ["", "vdb", "/dev/", "/dev/vdb\n", 5])
def test_what_is_no_name_is_refused(as_member: ApiClient, server: Instance, device: Any) -> None:
    answer = attach(as_member, server, make_volume(), device=device).expect(400)
    assert answer.blamed == ["volumeAttachment.device"]


@pytest.mark.parametrize(
    "status", ["in-use", "reserved", "detaching", "error", "creating", "maintenance"]
)
def test_only_an_available_volume_can_be_attached(
    as_member: ApiClient, server: Instance, status: str
) -> None:
    volume = make_volume(status=status)
    attach(as_member, server, volume).expect(400)
    assert status_of(volume) == status
    assert not BlockDevice.objects.exists()
    assert not InstanceAction.objects.exists()
    assert not queued()


def test_unknown_and_foreign_volumes_are_404(as_member: ApiClient, server: Instance) -> None:
    for volume_id in (str(uuid.uuid4()), str(make_volume(project_id=BETA).pk)):
        attach(as_member, server, volume_id).expect(404)
        detach(as_member, server, volume_id).expect(404)


def test_a_volume_is_attached_once(as_member: ApiClient, server: Instance) -> None:
    volume = attached(as_member, server, multiattach=True)
    attach(as_member, server, volume).expect(400)
    assert Attachment.objects.count() == 1


def test_a_volume_that_a_server_has_stays_even_if_it_says_it_is_available(
    as_member: ApiClient, server: Instance
) -> None:
    volume = attached(as_member, server)
    Volume.objects.filter(pk=volume.pk).update(status="available")
    attach(as_member, make_server(), volume).expect(400)


def test_several_servers_share_a_multiattach_volume_from_2_60(
    as_member: ApiClient, server: Instance
) -> None:
    volume = make_volume(multiattach=True)
    attach(as_member, server, volume, "2.59").expect(400)
    attach(as_member, server, volume, "2.60").expect(200)
    run_jobs()
    other = make_server()
    attach(as_member, other, volume, "2.60").expect(200)
    assert status_of(volume) == "in-use"
    run_jobs()
    detach(as_member, server, volume).expect(202)
    assert status_of(volume) == "detaching"
    run_jobs()
    assert status_of(volume) == "in-use"
    detach(as_member, other, volume).expect(202)
    run_jobs()
    assert status_of(volume) == "available"


@pytest.mark.parametrize("state", ["building", "error", "rescued", "suspended"])
def test_states_that_do_not_allow_it(as_member: ApiClient, server: Instance, state: str) -> None:
    volume = attached(as_member, server)
    Instance.objects.filter(pk=server.pk).update(vm_state=state)
    attach(as_member, server, make_volume()).expect(409)
    detach(as_member, server, volume).expect(409)


@pytest.mark.parametrize("state", ["active", "paused", "stopped", "resized", "shelved"])
def test_states_that_allow_it(as_member: ApiClient, server: Instance, state: str) -> None:
    Instance.objects.filter(pk=server.pk).update(vm_state=state)
    volume = attached(as_member, server)
    assert status_of(volume) == "in-use"
    detach(as_member, server, volume).expect(202)
    run_jobs()
    assert status_of(volume) == "available"


def test_a_server_that_is_busy_or_never_ran_waits(as_member: ApiClient, db: None) -> None:
    volume = make_volume()
    for server in (make_server(task_state="rebooting"), make_instance(), make_order().instance):
        attach(as_member, server, volume).expect(409)
    assert status_of(volume) == "available"


def test_a_lock_stops_everybody_but_admins(
    as_member: ApiClient, as_admin: ApiClient, server: Instance
) -> None:
    volume = make_volume()
    Instance.objects.filter(pk=server.pk).update(locked=True)
    attach(as_member, server, volume).expect(409)
    attach(as_admin, server, volume).expect(200)
    run_jobs()
    detach(as_member, server, volume).expect(409)
    detach(as_admin, server, volume).expect(202)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient, server: Instance) -> None:
    volume = make_volume()
    attach(as_reader, server, volume).expect(403)
    detach(as_reader, server, volume).expect(403)
    attach(as_outsider, server, volume).expect(404)
    detach(as_outsider, server, volume).expect(404)


@pytest.mark.parametrize("zone", ["nova", "far"])
def test_where_volumes_stay_in_their_zone(
    as_member: ApiClient, server: Instance, settings: Any, zone: str
) -> None:

    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, cross_az_attach=False)
    Instance.objects.filter(pk=server.pk).update(availability_zone="nova")
    volume = make_volume(availability_zone=zone)
    attach(as_member, server, volume).expect(200 if zone == "nova" else 400)


def test_a_host_that_fails_leaves_nothing_behind(
    as_member: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DriverFailed("no slot left")

    monkeypatch.setattr(fake, "attach_disk", fail)
    volume = make_volume()
    attach(as_member, server, volume).expect(200)
    run_jobs()
    assert status_of(volume) == "available"
    assert not BlockDevice.objects.exists()
    assert not Attachment.objects.exists()
    assert history(server) == [("attach_volume", "compute_attach_volume", "Error")]
    assert ServerFault.objects.get().message == "no slot left"
    server.refresh_from_db()
    assert server.vm_state == "active"


def test_what_has_no_attachment_yet_is_hidden_from_2_89(
    as_member: ApiClient, server: Instance
) -> None:
    volume_id = str(uuid.uuid4())
    BlockDevice.objects.create(instance=server, volume_id=volume_id)
    path = f"/servers/{server.uuid}/os-volume_attachments"
    assert len(as_member.get(path, microversion="2.88").json["volumeAttachments"]) == 1
    as_member.get(f"{path}/{volume_id}", microversion="2.88").expect(200)
    assert as_member.get(path, microversion="2.89").json["volumeAttachments"] == []
    as_member.get(f"{path}/{volume_id}", microversion="2.89").expect(404)


# detaching


def test_a_volume_is_detaching_until_the_host_is_done(
    as_member: ApiClient, server: Instance
) -> None:
    volume = attached(as_member, server, multiattach=False)
    answer = detach(as_member, server, volume).expect(202)
    assert answer.content == b""
    assert status_of(volume) == "detaching"
    detach(as_member, server, volume).expect(400)
    run_jobs()
    assert status_of(volume) == "available"
    assert not BlockDevice.objects.exists()
    assert not Attachment.objects.exists()
    assert history(server)[-1] == ("detach_volume", "compute_detach_volume", "Success")
    detach(as_member, server, volume).expect(404)


def test_a_detached_volume_outlives_even_where_it_would_end_with_the_server(
    as_member: ApiClient, server: Instance
) -> None:
    volume = make_volume()
    attach(as_member, server, volume, delete_on_termination=True).expect(200)
    run_jobs()
    detach(as_member, server, volume).expect(202)
    run_jobs()
    assert status_of(volume) == "available"


def test_the_root_volume_stays(as_member: ApiClient, server: Instance) -> None:
    volume = attached(as_member, server)
    BlockDevice.objects.update(boot_index=0)
    detach(as_member, server, volume).expect(400)
    assert status_of(volume) == "in-use"


def test_a_volume_that_is_not_there_yet_cannot_go(as_member: ApiClient, server: Instance) -> None:
    volume = make_volume()
    attach(as_member, server, volume).expect(200)
    detach(as_member, server, volume).expect(400)
    assert status_of(volume) == "reserved"


def test_a_host_that_is_down_cannot_let_go(as_member: ApiClient, server: Instance) -> None:
    volume = attached(as_member, server)
    Instance.objects.filter(pk=server.pk).update(host="away")
    detach(as_member, server, volume).expect(409)
    assert status_of(volume) == "in-use"


def test_a_host_that_fails_keeps_the_volume(
    as_member: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DriverFailed("the guest does not let go")

    volume = attached(as_member, server)
    monkeypatch.setattr(fake, "detach_disk", fail)
    detach(as_member, server, volume).expect(202)
    run_jobs()
    assert status_of(volume) == "in-use"
    assert BlockDevice.objects.filter(volume_id=str(volume.pk)).exists()
    assert history(server)[-1] == ("detach_volume", "compute_detach_volume", "Error")


# on no host


def test_shelved_servers_need_2_20(as_member: ApiClient, server: Instance) -> None:
    volume = attached(as_member, server)
    for state in ("shelved", "shelved_offloaded"):
        Instance.objects.filter(pk=server.pk).update(vm_state=state)
        attach(as_member, server, make_volume(), "2.19").expect(409)
        detach(as_member, server, volume, "2.19").expect(409)


def test_a_server_on_no_host_gets_and_loses_volumes_at_once(as_member: ApiClient) -> None:
    server = make_server("shelved_offloaded", host=None, node=None)
    kept, ended = make_volume(), make_volume()
    answer = attach(as_member, server, kept, "2.20").expect(200)
    assert answer.json["volumeAttachment"]["device"] is None
    attach(as_member, server, ended, delete_on_termination=True).expect(200)
    assert [status_of(kept), status_of(ended)] == ["in-use", "in-use"]
    path = f"/servers/{server.uuid}/os-volume_attachments/{kept.pk}"
    assert "device" not in as_member.get(path).json["volumeAttachment"]
    for volume in (kept, ended):
        detach(as_member, server, volume, "2.20").expect(202)
    assert status_of(kept) == "available"
    assert not Volume.objects.filter(pk=ended.pk).exists()
    assert not queued(AttachVolume.task_name)
    assert not queued(DetachVolume.task_name)
    assert {event for _, event, _ in history(server)} == {"api_attach_volume", "api_detach_volume"}


def test_a_volume_that_came_meanwhile_has_a_name_when_the_server_is_on_a_host_again(
    as_member: ApiClient,
) -> None:
    make_host("host")
    server = make_server("shelved_offloaded", host=None, node=None)
    RequestSpec.objects.create(instance=server, flavor=server.flavor)
    volume = make_volume()
    attach(as_member, server, volume, "2.20").expect(200)
    as_member.post(f"/servers/{server.uuid}/action", {"unshelve": None}).expect(202)
    run_jobs()
    path = f"/servers/{server.uuid}/os-volume_attachments/{volume.pk}"
    assert as_member.get(path).json["volumeAttachment"]["device"] == "/dev/vdb"
    assert (Attachment.objects.get().device, status_of(volume)) == ("/dev/vdb", "in-use")


def test_a_server_on_no_host_takes_no_tags_and_shares_nothing(as_member: ApiClient) -> None:
    server = make_server("shelved_offloaded", host=None, node=None)
    attach(as_member, server, make_volume(), tag="data").expect(400)
    attach(as_member, server, make_volume(multiattach=True)).expect(400)


# the end of the server


def test_a_deleted_server_gives_back_what_was_attached(
    as_member: ApiClient, server: Instance
) -> None:
    kept, leaving, coming = (attached(as_member, server) for _ in range(3))
    ended = make_volume()
    attach(as_member, server, ended, delete_on_termination=True).expect(200)
    run_jobs()
    detach(as_member, server, leaving).expect(202)
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    attach(as_member, server, make_volume()).expect(409)
    detach(as_member, server, coming).expect(409)
    run_jobs()
    assert {status_of(volume) for volume in (kept, leaving, coming)} == {"available"}
    assert not Volume.objects.filter(pk=ended.pk).exists()
    assert not Attachment.objects.exists()


def test_a_server_that_is_deleted_before_its_host_attaches_gets_nothing(
    as_member: ApiClient, server: Instance
) -> None:
    volume = make_volume()
    attach(as_member, server, volume).expect(200)
    Instance.objects.filter(pk=server.pk).update(host="away")
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    assert status_of(volume) == "available"
    run_jobs()
    assert status_of(volume) == "available"
    assert not Attachment.objects.exists()


# changing


def change(
    client: ApiClient,
    server: Instance,
    volume: Volume,
    version: str = "2.85",
    **values: Any,
) -> Answer:
    body = {"volumeAttachment": {"volumeId": str(volume.pk), **values}}
    path = f"/servers/{server.uuid}/os-volume_attachments/{volume.pk}"
    return client.put(path, body, microversion=version)


def test_the_fate_of_a_volume_changes_from_2_85(as_member: ApiClient, server: Instance) -> None:
    volume = attached(as_member, server)
    change(as_member, server, volume, "2.84").expect(403)
    change(as_member, server, volume, delete_on_termination=True).expect(202)
    assert BlockDevice.objects.get().delete_on_termination
    change(as_member, server, volume, delete_on_termination="no").expect(202)
    assert not BlockDevice.objects.get().delete_on_termination


def test_nothing_else_changes(as_member: ApiClient, server: Instance) -> None:
    volume = attached(as_member, server)
    same = {"id": str(volume.pk), "serverId": str(server.uuid), "device": "/dev/vdb"}
    change(as_member, server, volume, **same).expect(202)
    other = str(uuid.uuid4())
    wrong: list[tuple[str, Any]] = [
        ("id", other),
        ("serverId", other),
        ("device", "/dev/vdx"),
        ("device", None),
        ("tag", "x"),
    ]
    for key, value in wrong:
        refused = change(as_member, server, volume, delete_on_termination=True, **{key: value})
        assert refused.expect(400).blamed == [f"volumeAttachment.{key}"]
    assert not BlockDevice.objects.get().delete_on_termination


def test_an_attachment_that_is_not_there_cannot_change(
    as_member: ApiClient, server: Instance
) -> None:
    change(as_member, server, make_volume()).expect(404)


# swapping


def swap(
    client: ApiClient, server: Instance, old: Volume, new: Volume | str, version: str = "2.84"
) -> Answer:
    volume_id = new if isinstance(new, str) else str(new.pk)
    body = {"volumeAttachment": {"volumeId": volume_id}}
    path = f"/servers/{server.uuid}/os-volume_attachments/{old.pk}"
    return client.put(path, body, microversion=version)


def migrating(client: ApiClient, server: Instance, **fields: Any) -> Volume:
    volume = attached(client, server, **fields)
    Volume.objects.filter(pk=volume.pk).update(migration_status="migrating")
    return volume


@pytest.mark.parametrize("version", ["2.1", "2.84", "2.85"])
def test_a_volume_that_its_service_moves_is_swapped(
    as_member: ApiClient, as_admin: ApiClient, server: Instance, version: str
) -> None:
    old, new = migrating(as_member, server), make_volume(size=2)
    swap(as_admin, server, old, new, version).expect(202)
    assert [status_of(old), status_of(new)] == ["detaching", "reserved"]
    run_jobs()
    assert [status_of(old), status_of(new)] == ["available", "in-use"]
    disk = BlockDevice.objects.get()
    claim = Attachment.objects.get()
    assert (disk.volume_id, disk.attachment_id) == (str(new.pk), claim.pk)
    assert (disk.device_name, claim.device) == ("/dev/vdb", "/dev/vdb")
    assert history(server)[-1] == ("swap_volume", "compute_swap_volume", "Success")


def test_only_services_and_admins_swap(as_member: ApiClient, server: Instance) -> None:
    swap(as_member, server, migrating(as_member, server), make_volume(), "2.90").expect(403)


def test_swaps_that_are_refused(
    as_member: ApiClient, as_admin: ApiClient, server: Instance
) -> None:
    old = migrating(as_member, server, size=2)
    swap(as_admin, server, old, str(uuid.uuid4())).expect(400)
    swap(as_admin, server, old, make_volume(size=1)).expect(400)
    swap(as_admin, server, old, make_volume(size=2, status="in-use")).expect(400)
    swap(as_admin, server, make_volume(migration_status="migrating"), make_volume()).expect(404)
    swap(as_admin, server, attached(as_member, server), make_volume()).expect(409)
    Instance.objects.filter(pk=server.pk).update(vm_state="stopped")
    swap(as_admin, server, old, make_volume(size=2)).expect(409)
    assert status_of(old) == "in-use"


def test_a_host_that_cannot_swap_keeps_the_old_volume(
    as_member: ApiClient, as_admin: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DriverFailed("no")

    old, new = migrating(as_member, server), make_volume()
    monkeypatch.setattr(fake, "swap_disk", fail)
    swap(as_admin, server, old, new).expect(202)
    run_jobs()
    assert [status_of(old), status_of(new)] == ["in-use", "available"]
    assert BlockDevice.objects.get().volume_id == str(old.pk)
