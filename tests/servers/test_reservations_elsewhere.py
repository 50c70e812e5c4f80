"""A volume service that takes no part in our transactions is asked before them: what it did for a
request that failed is taken back, and what a server has or gets stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection

from compute_site.caller import Caller
from compute_site.faults import Conflict
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.volume import local as volumes
from compute_site.neighbours.volume.models import Volume
from servers.attachments import volume_changes
from servers.lifecycle.jobs import TakeBackDetaching, TakeBackReservations
from servers.models import Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_server_group, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import make_due, queued, run_jobs
from tests.world.orders import Shop, limit

pytestmark = pytest.mark.django_db(transaction=True)

Pair = tuple[str, str]
TASK = TakeBackReservations.task_name


class Elsewhere:
    """Keeps what it was asked for, whatever becomes of our transactions, and may not be asked in
    one.
    """

    def __init__(self) -> None:
        self.reserved: list[Pair] = []
        self.detaching: list[Pair] = []

    @outside_transactions
    def reserve(self, _caller: Caller, pairs: Sequence[Pair]) -> dict[Pair, str]:
        assert not connection.in_atomic_block
        self.reserved += pairs
        return {pair: str(uuid.uuid4()) for pair in pairs}

    def attach(self, _server_id: str, _devices: Any) -> dict[str, str]:
        return {}

    def detach(self, server_id: str, volume_id: str, *, delete: bool = False) -> None:
        assert not delete
        self.reserved = [pair for pair in self.reserved if pair != (volume_id, server_id)]

    @outside_transactions
    def begin_detaching(self, _caller: Caller, server_id: str, volume_id: str) -> None:
        assert not connection.in_atomic_block
        self.detaching.append((volume_id, server_id))

    def stop_detaching(self, server_id: str, volume_id: str) -> None:
        self.detaching.remove((volume_id, server_id))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    service = Elsewhere()
    for name in ("reserve", "attach", "detach", "begin_detaching", "stop_detaching"):
        monkeypatch.setattr(volumes, name, getattr(service, name))
    return service


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return Shop()


def with_volume(shop: Shop, volume: Volume) -> list[dict[str, Any]]:
    disk = {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": str(volume.pk),
        "boot_index": -1,
    }
    return [shop.root(), disk]


def build_server(client: ApiClient, shop: Shop) -> str:
    make_host("host1")
    answer = shop.order(client, networks="none", block_device_mapping_v2=[shop.root()])
    server_id: str = answer.expect(202).json["server"]["id"]
    run_jobs()
    return server_id


def refuse(*_: object) -> None:
    raise Conflict("Somebody else was faster.")


def test_what_was_reserved_for_a_refused_request_is_taken_back(
    as_member: ApiClient, shop: Shop, elsewhere: Elsewhere
) -> None:
    limit("server_group_members", 0)
    volume, group = make_volume(), make_server_group()
    answer = shop.order(
        as_member,
        hints={"group": str(group.uuid)},
        networks="none",
        block_device_mapping_v2=with_volume(shop, volume),
    )

    assert answer.status == 403
    assert [volume_id for volume_id, _ in elsewhere.reserved] == [str(volume.pk)]
    assert len(queued(TASK)) == 1
    run_jobs()
    assert len(elsewhere.reserved) == 1  # the job gives the request some minutes
    make_due()
    run_jobs()
    assert elsewhere.reserved == []
    assert not Instance.objects.exists()


def test_a_server_keeps_its_reservation_before_and_after_its_build(
    as_member: ApiClient, shop: Shop, elsewhere: Elsewhere
) -> None:
    make_host("host1")
    volume = make_volume()
    answer = shop.order(
        as_member, networks="none", block_device_mapping_v2=with_volume(shop, volume)
    )
    server_id = answer.expect(202).json["server"]["id"]
    again = TakeBackReservations(volumes=(str(volume.pk),), servers=(server_id,))

    make_due()
    run_jobs()  # that job is the first
    again.defer()
    run_jobs()

    assert Instance.objects.get().vm_state == "active"
    assert elsewhere.reserved == [(str(volume.pk), server_id)]


def test_a_volume_whose_attachment_fails_is_taken_back_and_another_one_stays(
    as_member: ApiClient, shop: Shop, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_id = build_server(as_member, shop)
    lost, kept = make_volume(), make_volume()
    url = f"/servers/{server_id}/os-volume_attachments"

    with monkeypatch.context() as refused:
        refused.setattr(volume_changes, "hand_over", refuse)
        as_member.post(url, {"volumeAttachment": {"volumeId": str(lost.pk)}}).expect(409)
    as_member.post(url, {"volumeAttachment": {"volumeId": str(kept.pk)}}).expect(200)
    assert len(elsewhere.reserved) == 2
    make_due()
    run_jobs()

    assert elsewhere.reserved == [(str(kept.pk), server_id)]


def test_a_volume_whose_detachment_fails_stays_and_another_one_goes(
    as_member: ApiClient, shop: Shop, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_id = build_server(as_member, shop)
    url = f"/servers/{server_id}/os-volume_attachments"
    kept, gone = make_volume(), make_volume()
    for volume in (kept, gone):
        as_member.post(url, {"volumeAttachment": {"volumeId": str(volume.pk)}}).expect(200)
    run_jobs()

    with monkeypatch.context() as refused:
        refused.setattr(volume_changes, "hand_over", refuse)
        as_member.delete(f"{url}/{kept.pk}").expect(409)
    as_member.delete(f"{url}/{gone.pk}").expect(202)
    TakeBackDetaching(server_id=server_id, volume_id=str(gone.pk)).defer()  # before its host
    make_due()
    run_jobs()

    left = as_member.get(url).json["volumeAttachments"]
    assert [attachment["volumeId"] for attachment in left] == [str(kept.pk)]
    assert elsewhere.detaching == [(str(gone.pk), server_id)]
    assert elsewhere.reserved == [(str(kept.pk), server_id)]


def test_a_service_in_this_database_needs_no_such_job(as_member: ApiClient, shop: Shop) -> None:
    shop.order(
        as_member, networks="none", block_device_mapping_v2=with_volume(shop, make_volume())
    ).expect(202)

    assert queued(TASK) == []
