"""Volumes that the volume service gives up, and takes over again from the store."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from compute_site.neighbours.volume.local import data
from compute_site.neighbours.volume.models import (
    Quota,
    Snapshot,
    UnmanagedVolume,
    Volume,
    VolumeType,
)
from tests.world.cast import ALPHA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
NEWEST = {"OpenStack-API-Version": "volume latest"}
POOL = "local@database#volumes"


def unmanage(client: ApiClient, volume: Volume) -> Answer:
    return client.post(f"{V3}/volumes/{volume.pk}/action", {"os-unmanage": {}}, headers=NEWEST)


def manage(client: ApiClient, ref: Any, *, noun: str = "manageable_volumes", **more: Any) -> Answer:
    body = {"volume": {"host": POOL, "ref": ref, **more}}
    return client.post(f"{V3}/{noun}", body, headers=NEWEST)


def kept(client: ApiClient, query: str = "", *, detail: str = "") -> list[dict[str, Any]]:
    url = f"{V3}/manageable_volumes{detail}?host={POOL.replace('#', '%23')}{query}"
    found: list[dict[str, Any]] = (
        client.get(url, headers=NEWEST).expect(200).json["manageable-volumes"]
    )
    return found


@pytest.mark.parametrize("noun", ["manageable_volumes", "os-volume-manage"])
def test_a_volume_is_given_up_and_taken_over_again(
    as_admin: ApiClient, as_member: ApiClient, noun: str
) -> None:
    volume = make_volume(size=3, project_id=ALPHA, name="old", metadata={"a": "b"})
    unmanage(as_admin, volume).expect(202)
    as_member.get(f"{V3}/volumes/{volume.pk}").expect(404)
    name = f"volume-{volume.pk}"
    shown = {"reference": {"source-name": name}, "size": 3, "safe_to_manage": True}
    assert kept(as_admin) == [shown]
    [whole] = kept(as_admin, detail="/detail")
    assert whole == shown | dict.fromkeys(("reason_not_safe", "cinder_id", "extra_info"))
    made = manage(as_admin, {"source-name": name}, noun=noun, name="new", bootable=True)
    answer = made.expect(202).json["volume"]
    assert (answer["size"], answer["name"], answer["bootable"]) == (3, "new", "true")
    again = Volume.objects.get(pk=volume.pk)
    assert (again.name, again.metadata, again.status) == ("new", {}, "available")
    assert again.project_id == ALPHA
    assert kept(as_admin) == []
    manage(as_admin, {"source-name": name}).expect(400)


def test_it_keeps_its_bytes(
    as_admin: ApiClient, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, volume_folder=tmp_path)
    volume = make_volume(size=1)
    file = tmp_path / f"volume-{volume.pk}"
    file.write_bytes(b"bytes")
    os.utime(file, (0, 0))
    with django_capture_on_commit_callbacks(execute=True):
        unmanage(as_admin, volume).expect(202)
    data.clean_up()
    assert file.read_bytes() == b"bytes"
    file.rename(tmp_path / "elsewhere")
    [row] = kept(as_admin, detail="/detail")
    assert (row["safe_to_manage"], row["reason_not_safe"]) == (False, "the bytes are gone")
    manage(as_admin, {"source-id": str(volume.pk)}).expect(400)
    (tmp_path / "elsewhere").rename(file)
    manage(as_admin, {"source-id": str(volume.pk)}).expect(202)
    assert data.file_of(Volume.objects.get(pk=volume.pk)) == file


def test_the_list_is_ordered_and_cut(as_admin: ApiClient) -> None:
    for size in (2, 3, 1):
        unmanage(as_admin, make_volume(size=size)).expect(202)

    def sizes(query: str) -> list[int]:
        return [row["size"] for row in kept(as_admin, query)]

    assert sizes("&sort=size:asc") == [1, 2, 3]
    assert sizes("&sort_key=size&sort_dir=desc&limit=2") == [3, 2]
    assert sizes("&sort=size:asc&offset=2") == [3]
    assert sizes("&sort_dir=asc") == sizes("")[::-1]
    names = [row["reference"]["source-name"] for row in kept(as_admin)]
    assert names == sorted(names, reverse=True)
    url = f"{V3}/manageable_volumes"
    for query in ("", "?host=", "?host=local@database&name=x", "?host=local@database&sort=name"):
        as_admin.get(f"{url}{query}", headers=NEWEST).expect(400)
    as_admin.get(f"{url}?host=elsewhere", headers=NEWEST).expect(404)


def test_volumes_that_are_not_given_up(as_admin: ApiClient) -> None:
    with_snapshot = make_volume()
    Snapshot.objects.create(volume=with_snapshot, project_id=ALPHA, size=1)
    others = [make_volume(status=status) for status in ("in-use", "reserved", "error")]
    for volume in (*others, with_snapshot):
        unmanage(as_admin, volume).expect(400)
        assert Volume.objects.filter(pk=volume.pk).exists()
    assert not UnmanagedVolume.objects.exists()


@pytest.mark.parametrize("value", [[], False, "", 0, {"a": 1}])
def test_nothing_is_said_of_how_it_is_given_up(as_admin: ApiClient, value: Any) -> None:
    volume = make_volume()
    body = {"os-unmanage": value}
    as_admin.post(f"{V3}/volumes/{volume.pk}/action", body, headers=NEWEST).expect(400)
    assert Volume.objects.filter(pk=volume.pk).exists()


def test_a_volume_without_bytes_is_not_given_up(
    as_admin: ApiClient, settings: Any, tmp_path: Path
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, volume_folder=tmp_path)
    unmanage(as_admin, make_volume()).expect(400)


def test_what_stands_beside_a_volume_is_refused(as_admin: ApiClient) -> None:
    hints = {"OS-SCH-HNT:scheduler_hints": {"same_host": str(make_volume().pk)}}
    answer = as_admin.post(f"{V3}/volumes", {"volume": {"size": 1}, **hints}).expect(400)
    assert "OS-SCH-HNT:scheduler_hints" in answer.message
    assert Volume.objects.count() == 1


def test_what_is_not_taken_over(as_admin: ApiClient) -> None:
    volume = make_volume(size=5)
    name = {"source-name": f"volume-{volume.pk}"}
    manage(as_admin, name).expect(400)  # it is a volume
    unmanage(as_admin, volume).expect(202)
    for ref in ("volume", {}, {"source-name": ""}, {"name": "x"}, {**name, "source-id": "x"}):
        assert "ref" in manage(as_admin, ref).expect(400).message
    manage(as_admin, {"source-name": "volume-none"}).expect(400)
    manage(as_admin, name, host="elsewhere").expect(400)
    manage(as_admin, name, cluster="many").expect(400)
    manage(as_admin, name, size=5).expect(400)
    manage(as_admin, name, volume_type="unknown").expect(404)
    strange = VolumeType.objects.create(name="strange", extra_specs={"vendor_name": "other"})
    manage(as_admin, name, volume_type=strange.name).expect(400)
    manage(as_admin, name, volume_type="x", availability_zone=5).expect(400)
    Quota.objects.create(project_id=ALPHA, resource="gigabytes", limit=4)
    manage(as_admin, name).expect(413)
    assert UnmanagedVolume.objects.get().pk == volume.pk
    assert not Volume.objects.exists()


@pytest.mark.parametrize("detail", ["", "/detail"])
def test_only_admins_see_what_was_given_up(as_member: ApiClient, detail: str) -> None:
    url = f"{V3}/manageable_volumes{detail}?host=local@database"
    as_member.get(url, headers=NEWEST).expect(403)


def test_older_versions_know_only_the_old_name(as_admin: ApiClient) -> None:
    older = {"OpenStack-API-Version": "volume 3.7"}
    query = "?host=local@database"
    as_admin.get(f"{V3}/manageable_volumes{query}", headers=older).expect(404)
    as_admin.get(f"{V3}/os-volume-manage{query}", headers=older).expect(200)
