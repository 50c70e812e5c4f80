"""A build that fails: another host, or an error that says why and holds nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError

from compute_site.neighbours.network import local as network
from compute_site.neighbours.network.models import Port
from compute_site.neighbours.network.protocol import NetworkServiceUnavailable, NicFailed
from compute_site.neighbours.volume import local as volume
from compute_site.neighbours.volume.models import Attachment, Volume
from servers.build.place import place_reservation
from servers.delete.delete import delete_server
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.lifecycle.jobs import DeleteServer, ReleaseServices
from servers.models import (
    Allocation,
    BuildRequest,
    ComputeNode,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    InstanceMapping,
    ServerFault,
)
from tests.world.callers import caller_of
from tests.world.cast import Cast
from tests.world.factories import make_network, make_volume
from tests.world.hosts import make_host, set_inventory
from tests.world.jobs import queued, run_jobs
from tests.world.reservations import make_reservation, usage_of

pytestmark = pytest.mark.django_db


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def tried_hosts(server: Instance) -> list[str | None]:
    events = InstanceActionEvent.objects.filter(action__instance=server).order_by("pk")
    return [event.host for event in events]


def assert_failed(server: Instance, message: str) -> None:
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("error", None)
    assert (server.host, server.node, server.network_info) == (None, None, [])
    fault = ServerFault.objects.get(instance=server)
    assert message in fault.message
    assert fault.code == 500
    assert "Traceback" in fault.details
    assert InstanceAction.objects.get(instance=server).message == "Error"
    assert InstanceMapping.objects.get(instance=server).cell.name == "cell1"
    assert not Allocation.objects.exists()
    assert not Port.objects.exclude(device_id="").exists()
    assert not Attachment.objects.exists()
    assert all(node.running_vms == node.vcpus_used == 0 for node in ComputeNode.objects.all())
    assert usage_of()["instances"] == 1
    assert queued() == []


def test_a_failing_host_hands_the_server_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host("bad", memory_mb=65536)
    make_host("good")
    nic_network = make_network()

    def spawn(guest: Guest) -> None:
        if guest.node == "bad":
            raise DriverFailed("The host is out of order.")

    monkeypatch.setattr(fake, "spawn", spawn)
    [server] = make_reservation(networks=[{"network_id": str(nic_network.pk)}])
    run_jobs()
    server.refresh_from_db()
    assert (server.vm_state, server.host, server.node) == ("active", "good", "good")
    assert tried_hosts(server) == ["bad", "good"]
    assert Port.objects.get().binding_host == "good"
    assert not ServerFault.objects.exists()
    assert {node.hypervisor_hostname: node.running_vms for node in ComputeNode.objects.all()} == {
        "bad": 0,
        "good": 1,
    }


def test_as_many_hosts_are_tried_as_the_option_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        make_host(f"host{number}", memory_mb=32768 - number)
    monkeypatch.setattr(fake, "spawn", failing(DriverFailed("The host is out of order.")))
    [server] = make_reservation()
    run_jobs()
    assert tried_hosts(server) == ["host0", "host1", "host2"]
    assert_failed(server, "The host is out of order.")


def test_a_forced_host_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host("host1")
    make_host("host2")
    monkeypatch.setattr(fake, "spawn", failing(DriverFailed("The host is out of order.")))
    [server] = make_reservation(force_hosts=["host1"])
    run_jobs()
    assert tried_hosts(server) == ["host1"]
    assert_failed(server, "The host is out of order.")


def test_an_alternate_that_has_filled_up_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host("host1", memory_mb=65536)
    other = make_host("host2")
    monkeypatch.setattr(fake, "spawn", failing(DriverFailed("The host is out of order.")))
    [server] = make_reservation()
    place_reservation(server.reservation_id)
    set_inventory(other, {"VCPU": 0})
    run_jobs()
    assert tried_hosts(server) == ["host1"]
    assert_failed(server, "The host is out of order.")


@pytest.mark.parametrize(
    ("service", "call", "error"),
    [
        (network, "connect_all", NicFailed("Port p is in use.")),
        (volume, "attach", NicFailed("No such volume.")),
    ],
)
def test_what_no_other_host_would_change_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, service: object, call: str, error: Exception
) -> None:
    make_host("host1")
    make_host("host2")
    monkeypatch.setattr(service, call, failing(error))
    disk = {"source_type": "blank", "destination_type": "volume", "volume_size": 1}
    [server] = make_reservation(block_devices=[disk | {"delete_on_termination": True}])
    run_jobs()
    assert len(tried_hosts(server)) == 1
    assert_failed(server, str(error))
    assert not Volume.objects.exists()


def test_an_error_that_is_not_ours_shows_only_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host()
    monkeypatch.setattr(fake, "spawn", failing(ZeroDivisionError("secret of the host")))
    [server] = make_reservation()
    run_jobs()
    assert_failed(server, "ZeroDivisionError")
    assert "secret" not in ServerFault.objects.get().message
    assert "secret" in ServerFault.objects.get().details


def test_a_driver_that_is_not_known_is_a_failure_of_the_host() -> None:
    make_host("host1", driver="steam", last_seen_up="2999-01-01T00:00:00Z")
    [server] = make_reservation()
    run_jobs()
    assert_failed(server, "'steam'")


def test_a_failure_of_the_database_is_left_to_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host()
    [server] = make_reservation()
    place_reservation(server.reservation_id)
    with monkeypatch.context() as patch:
        patch.setattr(fake, "spawn", failing(OperationalError("the connection is lost")))
        with pytest.raises(OperationalError):
            run_jobs()
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("building", "spawning")


def test_a_volume_that_existed_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host()
    existing = make_volume(status="reserved")
    disk = {"source_type": "volume", "destination_type": "volume", "volume_id": str(existing.pk)}
    [server] = make_reservation(block_devices=[disk])
    Attachment.objects.create(volume=existing, server_id=server.uuid)
    monkeypatch.setattr(fake, "spawn", failing(DriverFailed("The host is out of order.")))
    run_jobs()
    assert_failed(server, "out of order")
    existing.refresh_from_db()
    assert existing.status == "available"


def test_a_service_that_does_not_answer_keeps_nobody_from_deleting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host()
    nic_network = make_network()
    [server] = make_reservation(networks=[{"network_id": str(nic_network.pk)}])
    run_jobs()
    with monkeypatch.context() as patch:
        patch.setattr(network, "disconnect", failing(NetworkServiceUnavailable("It is away.")))
        delete_server(caller_of(Cast.member), Instance.objects.get())
        waiting = queued(DeleteServer.task_name)
        assert waiting == [{"server_id": str(server.uuid)}]
        with pytest.raises(NetworkServiceUnavailable):
            run_jobs()  # deletes, then tries the release again
    server.refresh_from_db()
    assert server.vm_state == "deleted"
    assert usage_of() == {}
    assert Port.objects.count() == 1
    ReleaseServices(server_id=str(server.uuid), volumes=()).defer()
    run_jobs()
    assert not Port.objects.exists()
    assert not BuildRequest.objects.exists()
