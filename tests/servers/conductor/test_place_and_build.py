"""A reservation goes from accepted to active: what each record says on the way and at the end."""

from __future__ import annotations

from typing import Any

import pytest

from servers.build.place import place_reservation
from servers.drivers import fake
from servers.drivers.protocol import Guest
from servers.models import (
    Allocation,
    BlockDevice,
    BuildRequest,
    ComputeNode,
    Consumer,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    InstanceMapping,
    ServerFault,
    Tag,
)
from tests.world.factories import make_flavor, make_network
from tests.world.hosts import held_by, make_host, make_zone
from tests.world.jobs import queued, run_jobs
from tests.world.reservations import make_reservation, usage_of

pytestmark = pytest.mark.django_db


def test_a_server_becomes_active_on_a_host() -> None:
    node = make_host("host1")
    make_zone("zone-a", node)
    flavor = make_flavor(vcpus=2, memory_mb=2048, root_gb=10, ephemeral_gb=5, swap=1025)
    [server] = make_reservation(flavor=flavor, tags=["web"])

    run_jobs()

    server.refresh_from_db()
    assert (server.vm_state, server.task_state, server.power_state) == ("active", None, 1)
    assert (server.host, server.node, server.availability_zone) == ("host1", "host1", "zone-a")
    assert server.launched_at is not None
    assert server.progress == 0
    assert server.root_device_name == "/dev/vda"
    assert InstanceMapping.objects.get(instance=server).cell.name == "cell1"
    assert not BuildRequest.objects.filter(instance=server).exists()
    assert held_by(server) == {"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 17}
    node.refresh_from_db()
    used = (node.vcpus_used, node.memory_mb_used, node.local_gb_used, node.running_vms)
    assert used == (2, 2048, 17, 1)
    assert [disk.device_name for disk in BlockDevice.objects.filter(instance=server)] == [
        "/dev/vda"
    ]
    assert list(Tag.objects.values_list("tag", flat=True)) == ["web"]


def test_the_action_create_has_one_event_by_the_host() -> None:
    make_host("host1")
    [server] = make_reservation()
    run_jobs()
    action = InstanceAction.objects.get(instance=server)
    assert (action.action, action.message) == ("create", None)
    assert action.request_id == "req-00000000-0000-4000-8000-000000000001"
    event = InstanceActionEvent.objects.get(action=action)
    assert event.event == "compute__do_build_and_run_instance"
    assert (event.result, event.host) == ("Success", "host1")
    assert event.finish_time is not None


def test_a_boot_from_volume_takes_no_root_disk_of_the_host() -> None:
    node = make_host()
    make_reservation(flavor=make_flavor(root_gb=100), is_bfv=True, block_devices=[])
    run_jobs()
    node.refresh_from_db()
    assert node.local_gb_used == 0


def test_nics_are_made_and_kept_in_the_server() -> None:
    make_host()
    network = make_network()
    [server] = make_reservation(networks=[{"network_id": str(network.pk)}])
    run_jobs()
    server.refresh_from_db()
    assert server.vm_state == "active"
    [nic] = server.network_info
    assert nic["network_id"] == str(network.pk)
    assert nic["label"] == network.name
    assert len(nic["addresses"]) == 1


def test_the_driver_gets_password_and_files_in_clear_and_the_queue_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guests: list[Guest] = []
    monkeypatch.setattr(fake, "spawn", guests.append)
    make_host()
    make_reservation(password="open sesame", files=[{"path": "/etc/a", "contents": "aGk="}])
    while not guests:
        assert "open sesame" not in str(queued())
        run_jobs()
    [guest] = guests
    assert guest.admin_password == "open sesame"
    assert "open sesame" not in repr(guest)
    assert guest.files == ({"path": "/etc/a", "contents": "aGk="},)
    assert len(guest.disks) == 1


def test_many_servers_of_a_reservation_are_spread_over_the_hosts() -> None:
    nodes = [make_host("host1"), make_host("host2")]
    servers = make_reservation(6)
    run_jobs()
    assert {server.vm_state for server in Instance.objects.all()} == {"active"}
    assert len(servers) == 6
    assert [ComputeNode.objects.get(pk=node.pk).running_vms for node in nodes] == [3, 3]


def test_placing_takes_as_many_statements_for_one_server_as_for_twenty(statements: Any) -> None:
    make_host("host1", vcpus=100)
    make_host("host2", vcpus=100)
    counts = []
    for number in (2, 20):
        [server, *_] = make_reservation(number)
        with statements() as seen:
            place_reservation(server.reservation_id)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_without_a_host_every_server_is_buried_with_the_reason() -> None:
    make_host("host1", disabled=True)
    make_host("host2", memory_mb=100)
    make_zone("zone-b", make_host("host3"))
    servers = make_reservation(2, availability_zone="nova", tags=["web"])
    before = usage_of()

    run_jobs()

    for server in servers:
        server.refresh_from_db()
        assert (server.vm_state, server.task_state, server.host) == ("error", None, None)
        assert InstanceMapping.objects.get(instance=server).cell.name == "cell0"
        fault = ServerFault.objects.get(instance=server)
        assert fault.code == 500
        assert "3 hosts" in fault.message
        assert "1 disabled" in fault.message
        assert "1 in another zone" in fault.message
        assert "1 with too little free memory" in fault.message
        assert "host1" in fault.details
        assert "host1" not in fault.message
        action = InstanceAction.objects.get(instance=server)
        assert (action.action, action.message) == ("create", "Error")
        event = action.events.get()
        assert event.event == "conductor_schedule_and_build_instances"
        assert event.result == "Error"
    assert not BuildRequest.objects.exists()
    assert not Allocation.objects.exists()
    assert BlockDevice.objects.count() == 2
    assert Tag.objects.count() == 2
    assert usage_of() == before


def test_a_server_deleted_before_it_is_placed_is_left_out() -> None:
    make_host()
    gone, kept = make_reservation(2)
    BuildRequest.objects.filter(instance=gone).delete()
    run_jobs()
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert kept.vm_state == "active"
    assert gone.host is None
    assert not Consumer.objects.filter(instance=gone).exists()


def test_placing_twice_does_nothing_the_second_time() -> None:
    node = make_host()
    [server] = make_reservation()
    place_reservation(server.reservation_id)
    place_reservation(server.reservation_id)
    assert Consumer.objects.count() == 1
    assert len(queued("servers.build_server")) == 1
    node.refresh_from_db()
    assert node.running_vms == 1
