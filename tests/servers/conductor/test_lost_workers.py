"""Whatever statement a worker dies at: the next one finishes, and nothing is held twice or kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compute_site.neighbours.network.models import FixedIp, Port
from compute_site.neighbours.volume.models import Attachment, Volume
from servers.delete.delete import delete_server
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.models import (
    BuildRequest,
    Consumer,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    InstanceMapping,
    ServerFault,
)
from tests.world.callers import caller_of
from tests.world.cast import Cast
from tests.world.crashes import Crash, every_crash, run_jobs_with_crash
from tests.world.factories import make_network, make_volume
from tests.world.hosts import assert_hosts_add_up, make_host
from tests.world.jobs import queued, run_jobs
from tests.world.reservations import make_reservation, usage_of
from tests.world.restoring import Prepared

Spawn = Callable[[Guest], None]

# Real transactions: what was committed before the death must stay.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cast")]


def assert_counters_match() -> None:
    """The counters of each host are the sum of what servers hold of it."""
    assert_hosts_add_up()


def reserve(network: object) -> tuple[Instance, Volume]:
    """A server with a NIC, a local disk, a volume that exists and one that is to be made."""
    volume = make_volume(status="reserved")
    disks = [
        {"source_type": "image", "destination_type": "local", "boot_index": 0},
        {"source_type": "volume", "destination_type": "volume", "volume_id": str(volume.pk)},
        {
            "source_type": "blank",
            "destination_type": "volume",
            "volume_size": 1,
            "delete_on_termination": True,
        },
    ]
    [server] = make_reservation(
        networks=[{"network_id": str(network)}], block_devices=disks, password="secret"
    )
    Attachment.objects.create(volume=volume, server_id=server.uuid)
    return server, volume


def assert_active(server: Instance, volume: Volume) -> None:
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("active", None)
    assert Consumer.objects.filter(instance=server).count() == 1
    assert Port.objects.filter(device_id=str(server.uuid)).count() == 1
    assert FixedIp.objects.filter(port__device_id=str(server.uuid)).count() == 1
    assert Attachment.objects.filter(server_id=server.uuid).count() == 2
    assert InstanceAction.objects.filter(instance=server).count() == 1
    volume.refresh_from_db()
    assert volume.status == "in-use"
    assert not BuildRequest.objects.filter(instance=server).exists()
    assert_counters_match()


def assert_nothing_is_held(server: Instance, volume: Volume) -> None:
    """Neither of a host nor of a service; volumes made for the server are gone."""
    assert not Consumer.objects.filter(instance=server).exists()
    assert not Port.objects.filter(device_id=str(server.uuid)).exists()
    assert not Attachment.objects.filter(server_id=server.uuid).exists()
    assert not Volume.objects.exclude(status="in-use").exclude(pk=volume.pk).exists()
    volume.refresh_from_db()
    assert volume.status == "available"
    assert_counters_match()


def assert_deleted(server: Instance, volume: Volume, *, usage: dict[str, int]) -> None:
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("deleted", None)
    assert usage_of() == usage
    assert not BuildRequest.objects.filter(instance=server).exists()
    assert_nothing_is_held(server, volume)


def through_every_crash(
    prepare: Callable[[], None], check: Callable[[], None], *, at_spawn: Spawn | None = None
) -> int:
    """Die at each statement of the jobs in turn, then let the next worker finish.

    With ``at_spawn`` the driver does that, and only statements after it are counted.
    """
    begin = Prepared(prepare)
    for at in every_crash():
        crash = Crash(at, waiting=at_spawn is not None)
        begin()
        with pytest.MonkeyPatch.context() as patch:
            if at_spawn is not None:
                patch.setattr(fake, "spawn", beginning_at(at_spawn, crash))
            run_jobs_with_crash(crash)
            run_jobs()
        check()
        assert queued() == []
        if not crash.happened:
            return at
    raise AssertionError


def beginning_at(spawn: Spawn, crash: Crash) -> Spawn:
    def begin_and_spawn(guest: Guest) -> None:
        crash.begin()
        spawn(guest)

    return begin_and_spawn


class Scene:
    """A server through one life, and what must be true at its end."""

    def __init__(self) -> None:
        self.network = make_network().pk

    def reserve(self) -> None:
        self.server, self.volume = reserve(self.network)

    def check_active(self) -> None:
        assert_active(self.server, self.volume)

    def check_deleted(self) -> None:
        assert_deleted(self.server, self.volume, usage={})


def make_large_host(name: str = "host1", memory_mb: int = 10**6, **values: object) -> None:
    """A host that never fills up."""
    make_host(name, vcpus=1000, memory_mb=memory_mb, local_gb=10**6, **values)


def test_while_placing_and_building() -> None:
    make_large_host()
    scene = Scene()
    assert through_every_crash(scene.reserve, scene.check_active) > 30


def test_while_burying() -> None:
    make_large_host(disabled=True)
    scene = Scene()

    def check() -> None:
        scene.server.refresh_from_db()
        assert scene.server.vm_state == "error"
        assert InstanceMapping.objects.get(instance=scene.server).cell.name == "cell0"
        assert ServerFault.objects.filter(instance=scene.server).count() == 1

    assert through_every_crash(scene.reserve, check) > 8


def test_while_deleting() -> None:
    make_large_host()
    scene = Scene()

    def prepare() -> None:
        scene.reserve()
        run_jobs()
        delete_server(caller_of(Cast.member), Instance.objects.get(pk=scene.server.pk))

    assert through_every_crash(prepare, scene.check_deleted) > 10


def test_while_a_deletion_interrupts_the_build() -> None:
    make_large_host()
    scene = Scene()

    def delete(guest: Guest) -> None:
        delete_server(caller_of(Cast.member), Instance.objects.get(uuid=guest.server_id))

    assert through_every_crash(scene.reserve, scene.check_deleted, at_spawn=delete) > 15


def test_while_going_on_to_another_host() -> None:
    make_large_host("bad", memory_mb=10**7)
    make_large_host("good")
    scene = Scene()

    def spawn(guest: Guest) -> None:
        if guest.node == "bad":
            raise DriverFailed("The host is out of order.")

    def check() -> None:
        scene.server.refresh_from_db()
        assert scene.server.host == "good"
        events = InstanceActionEvent.objects.filter(action__instance=scene.server)
        assert sorted(events.values_list("host", "result")) == [
            ("bad", "Error"),
            ("good", "Success"),
        ]
        scene.check_active()

    assert through_every_crash(scene.reserve, check, at_spawn=spawn) > 30


def test_while_failing_for_good() -> None:
    make_large_host()
    scene = Scene()

    def spawn(guest: Guest) -> None:
        raise DriverFailed("The host is out of order.")

    def check() -> None:
        server = scene.server
        server.refresh_from_db()
        assert (server.vm_state, server.task_state, server.host) == ("error", None, None)
        fault = ServerFault.objects.get(instance=server)
        assert fault.message == "The host is out of order."
        assert usage_of()["instances"] == Instance.objects.count()
        assert_nothing_is_held(server, scene.volume)

    assert through_every_crash(scene.reserve, check, at_spawn=spawn) > 10
