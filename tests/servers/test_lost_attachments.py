"""Volumes and NICs whose worker dies: the next one finishes, or everything is as before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from compute_site.neighbours.network.models import Port
from compute_site.neighbours.volume.models import Attachment, Volume
from servers.attachments.lost import give_up_lost_changes
from servers.models import BlockDevice, Instance, InstanceActionEvent, ServerFault
from tests.world.client import ApiClient
from tests.world.crashes import Crash, every_crash, run_jobs_with_crash
from tests.world.factories import make_instance, make_network, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs

# Real transactions: what was committed before the death must stay.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cast")]


def make_server() -> Instance:
    make_host("host")
    return make_instance(launched_at=timezone.now())


def attach(client: ApiClient, server: Instance, volume: Volume) -> None:
    body = {"volumeAttachment": {"volumeId": str(volume.pk)}}
    client.post(f"/servers/{server.uuid}/os-volume_attachments", body).expect(200)


def detach(client: ApiClient, server: Instance, volume: Volume) -> None:
    client.delete(f"/servers/{server.uuid}/os-volume_attachments/{volume.pk}").expect(202)


def through_every_crash(prepare: Callable[[], None], check: Callable[[], None]) -> None:
    """Die at each statement of the jobs in turn, then let the next worker finish."""
    for at in every_crash():
        crash = Crash(at)
        prepare()
        run_jobs_with_crash(crash)
        run_jobs()
        check()
        assert queued() == []
        assert not InstanceActionEvent.objects.exclude(result="Success").exists()
        if not crash.happened:
            return


def test_whenever_a_worker_dies_the_volume_is_attached_once_and_detached_whole(
    as_member: ApiClient,
) -> None:
    server, volume = make_server(), make_volume()

    def check_attached() -> None:
        volume.refresh_from_db()
        assert volume.status == "in-use"
        assert [claim.status for claim in Attachment.objects.all()] == ["attached"]
        assert BlockDevice.objects.count() == 1
        detach(as_member, server, volume)
        run_jobs()

    through_every_crash(lambda: attach(as_member, server, volume), check_attached)

    def prepare_detaching() -> None:
        attach(as_member, server, volume)
        run_jobs()
        detach(as_member, server, volume)

    def check_detached() -> None:
        volume.refresh_from_db()
        assert volume.status == "available"
        assert not Attachment.objects.exists()
        assert not BlockDevice.objects.exists()

    through_every_crash(prepare_detaching, check_detached)


def test_whenever_a_worker_dies_the_nic_is_gone_in_the_end(as_member: ApiClient) -> None:
    server, network = make_server(), make_network()
    path = f"/servers/{server.uuid}/os-interface"
    body = {"interfaceAttachment": {"net_id": str(network.pk)}}

    def prepare() -> None:
        port = as_member.post(path, body).expect(200).json["interfaceAttachment"]["port_id"]
        run_jobs()
        as_member.delete(f"{path}/{port}").expect(202)

    def check() -> None:
        assert not Port.objects.exists()
        server.refresh_from_db()
        assert server.network_info == []

    through_every_crash(prepare, check)


def fail_jobs() -> None:
    """Every worker that took the jobs has died."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'todo'")


def test_what_no_job_will_finish_is_undone(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_server()
    kept, moved = make_volume(), make_volume(migration_status="migrating")
    for volume in (kept, moved):
        attach(as_member, server, volume)
    run_jobs()
    coming, other = make_volume(), make_volume()
    attach(as_member, server, coming)
    detach(as_member, server, kept)
    swapped = {"volumeAttachment": {"volumeId": str(other.pk)}}
    as_admin.put(f"/servers/{server.uuid}/os-volume_attachments/{moved.pk}", swapped).expect(202)
    nic = {"interfaceAttachment": {"net_id": str(make_network().pk)}}
    as_member.post(f"/servers/{server.uuid}/os-interface", nic).expect(200)
    as_member.delete(f"/servers/{server.uuid}/os-interface/{Port.objects.get().pk}").expect(202)
    fail_jobs()

    assert give_up_lost_changes() == 5
    assert give_up_lost_changes() == 0
    statuses = {str(row.pk): row.status for row in Volume.objects.all()}
    assert [statuses[str(volume.pk)] for volume in (kept, moved, coming, other)] == [
        "in-use",
        "in-use",
        "available",
        "available",
    ]
    disks = BlockDevice.objects.values_list("volume_id", flat=True)
    assert set(disks) == {str(kept.pk), str(moved.pk)}
    assert not Port.objects.exists()
    assert ServerFault.objects.count() == 5
    assert not InstanceActionEvent.objects.filter(finish_time=None).exists()
