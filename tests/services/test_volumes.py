"""The local volume service: look-up, reservation, and what servers do with volumes."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.identity.models import Project
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume import local
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from compute_site.neighbours.volume.protocol import NewVolume, VolumeNotReservable
from tests.world.services import make_caller, new_server_id
from tests.world.threads import run_at_once


def make_volume(project: Project, **fields: Any) -> Volume:
    return Volume.objects.create(project=project, **{"size": 1, **fields})


def status_of(volume: Volume) -> str:
    return Volume.objects.get(pk=volume.pk).status


def test_volumes_and_snapshots_of_other_projects_are_the_admins_alone(
    alpha: Project, beta: Project
) -> None:
    own, foreign = make_volume(alpha), make_volume(beta)
    snapshot = Snapshot.objects.create(project=beta, volume=foreign, size=1)
    ids = [str(own.pk), str(foreign.pk), "nonsense"]
    assert set(local.find_volumes(make_caller(alpha), ids)) == {ids[0]}
    assert set(local.find_volumes(make_caller(alpha, admin=True), ids)) == set(ids[:2])
    assert local.find_snapshots(make_caller(alpha), [str(snapshot.pk)]) == {}
    assert len(local.find_snapshots(make_caller(beta), [str(snapshot.pk)])) == 1


@pytest.mark.parametrize(("mark", "bootable"), [("true", True), ("false", False), ("", None)])
def test_the_boot_mark_of_a_volume(alpha: Project, mark: str, bootable: bool | None) -> None:
    volume = make_volume(alpha, bootable=mark)
    found = local.find_volumes(make_caller(alpha), [str(volume.pk)])
    assert found[str(volume.pk)].bootable is bootable


def test_types_are_found_by_id_and_by_name(alpha: Project) -> None:
    fast = VolumeType.objects.create(name="fast")
    VolumeType.objects.create(name="slow")
    for word in ("fast", str(fast.pk)):
        assert [kind.name for kind in local.find_types(make_caller(alpha), [word])] == ["fast"]


def test_a_reserved_volume_becomes_in_use_and_available_again(alpha: Project) -> None:
    volume, server_id = make_volume(alpha), new_server_id()
    pair = (str(volume.pk), server_id)
    reserved = local.reserve(make_caller(alpha), [pair])
    assert reserved == {pair: str(Attachment.objects.get().pk)}
    assert status_of(volume) == "reserved"
    local.attach(server_id, {str(volume.pk): "/dev/vdb"})
    assert status_of(volume) == "in-use"
    assert Attachment.objects.get().device == "/dev/vdb"
    local.release([server_id])
    assert status_of(volume) == "available"
    assert not Attachment.objects.exists()


@pytest.mark.parametrize("status", ["reserved", "in-use", "error", "creating"])
def test_a_volume_in_another_state_cannot_be_reserved(alpha: Project, status: str) -> None:
    free, volume = make_volume(alpha), make_volume(alpha, status=status)
    server_id = new_server_id()
    pairs = [(str(free.pk), server_id), (str(volume.pk), server_id)]
    with pytest.raises(VolumeNotReservable, match=f"{volume.pk} is {status}"):
        local.reserve(make_caller(alpha), pairs)
    assert status_of(free) == "available"


def test_a_foreign_volume_cannot_be_reserved(alpha: Project, beta: Project) -> None:
    volume = make_volume(beta)
    with pytest.raises(VolumeNotReservable, match="does not exist"):
        local.reserve(make_caller(alpha), [(str(volume.pk), new_server_id())])


def test_a_multiattach_volume_has_many_servers(alpha: Project) -> None:
    volume, caller = make_volume(alpha, multiattach=True), make_caller(alpha)
    first, second = new_server_id(), new_server_id()
    local.reserve(caller, [(str(volume.pk), first)])
    local.attach(first, {str(volume.pk): "/dev/vdb"})
    local.reserve(caller, [(str(volume.pk), second)])
    assert status_of(volume) == "in-use"
    local.release([first], delete=[str(volume.pk)])
    assert status_of(volume) == "reserved"
    local.release([second], delete=[str(volume.pk)])
    assert not Volume.objects.exists()


def test_one_volume_is_not_reserved_for_two_servers_of_one_request(alpha: Project) -> None:
    volume = make_volume(alpha)
    pairs = [(str(volume.pk), new_server_id()) for _ in range(2)]
    with pytest.raises(VolumeNotReservable, match="multiattach"):
        local.reserve(make_caller(alpha), pairs)


def test_the_volume_of_a_snapshot_is_not_deleted(alpha: Project) -> None:
    volume, server_id = make_volume(alpha), new_server_id()
    Snapshot.objects.create(project=alpha, volume=volume, size=1)
    local.reserve(make_caller(alpha), [(str(volume.pk), server_id)])
    local.release([server_id], delete=[str(volume.pk)])
    assert status_of(volume) == "available"


def test_new_volumes_take_over_what_they_are_made_of(alpha: Project) -> None:
    image = Image.objects.create(name="cirros", owner=alpha, min_disk=1, properties={"os": "x"})
    source = make_volume(alpha, bootable="true", image_metadata={"image_id": "i"})
    snapshot = Snapshot.objects.create(project=alpha, volume=source, size=1)
    VolumeType.objects.create(name="fast")
    server_id = new_server_id()
    ids = local.create(
        make_caller(alpha),
        server_id,
        [
            NewVolume(size=3, image_id=str(image.pk), volume_type="fast"),
            NewVolume(size=2, snapshot_id=str(snapshot.pk)),
            NewVolume(size=1),
        ],
    )
    made = Volume.objects.in_bulk(ids)
    of_image, of_snapshot, blank = (made[made_id] for made_id in map(type(image.pk), ids))
    assert (of_image.size, of_image.bootable, of_image.status) == (3, "true", "reserved")
    assert of_image.image_metadata["min_disk"] == "1"
    assert of_image.image_metadata["os"] == "x"
    assert str(of_image.volume_type) == "fast"
    assert of_snapshot.image_metadata == {"image_id": "i"}
    assert (blank.bootable, blank.image_metadata) == ("false", {})
    assert Attachment.objects.filter(server_id=server_id).count() == 3


@pytest.mark.django_db(transaction=True)
def test_one_of_many_gets_a_volume_and_nobody_waits_forever() -> None:
    project = Project.objects.create(name="racing")
    volumes = [make_volume(project) for _ in range(3)]
    caller = make_caller(project)

    def make_job(number: int) -> Any:
        server_id = new_server_id()
        ordered = volumes if number % 2 else volumes[::-1]
        pairs = [(str(volume.pk), server_id) for volume in ordered]
        return lambda: local.reserve(caller, pairs)

    results = run_at_once([make_job(number) for number in range(64)])
    assert sum(isinstance(result, VolumeNotReservable) for result in results) == 63
    assert Attachment.objects.values("server_id").distinct().count() == 1
    assert Attachment.objects.count() == 3
