"""A server is deleted in every phase: nothing stays claimed, and nothing is given back twice."""

from __future__ import annotations

import pytest
from django.test import TestCase

from compute_site.neighbours.network.models import Port
from compute_site.neighbours.volume.models import Attachment, Volume
from servers.build.place import place_reservation
from servers.delete.delete import delete_server, finish_delete
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.errors import ServerLocked
from servers.lifecycle.jobs import DeleteServer
from servers.models import (
    BuildRequest,
    ComputeNode,
    Consumer,
    Instance,
    InstanceAction,
    InstanceMapping,
    ServerFault,
    ServerGroup,
    ServerGroupMember,
    Service,
)
from tests.world.callers import caller_of
from tests.world.cast import Cast, Persona
from tests.world.factories import make_network, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs
from tests.world.reservations import make_reservation, usage_of

pytestmark = pytest.mark.django_db

MEMBER = Cast.member


def delete(server: Instance, persona: Persona = MEMBER) -> None:
    server.refresh_from_db()
    with TestCase.captureOnCommitCallbacks(execute=True):
        delete_server(caller_of(persona), server)


def assert_nothing_is_left(server: Instance) -> None:
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("deleted", None)
    assert server.deleted_at is not None
    assert server.terminated_at is not None
    assert usage_of() == {}
    assert not BuildRequest.objects.filter(instance=server).exists()
    assert not Consumer.objects.filter(instance=server).exists()
    assert not ServerGroupMember.objects.filter(instance=server).exists()
    assert not Port.objects.filter(device_id=str(server.uuid)).exists()
    assert not Attachment.objects.filter(server_id=server.uuid).exists()
    assert InstanceMapping.objects.get(instance=server).queued_for_delete
    for node in ComputeNode.objects.all():
        used = (node.vcpus_used, node.memory_mb_used, node.local_gb_used, node.running_vms)
        assert used == (0, 0, 0, 0)


def test_before_it_is_placed() -> None:
    group = ServerGroup.objects.create(
        name="g", policy="affinity", project_id=MEMBER.project_id, user_id=MEMBER.user_id
    )
    [server] = make_reservation(group=group)
    delete(server)
    assert_nothing_is_left(server)
    assert run_jobs() == 2  # neither the conductor nor who gives back finds anything to do
    assert_nothing_is_left(server)


def test_before_it_is_placed_with_volumes() -> None:
    ending, staying = make_volume(status="reserved"), make_volume(status="reserved")
    disks = [
        {"source_type": "volume", "destination_type": "volume", "volume_id": str(volume.pk)}
        for volume in (ending, staying)
    ]
    disks[0]["delete_on_termination"] = True
    [server] = make_reservation(block_devices=disks)
    for volume in (ending, staying):
        Attachment.objects.create(volume=volume, server_id=server.uuid)
    delete(server)
    assert_nothing_is_left(server)
    assert list(Volume.objects.values_list("pk", "status")) == [(staying.pk, "available")]


def test_between_placing_and_building() -> None:
    make_host()
    [server] = make_reservation()
    place_reservation(server.reservation_id)
    delete(server)
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("building", "deleting")
    run_jobs()
    assert_nothing_is_left(server)


@pytest.mark.parametrize("step", ["plug_nics", "attach_disks", "spawn"])
def test_in_the_middle_of_building(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    make_host()
    network = make_network()
    [server] = make_reservation(networks=[{"network_id": str(network.pk)}])
    ended: list[str] = []
    monkeypatch.setattr(fake, step, lambda _guest: delete(server))
    monkeypatch.setattr(fake, "destroy", lambda server_id, _node: ended.append(server_id))
    run_jobs()
    assert_nothing_is_left(server)
    assert str(server.uuid) in ended


def test_in_the_middle_of_building_on_a_host_that_went_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host()
    network = make_network()
    [server] = make_reservation(networks=[{"network_id": str(network.pk)}])

    def go_down(guest: object) -> None:
        Service.objects.update(forced_down=True)
        delete(server)

    monkeypatch.setattr(fake, "spawn", go_down)
    run_jobs()
    assert_nothing_is_left(server)


def test_when_it_is_active() -> None:
    make_host()
    network = make_network()
    volume = make_volume(status="reserved")
    disk = {
        "source_type": "volume",
        "destination_type": "volume",
        "volume_id": str(volume.pk),
        "boot_index": 0,
    }
    [server] = make_reservation(networks=[{"network_id": str(network.pk)}], block_devices=[disk])
    Attachment.objects.create(volume=volume, server_id=server.uuid)
    run_jobs()
    volume.refresh_from_db()
    assert volume.status == "in-use"

    delete(server)
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("active", "deleting")
    run_jobs()

    assert_nothing_is_left(server)
    volume.refresh_from_db()
    assert volume.status == "available"
    action = InstanceAction.objects.get(instance=server, action="delete")
    event = action.events.get()
    assert (event.event, event.result) == ("compute_terminate_instance", "Success")


def test_when_its_host_is_down() -> None:
    make_host()
    [server] = make_reservation()
    run_jobs()
    Service.objects.update(forced_down=True)
    delete(server)
    assert_nothing_is_left(server)
    assert queued(DeleteServer.task_name) == []


def test_when_it_is_buried_in_cell0() -> None:
    [server] = make_reservation()
    run_jobs()
    delete(server)
    assert_nothing_is_left(server)


def test_twice_gives_back_once() -> None:
    make_host()
    first, second = make_reservation(2)
    run_jobs()
    delete(first)
    delete(first)
    assert len(queued()) == 1
    run_jobs()
    stale = Instance.objects.get(pk=first.pk)
    delete_server(caller_of(MEMBER), stale)
    finish_delete(DeleteServer(server_id=str(first.uuid)))
    assert usage_of() == {"instances": 1, "cores": 1, "ram": 512}
    node = ComputeNode.objects.get()
    assert (node.vcpus_used, node.running_vms) == (1, 1)
    second.refresh_from_db()
    assert second.vm_state == "active"


def test_a_host_that_cannot_end_the_guest_leaves_an_error_that_can_be_deleted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host()
    [server] = make_reservation()
    run_jobs()

    def refuse(server_id: str, node: str) -> None:
        raise DriverFailed("The guest does not stop.")

    with monkeypatch.context() as patch:
        patch.setattr(fake, "destroy", refuse)
        delete(server)
        run_jobs()
    server.refresh_from_db()
    assert (server.vm_state, server.task_state, server.host) == ("error", None, server.host)
    assert ServerFault.objects.get(instance=server).message == "The guest does not stop."
    assert usage_of()["instances"] == 1
    delete(server)
    run_jobs()
    assert_nothing_is_left(server)


def test_a_locked_server_is_deleted_by_an_admin_only() -> None:
    make_host()
    [server] = make_reservation()
    run_jobs()
    Instance.objects.update(locked=True)
    with pytest.raises(ServerLocked):
        delete(server)
    delete(server, Cast.admin)
    run_jobs()
    assert_nothing_is_left(server)
