"""What other services hold for servers is given back however often a service fails, and wherever
the process dies.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from compute_site.faults import Unavailable
from compute_site.neighbours.image import local as images
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.network import local as network
from compute_site.neighbours.network.models import Port
from compute_site.neighbours.volume import local as volumes
from compute_site.neighbours.volume.models import Attachment, Volume
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.lifecycle.jobs import GIVE_BACKS
from servers.models import BlockDevice, Instance
from servers.worker.patience import ATTEMPTS
from servers.worker.recovery import MAX_ATTEMPTS
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.crashes import Crash, every_crash, run_jobs_with_crash
from tests.world.factories import make_network, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db(transaction=True)

FAILURES = ATTEMPTS + 2
"""More than a job may fail for reasons of its own."""


class Away(Unavailable):
    """What a service that is away says."""


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return Shop()


@pytest.fixture
def server(as_member: ApiClient, shop: Shop) -> Instance:
    """A server that runs, with a port, a volume that stays and one that ends with it."""
    make_host("host1")
    disks = [
        {
            "source_type": "volume",
            "destination_type": "volume",
            "uuid": str(make_volume().pk),
            "boot_index": -1,
            "delete_on_termination": ends,
        }
        for ends in (False, True)
    ]
    answer = shop.order(
        as_member,
        networks=[{"uuid": str(make_network().pk)}],
        block_device_mapping_v2=[shop.root(), *disks],
    )
    run_jobs()
    made = Instance.objects.get(uuid=answer.expect(202).json["server"]["id"])
    assert made.vm_state == "active"
    return made


def fail_first(
    monkeypatch: pytest.MonkeyPatch, service: ModuleType, name: str, *, times: int = FAILURES
) -> list[int]:
    """Let the first calls fail; the list has an item for each call."""
    call, calls = getattr(service, name), list[int]()

    def fail_or_call(*arguments: Any, **named: Any) -> Any:
        calls.append(len(calls))
        if len(calls) <= times:
            raise Away("The service does not answer.")
        return call(*arguments, **named)

    monkeypatch.setattr(service, name, fail_or_call)
    return calls


def run_as_workers_do() -> int:
    """Run all jobs; those that fail are run again if their tasks say so. The number of failures."""
    for failures in range(MAX_ATTEMPTS):
        try:
            run_jobs()
        except Unavailable as fault:
            failure = fault
        else:
            return failures
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1"
                " WHERE status = 'doing' RETURNING task_name, attempts"
            )
            [(task, attempts)] = cursor.fetchall()
        assert is_done_again(task, attempts, failure)
    raise AssertionError("the jobs never end")


def is_done_again(task: str, attempts: int, error: Exception) -> bool:
    """Does the queue run such a job again after this failure?"""
    job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name=task, attempts=attempts)
    strategy = app.tasks[task].retry_strategy
    assert strategy is not None
    return strategy.get_retry_decision(exception=error, job=job) is not None


def detach_volumes(client: ApiClient, server: Instance) -> None:
    for disk in BlockDevice.objects.filter(volume_id__isnull=False):
        path = f"/servers/{server.uuid}/os-volume_attachments/{disk.volume_id}"
        client.delete(path).expect(202)


def detach_port(client: ApiClient, server: Instance) -> None:
    [port] = Port.objects.filter(device_id=str(server.uuid))
    client.delete(f"/servers/{server.uuid}/os-interface/{port.pk}").expect(202)


def shelve_and_return(client: ApiClient, server: Instance) -> None:
    for action in ("shelve", "unshelve"):
        client.post(f"/servers/{server.uuid}/action", {action: None}).expect(202)
        if action == "shelve":
            run_jobs()


def delete(client: ApiClient, server: Instance) -> None:
    client.delete(f"/servers/{server.uuid}").expect(204)


CASES: list[tuple[Callable[[ApiClient, Instance], None], ModuleType, str]] = [
    (delete, network, "disconnect"),
    (delete, volumes, "release"),
    (detach_volumes, volumes, "detach"),
    (detach_port, network, "unplug"),
    (shelve_and_return, images, "forget_images"),
]


def is_free(service: ModuleType) -> bool:
    """Has the service got back what it held?"""
    if service is network:
        return not Port.objects.exclude(device_id="").exists()
    if service is images:
        return not Image.objects.filter(name__endswith="-shelved").exists()
    return not Attachment.objects.exists() and set(
        Volume.objects.values_list("status", flat=True)
    ) <= {"available"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2])
def test_a_service_that_fails_is_asked_until_it_has_answered(
    as_member: ApiClient,
    server: Instance,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[Callable[[ApiClient, Instance], None], ModuleType, str],
) -> None:
    end, service, call = case
    calls = fail_first(monkeypatch, service, call)
    end(as_member, server)
    assert run_as_workers_do() >= ATTEMPTS
    assert len(calls) > FAILURES
    assert is_free(service)
    assert queued() == []


def test_a_failed_build_gives_back_what_it_got(
    as_member: ApiClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_guest: object) -> None:
        raise DriverFailed("The host is out of order.")

    make_host("host1")
    monkeypatch.setattr(fake, "spawn", fail)
    calls = fail_first(monkeypatch, network, "disconnect")
    shop.order(as_member, networks=[{"uuid": str(make_network().pk)}]).expect(202)
    assert run_as_workers_do() == FAILURES
    assert len(calls) == FAILURES + 1
    assert Instance.objects.get().vm_state == "error"
    assert not Port.objects.exists()


def test_what_a_request_deletes_is_free_when_it_is_answered_or_soon_after(
    as_member: ApiClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No host has a part in it, so that there is no job which could give back first."""
    for failures in (0, 2):
        volume = make_volume()
        disk = {"source_type": "volume", "destination_type": "volume", "uuid": str(volume.pk)}
        disks = [shop.root(), {**disk, "boot_index": -1}]
        answer = shop.order(as_member, block_device_mapping_v2=disks).expect(202)
        with monkeypatch.context() as patch:
            fail_first(patch, volumes, "release", times=failures)
            as_member.delete(f"/servers/{answer.json['server']['id']}").expect(204)
            volume.refresh_from_db()
            assert volume.status == ("reserved" if failures else "available")
            run_as_workers_do()
        volume.refresh_from_db()
        assert volume.status == "available"


def test_a_request_that_can_be_sent_again_gives_back_after_its_own_commit(
    as_member: ApiClient, shop: Shop
) -> None:
    """An idempotency key keeps the whole request in one transaction."""
    volume = make_volume()
    disk = {"source_type": "volume", "destination_type": "volume", "uuid": str(volume.pk)}
    disks = [shop.root(), {**disk, "boot_index": -1}]
    made = shop.order(as_member, block_device_mapping_v2=disks).expect(202)
    path = f"/servers/{made.json['server']['id']}/action"
    once = {"Idempotency-Key": "delete-it"}
    as_member.post(path, {"forceDelete": None}, headers=once).expect(202)
    volume.refresh_from_db()
    assert volume.status == "available"


def test_wherever_a_worker_dies_a_deleted_server_leaves_nothing_behind(
    as_member: ApiClient, shop: Shop
) -> None:
    make_host("host1")
    networks = [{"uuid": str(make_network().pk)}]
    volume = make_volume()
    disk = {"source_type": "volume", "destination_type": "volume", "uuid": str(volume.pk)}
    disks = [shop.root(), {**disk, "boot_index": -1}]
    for at in itertools.islice(every_crash(), 0, None, 3):  # all would take too long
        answer = shop.order(as_member, networks=networks, block_device_mapping_v2=disks)
        run_jobs()
        as_member.delete(f"/servers/{answer.expect(202).json['server']['id']}").expect(204)
        crash = Crash(at)
        run_jobs_with_crash(crash)
        run_jobs()
        assert not Instance.objects.alive().exists()
        assert is_free(network)
        assert is_free(volumes)
        assert queued() == []
        if not crash.happened:
            return


def test_what_gives_back_is_never_given_up() -> None:
    app.perform_import_paths()
    for kind in GIVE_BACKS:
        for error in (Away("Away."), ValueError("a mistake of ours")):
            assert is_done_again(kind.task_name, 5000, error)
