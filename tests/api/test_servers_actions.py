"""``POST /servers/{id}/action``: states, locks, and what a host does."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from compute_site.neighbours.image.models import Image
from compute_site.neighbours.network.models import Port
from servers.actions import rebuild as rebuilding
from servers.actions.shelve import offload_shelved
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.errors import WrongState
from servers.models import (
    BlockDevice,
    ComputeNode,
    Instance,
    InstanceAction,
    RequestSpec,
    Service,
)
from servers.worker.recovery import give_up_lost_actions
from tests.world.cast import BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_image, make_instance, make_network, make_order, make_volume
from tests.world.hosts import hold, make_host, make_zone
from tests.world.jobs import run_jobs
from tests.world.moving import Rack
from tests.world.orders import limit

REBOOT = {"reboot": {"type": "HARD"}}
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"


def make_server(vm_state: str = "active", **fields: Any) -> Instance:
    """A server that has run on the host ``host``, from an image."""
    made = {"vm_state": vm_state, "launched_at": timezone.now(), "image_ref": IMAGE}
    return make_instance(**made | fields)


def act(client: ApiClient, server: Instance, version: str = "2.1", **body: Any) -> Answer:
    return client.post(f"/servers/{server.uuid}/action", body, microversion=version)


def do(client: ApiClient, server: Instance, body: dict[str, Any]) -> Answer:
    return client.post(f"/servers/{server.uuid}/action", body)


def state(server: Instance) -> tuple[str, str | None]:
    server.refresh_from_db()
    return server.vm_state, server.task_state


@pytest.mark.parametrize(
    ("body", "before", "task", "after"),
    [
        ({"os-stop": None}, "active", "powering-off", "stopped"),
        ({"os-stop": None}, "error", "powering-off", "stopped"),
        ({"os-start": None}, "stopped", "powering-on", "active"),
        ({"pause": None}, "active", "pausing", "paused"),
        ({"unpause": None}, "paused", "unpausing", "active"),
        ({"suspend": None}, "active", "suspending", "suspended"),
        ({"resume": None}, "suspended", "resuming", "active"),
        ({"unrescue": None}, "rescued", "unrescuing", "active"),
        ({"reboot": {"type": "Soft"}}, "active", "rebooting", "active"),
        (REBOOT, "active", "rebooting_hard", "active"),
        (REBOOT, "suspended", "rebooting_hard", "active"),
        (REBOOT, "error", "rebooting_hard", "active"),
        ({"changePassword": {"adminPass": "x"}}, "active", "updating_password", "active"),
    ],
)
def test_an_action_goes_through_its_task(
    as_member: ApiClient, body: dict[str, Any], before: str, task: str, after: str
) -> None:
    make_host("host")
    server = make_server(before)
    answer = do(as_member, server, body).expect(202)
    assert answer.content == b""
    assert state(server) == (before, task)
    run_jobs()
    assert state(server) == (after, None)
    action = InstanceAction.objects.get(instance=server)
    assert [event.result for event in action.events.all()] == ["Success"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"os-stop": None}, "stopped"),
        ({"os-start": None}, "active"),
        ({"pause": None}, "paused"),
        ({"unpause": None}, "active"),
        ({"suspend": None}, "stopped"),
        ({"resume": None}, "active"),
        ({"unrescue": None}, "active"),
        ({"rescue": None}, "rescued"),
        ({"reboot": {"type": "SOFT"}}, "stopped"),
        (REBOOT, "rescued"),
        ({"changePassword": {"adminPass": "x"}}, "stopped"),
        ({"resize": {"flavorRef": "1"}}, "paused"),
        ({"confirmResize": None}, "active"),
        ({"revertResize": None}, "active"),
        ({"unshelve": None}, "active"),
        ({"createImage": {"name": "a"}}, "rescued"),
    ],
)
def test_an_action_needs_its_state(as_member: ApiClient, body: dict[str, Any], wrong: str) -> None:
    server = make_server(wrong)
    assert do(as_member, server, body).expect(409).fault == "conflictingRequest"
    assert state(server) == (wrong, None)
    assert not InstanceAction.objects.exists()


def test_one_thing_at_a_time(as_member: ApiClient) -> None:
    server = make_server()
    act(as_member, server, pause=None).expect(202)
    act(as_member, server, suspend=None).expect(409)
    act(as_member, server, **REBOOT).expect(202)  # a hard reboot cuts it short
    assert state(server) == ("active", "rebooting_hard")


def test_what_was_cut_short_does_not_happen(as_member: ApiClient) -> None:
    make_host("host")
    server = make_server()
    act(as_member, server, pause=None).expect(202)
    act(as_member, server, **REBOOT).expect(202)
    run_jobs()
    assert state(server) == ("active", None)


def test_a_host_that_fails_leaves_the_server_as_it_was(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise DriverFailed("The disk is full.")

    monkeypatch.setattr(fake, "perform", fail)
    make_host("host")
    server = make_server()
    act(as_member, server, pause=None).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    [event] = InstanceAction.objects.get(instance=server).events.all()
    assert (event.result, event.details) == ("Error", "The disk is full.")
    assert server.faults.get().message == "The disk is full."


def test_a_task_that_nobody_works_on_ends(as_member: ApiClient) -> None:
    server = make_server(task_state="pausing")
    kept = make_server(task_state="pausing")
    long_ago = timezone.now() - dt.timedelta(hours=1)
    Instance.objects.filter(pk=server.pk).update(updated_at=long_ago)
    assert give_up_lost_actions() == 1
    assert state(server) == ("active", None)
    assert state(kept) == ("active", "pausing")


def test_a_task_with_a_waiting_job_does_not_end(as_member: ApiClient) -> None:
    server = make_server()
    act(as_member, server, pause=None).expect(202)
    long_ago = timezone.now() - dt.timedelta(hours=1)
    Instance.objects.filter(pk=server.pk).update(updated_at=long_ago)
    assert give_up_lost_actions() == 0


def test_a_rescue_tells_its_password(as_member: ApiClient) -> None:
    make_host("host")
    server = make_server()
    answer = act(as_member, server, rescue={"adminPass": "secret"}).expect(200)
    assert answer.json == {"adminPass": "secret"}
    run_jobs()
    assert state(server) == ("rescued", None)
    other = make_server("stopped")
    assert len(act(as_member, other, rescue=None).json["adminPass"]) == 12
    missing = {"rescue_image_ref": "00000000-0000-4000-8000-00000000ffff"}
    act(as_member, make_server(), rescue=missing).expect(400)


def test_a_lock_stops_members_but_not_admins(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_server()
    act(as_member, server, lock=None).expect(202)
    for body in ({"os-stop": None}, REBOOT, {"rescue": None}, {"resize": {"flavorRef": "1"}}):
        do(as_member, server, body).expect(409)
    as_member.delete(f"/servers/{server.uuid}").expect(409)
    do(as_admin, server, {"os-stop": None}).expect(202)


def test_a_lock_has_a_reason_from_2_73(as_member: ApiClient) -> None:
    server = make_server()
    path = f"/servers/{server.uuid}"
    act(as_member, server, "2.73", lock={"locked_reason": "holiday"}).expect(202)
    shown = as_member.get(path, microversion="2.73").json["server"]
    assert (shown["locked"], shown["locked_reason"]) == (True, "holiday")
    act(as_member, server, unlock=None).expect(202)
    shown = as_member.get(path, microversion="2.73").json["server"]
    assert (shown["locked"], shown["locked_reason"]) == (False, None)
    for wrong in ({"locked_reason": ""}, {"locked_reason": None}, {"nosuch": 1}, "text"):
        act(as_member, server, "2.73", lock=wrong).expect(400)
    act(as_member, server, "2.72", lock="text").expect(202)


def test_only_who_may_override_unlocks_anothers_lock(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    server = make_server(locked=True, locked_by="admin")
    act(as_member, server, unlock=None).expect(403)
    act(as_admin, server, unlock=None).expect(202)


def test_an_admin_says_what_state_a_server_is_in(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_server(task_state="pausing")
    body = {"os-resetState": {"state": "error"}}
    do(as_member, server, body).expect(403)
    do(as_admin, server, body).expect(202)
    assert state(server) == ("error", None)
    do(as_admin, server, {"os-resetState": {"state": "paused"}}).expect(400)
    lost = make_instance(vm_state="error", host=None)
    do(as_admin, lost, {"os-resetState": {"state": "active"}}).expect(409)


def test_an_admin_tells_a_server_its_network(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_server(network_info=[{"port_id": "gone"}])
    act(as_member, server, injectNetworkInfo=None).expect(403)
    act(as_admin, server, injectNetworkInfo=None).expect(202)
    server.refresh_from_db()
    assert server.network_info == []


def test_an_image_is_made(as_member: ApiClient) -> None:
    kept = {
        "image_os_type": "linux",
        "image_min_disk": "3",
        "image_img_signature": "of the old one",
    }
    kept |= {"password_0": "secret", "owner_user_name": "somebody"}
    server = make_server(image_ref=str(make_image().pk), system_metadata=kept)
    body = {"createImage": {"name": "mine", "metadata": {"a": "b"}}}
    answer = as_member.post(f"/servers/{server.uuid}/action", body, microversion="2.45")
    image = Image.objects.get(pk=answer.expect(202).json["image_id"])
    assert (image.name, image.owner_id, image.min_disk) == ("mine", server.project_id, 3)
    assert image.properties["a"] == "b"
    assert image.properties["os_type"] == "linux"
    assert image.properties["instance_uuid"] == str(server.uuid)
    assert image.properties["owner_user_name"] == "somebody"
    assert not {"password_0", "img_signature"} & image.properties.keys()
    old = do(as_member, server, body).expect(202)
    assert "/images/" in old.headers["Location"]


def test_the_quota_of_metadata_counts_for_images_until_2_38(as_member: ApiClient) -> None:
    limit("metadata_items", 2)
    server = make_server()
    body = {"createImage": {"name": "a", "metadata": {f"m{n}": "v" for n in range(3)}}}
    path = f"/servers/{server.uuid}/action"
    as_member.post(path, body, microversion="2.38").expect(403)
    as_member.post(path, body, microversion="2.39").expect(202)


def test_backups_rotate(as_member: ApiClient) -> None:
    server = make_server()
    for name in ("one", "two", "three"):
        body = {"name": name, "backup_type": "daily", "rotation": 2}
        act(as_member, server, "2.45", createBackup=body).expect(202)
    weekly = {"name": "four", "backup_type": "weekly", "rotation": 1}
    act(as_member, server, "2.45", createBackup=weekly).expect(202)
    assert set(Image.objects.values_list("name", flat=True)) == {"two", "three", "four"}


def test_the_console(as_member: ApiClient, as_reader: ApiClient) -> None:
    make_host("host")
    server = make_server()
    whole = do(as_member, server, {"os-getConsoleOutput": {}}).expect(200).json["output"]
    last = do(as_member, server, {"os-getConsoleOutput": {"length": "1"}}).json["output"]
    assert whole.endswith(f"\n{last}")
    do(as_reader, server, {"os-getConsoleOutput": {}}).expect(403)
    do(as_member, server, {"os-getConsoleOutput": {"length": -2}}).expect(400)


def test_a_server_is_deleted_at_once(as_member: ApiClient) -> None:
    server = make_order().instance
    do(as_member, server, {"forceDelete": None}).expect(202)
    as_member.get(f"/servers/{server.uuid}").expect(404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nosuch": None},
        {"os-stop": None, "os-start": None},
        {"reboot": None},
        {"reboot": {"type": "warm"}},
        {"changePassword": {}},
        {"createImage": {"name": ""}},
        {"createBackup": {"name": "a", "backup_type": "daily", "rotation": -1}},
        {"os-migrateLive": {}},
        [],
    ],
)
def test_wrong_bodies_come_before_unknown_servers(as_member: ApiClient, body: Any) -> None:
    path = "/servers/00000000-0000-4000-8000-00000000ffff/action"
    as_member.post(path, body).expect(400)
    as_member.post(path, {"os-stop": None}).expect(404)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient, as_manager: ApiClient) -> None:
    server = make_server()
    act(as_reader, server, pause=None).expect(403)
    act(as_outsider, server, pause=None).expect(404)
    act(as_manager, server, pause=None).expect(202)


def usage_of_host(name: str) -> tuple[int, int]:
    node = ComputeNode.objects.get(hypervisor_hostname=name)
    return node.vcpus_used, node.running_vms


def make_shelvable(host: str, **fields: Any) -> Instance:
    """A server with the records that it needs to be placed again."""
    node = make_host(host)
    server = make_server(host=host, node=host, **fields)
    RequestSpec.objects.create(instance=server, flavor=server.flavor)
    hold(server, node, MEMORY_MB=server.memory_mb, DISK_GB=server.root_gb)
    return server


def test_a_shelved_server_lies_on_no_host_until_it_comes_back(as_member: ApiClient) -> None:
    server = make_shelvable("host1", image_ref=str(make_image().pk), display_name="mine")
    act(as_member, server, shelve=None).expect(202)
    assert state(server) == ("active", "shelving")
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    again = act(as_member, server, shelve=None).expect(409)
    assert "is shelved_offloaded and runs on no host" in again.json["conflictingRequest"]["message"]
    assert (server.host, usage_of_host("host1")) == (None, (0, 0))
    assert Image.objects.filter(name="mine-shelved").exists()

    act(as_member, server, unshelve=None).expect(202)
    assert state(server) == ("shelved_offloaded", "unshelving")
    run_jobs()
    assert state(server) == ("active", None)
    assert (server.host, usage_of_host("host1")) == ("host1", (1, 1))
    assert not Image.objects.filter(name="mine-shelved").exists()


def test_a_shelved_server_for_which_there_is_no_host_stays_shelved(as_member: ApiClient) -> None:
    server = make_shelvable("host1", vm_state="stopped")
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    Service.objects.update(disabled=True)
    act(as_member, server, unshelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    assert server.host is None
    assert InstanceAction.objects.get(instance=server, action="unshelve").message == "Error"


def test_a_shelved_server_may_stay_on_its_host_for_a_while(
    as_member: ApiClient, as_admin: ApiClient, settings: Any
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, shelved_offload_time=3600)
    server = make_shelvable("host1", image_ref=str(make_image().pk))
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved", None)
    assert (server.host, usage_of_host("host1")) == ("host1", (1, 1))
    act(as_member, server, unshelve=None).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert (server.host, usage_of_host("host1")) == ("host1", (1, 1))

    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    act(as_member, server, shelveOffload=None).expect(403)
    act(as_admin, server, shelveOffload=None).expect(202)
    assert state(server) == ("shelved", "shelving_offloading")
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    assert (server.host, usage_of_host("host1")) == (None, (0, 0))
    act(as_admin, server, shelveOffload=None).expect(409)


@pytest.mark.parametrize(("option", "offloaded"), [(3600, 1), (7200, 0), (-1, 0)])
def test_a_server_that_was_shelved_for_long_leaves_its_host(
    as_member: ApiClient, settings: Any, option: int, offloaded: int
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, shelved_offload_time=option)
    server = make_shelvable("host1", image_ref=str(make_image().pk))
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    server.refresh_from_db()
    server.system_metadata["shelved_at"] = (timezone.now() - dt.timedelta(hours=1.5)).isoformat()
    server.save()
    assert offload_shelved() == offloaded
    run_jobs()
    assert state(server) == (("shelved_offloaded" if offloaded else "shelved"), None)


def test_a_server_booted_from_a_volume_leaves_its_host_at_once(
    as_member: ApiClient, settings: Any
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, shelved_offload_time=3600)
    server = make_shelvable("host1", image_ref="")
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)


def test_the_image_of_a_shelved_server_ends_with_it(as_member: ApiClient) -> None:
    server = make_shelvable("host1", image_ref=str(make_image().pk), display_name="mine")
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert not Image.objects.filter(name="mine-shelved").exists()


@pytest.mark.parametrize("end", ["unshelve", "delete"])
@pytest.mark.parametrize("by_admin", [False, True])
def test_an_admin_of_another_project_leaves_no_image_of_what_was_shelved(
    as_outsider: ApiClient, as_admin: ApiClient, by_admin: bool, end: str
) -> None:
    image = str(make_image().pk)
    server = make_shelvable("host1", image_ref=image, display_name="mine", project_id=BETA)
    act(as_admin if by_admin else as_outsider, server, shelve=None).expect(202)
    run_jobs()
    assert Image.objects.get(name="mine-shelved").owner_id == BETA
    if end == "unshelve":
        act(as_admin, server, unshelve=None).expect(202)
    else:
        as_admin.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert not Image.objects.filter(name="mine-shelved").exists()


def test_a_server_that_is_shelved_once_more_has_one_image(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DriverFailed("The disk is full.")

    server = make_shelvable("host1", image_ref=str(make_image().pk), display_name="mine")
    with monkeypatch.context() as patch:
        patch.setattr(fake, "destroy", fail)
        act(as_member, server, shelve=None).expect(202)
        run_jobs()
    assert state(server) == ("active", None)
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    kept = server.system_metadata["shelved_image_id"]
    assert [str(image.pk) for image in Image.objects.filter(name="mine-shelved")] == [kept]


def test_ports_follow_a_server_that_comes_back_elsewhere(as_member: ApiClient, db: None) -> None:
    server = Rack().server(as_member, networks=[{"uuid": str(make_network().pk)}])
    before = server.host
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    Service.objects.filter(host=before).update(disabled=True)
    act(as_member, server, unshelve=None).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert Port.objects.get().binding_host == server.host != before


def test_an_action_of_another_microversion_is_not_found(as_member: ApiClient) -> None:
    server = make_server()
    act(as_member, server, "2.16", trigger_crash_dump=None).expect(404)
    act(as_member, server, "2.17", trigger_crash_dump=5).expect(400)
    act(as_member, server, "2.16", trigger_crash=None).expect(400)


@pytest.mark.parametrize("vm_state", ["stopped", "suspended", "soft-delete", "shelved_offloaded"])
def test_only_what_runs_can_dump(as_member: ApiClient, vm_state: str) -> None:
    make_host("host")
    act(as_member, make_server(vm_state), "2.17", trigger_crash_dump=None).expect(409)
    assert not InstanceAction.objects.exists()


@pytest.mark.parametrize("vm_state", ["active", "paused", "rescued", "resized", "error"])
def test_a_crash_dump_leaves_only_a_trace(as_member: ApiClient, vm_state: str) -> None:
    make_host("host")
    server = make_server(vm_state)
    act(as_member, server, "2.17", trigger_crash_dump=None).expect(202)
    assert state(server) == (vm_state, None)
    action = InstanceAction.objects.get(instance=server)
    assert (action.action, action.message) == ("trigger_crash_dump", None)


def test_a_crash_dump_that_fails_shows_in_the_history(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DriverFailed("The guest has no kernel.")

    monkeypatch.setattr(fake, "trigger_crash_dump", fail)
    make_host("host")
    server = make_server()
    act(as_member, server, "2.17", trigger_crash_dump=None).expect(202)
    assert InstanceAction.objects.get(instance=server).message == "Error"


def test_where_a_shelved_server_comes_back(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_shelvable("host1")
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    make_host("host2")
    for wrong in ({"host": 5}, {"nosuch": 1}):
        act(as_member, server, "2.91", unshelve=wrong).expect(400)
    act(as_member, server, "2.77", unshelve={"availability_zone": None}).expect(400)
    act(as_member, server, "2.77", unshelve={"availability_zone": "nosuch"}).expect(400)
    act(as_member, server, "2.91", unshelve={"host": "host2"}).expect(403)
    act(as_admin, server, "2.91", unshelve={"host": "nosuch"}).expect(400)
    act(as_admin, server, "2.91", unshelve={"host": "host2"}).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert server.host == "host2"


def test_a_server_comes_back_to_a_host_of_its_zone(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    server = make_shelvable("host1")
    make_zone("near", ComputeNode.objects.get())
    make_zone("far", make_host("host2"))
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    RequestSpec.objects.update(availability_zone="near")
    act(as_admin, server, "2.91", unshelve={"host": "host2"}).expect(409)
    both = {"host": "host1", "availability_zone": "far"}
    act(as_admin, server, "2.91", unshelve=both).expect(409)
    act(as_member, server, "2.91", unshelve=both | {"availability_zone": "nosuch"}).expect(400)
    act(as_member, server, "2.91", unshelve=both).expect(403)
    anywhere = {"host": "host2", "availability_zone": None}
    act(as_admin, server, "2.91", unshelve=anywhere).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert server.host == "host2"


def test_a_server_comes_back_to_the_zone_of_its_volumes_where_they_must_not_differ(
    as_member: ApiClient, settings: Any
) -> None:
    server, volume = make_shelvable("host1"), make_volume(availability_zone="far")
    BlockDevice.objects.create(instance=server, volume_id=str(volume.pk))
    for zone in ("near", "far"):
        make_zone(zone, make_host(f"in-{zone}"))
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, cross_az_attach=False)
    act(as_member, server, "2.77", unshelve={"availability_zone": "near"}).expect(409)
    act(as_member, server, "2.77", unshelve={"availability_zone": "far"}).expect(202)


def rebuild(client: ApiClient, server: Instance, version: str = "2.94", **values: Any) -> Answer:
    body = {"rebuild": values}
    return client.post(f"/servers/{server.uuid}/action", body, microversion=version)


def make_rebuildable(**fields: Any) -> tuple[Instance, str]:
    """A server, and the id of another image."""
    make_host("host")
    image = str(make_image(properties={"os_type": "linux"}).pk)
    return make_server(image_ref=str(make_image().pk), **fields), image


@pytest.mark.parametrize(
    ("before", "after", "power"),
    [("active", "active", 1), ("error", "active", 1), ("stopped",) * 2 + (4,)],
)
def test_a_server_is_built_anew(as_member: ApiClient, before: str, after: str, power: int) -> None:
    server, image = make_rebuildable(vm_state=before, metadata={"old": "1"}, key_name="old")
    answer = rebuild(
        as_member,
        server,
        imageRef=image,
        name="new",
        metadata={"a": "b"},
        key_name=None,
        user_data="Zm9v",
        adminPass="secret",
        description="d",
    ).expect(202)
    shown = answer.json["server"]
    assert answer.headers["Location"].endswith(f"/servers/{server.uuid}")
    assert (shown["status"], shown["adminPass"]) == ("REBUILD", "secret")
    assert (shown["image"]["id"], shown["name"]) == (image, "new")
    assert (shown["metadata"], shown["user_data"]) == ({"a": "b"}, "Zm9v")
    assert (shown["key_name"], shown["description"]) == (None, "d")
    run_jobs()
    assert state(server) == (after, None)
    assert server.power_state == power
    assert server.system_metadata["image_os_type"] == "linux"


def test_a_rebuild_begins_as_a_whole_or_not_at_all(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unwritable:
        @property
        def objects(self) -> None:
            raise WrongState("The demand cannot be written now.")

    server, image = make_rebuildable()
    monkeypatch.setattr(rebuilding, "RequestSpec", Unwritable())
    rebuild(as_member, server, imageRef=image).expect(409)
    assert state(server) == ("active", None)
    assert not InstanceAction.objects.exists()


def test_what_a_rebuild_does_not_name_stays(as_member: ApiClient) -> None:
    server, image = make_rebuildable(metadata={"old": "1"}, key_name="old", user_data="Zm9v")
    shown = rebuild(as_member, server, imageRef=image).json["server"]
    assert (shown["metadata"], shown["key_name"]) == ({"old": "1"}, "old")
    assert shown["user_data"] == "Zm9v"
    assert len(shown["adminPass"]) == 12


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"imageRef": "00000000-0000-4000-8000-00000000ffff"}, 400),
        ({"key_name": "nosuch"}, 400),
        ({"name": ""}, 400),
        ({"metadata": {"a": 5}}, 400),
        ({"metadata": {f"m{number}": "v" for number in range(129)}}, 403),
        ({"accessIPv4": "x"}, 400),
        ({"nosuch": 1}, 400),
    ],
)
def test_wrong_rebuilds_are_refused(
    as_member: ApiClient, values: dict[str, Any], status: int
) -> None:
    server, image = make_rebuildable()
    rebuild(as_member, server, **{"imageRef": image, **values}).expect(status)
    assert state(server) == ("active", None)


def test_an_image_that_does_not_fit_is_refused(as_member: ApiClient) -> None:
    server, _ = make_rebuildable()
    large = make_image(min_disk=100)
    rebuild(as_member, server, imageRef=str(large.pk)).expect(400)


@pytest.mark.parametrize(
    ("key", "value", "since"),
    [
        ("description", "d", "2.19"),
        ("key_name", None, "2.54"),
        ("user_data", None, "2.57"),
        ("trusted_image_certificates", None, "2.63"),
        ("hostname", "new", "2.90"),
    ],
)
def test_keys_of_a_rebuild_by_version(
    as_member: ApiClient, key: str, value: Any, since: str
) -> None:
    server, image = make_rebuildable()
    before = f"2.{int(since[2:]) - 1}"
    rebuild(as_member, server, before, imageRef=image, **{key: value}).expect(400)
    rebuild(as_member, server, since, imageRef=image, **{key: value}).expect(202)
