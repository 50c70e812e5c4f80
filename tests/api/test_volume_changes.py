"""What the volume API keeps: metadata, types, marks and sizes; and its actions."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from compute_site.faults import NotFound
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.local import actions, types
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from tests.world.callers import caller_of
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_image, make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"


def create(client: ApiClient, **volume: Any) -> Answer:
    return client.post(f"{V3}/volumes", {"volume": volume})


def act(client: ApiClient, volume: Volume, name: str, asked: Any = None) -> Answer:
    return client.post(f"{V3}/volumes/{volume.pk}/action", {name: asked})


def make_snapshot(**fields: Any) -> Snapshot:
    volume = make_volume(size=2)
    return Snapshot.objects.create(
        **{"volume": volume, "project_id": ALPHA, "size": 2, "name": "s"} | fields
    )


@pytest.mark.parametrize("noun", ["volumes", "snapshots"])
def test_metadata_by_its_urls(as_member: ApiClient, as_reader: ApiClient, noun: str) -> None:
    row = make_volume() if noun == "volumes" else make_snapshot()
    url = f"{V3}/{noun}/{row.pk}/metadata"

    def ask(method: str, path: str = "", body: Any = None) -> Any:
        return as_member.send(method, url + path, body).expect(200).content

    assert as_member.get(url).expect(200).json == {"metadata": {}}
    first = {"metadata": {"a": "1", "b": "2"}}
    assert as_member.post(url, first).expect(200).json == first
    assert as_member.post(url, {"metadata": {"c": "3"}}).json["metadata"].keys() == {"a", "b", "c"}
    assert as_member.put(url, first).expect(200).json == first
    assert as_member.put(f"{url}/b", {"meta": {"b": "x"}}).expect(200).json == {"meta": {"b": "x"}}
    assert as_reader.get(f"{url}/b").expect(200).json == {"meta": {"b": "x"}}
    assert ask("DELETE", "/b") == b""
    as_member.delete(f"{url}/b").expect(404)
    as_member.get(f"{url}/b").expect(404)
    as_member.put(f"{url}/b", {"meta": {"c": "x"}}).expect(400)
    for wrong in ({}, {"metadata": 5}, {"metadata": {"a": 1}}, {"metadata": {"": "x"}}):
        as_member.post(url, wrong).expect(400)
    as_reader.post(url, first).expect(403)
    as_reader.delete(f"{url}/a").expect(403)
    row.refresh_from_db()
    assert row.metadata == {"a": "1"}


def test_a_snapshot_keeps_its_metadata(as_member: ApiClient) -> None:
    body = {"snapshot": {"volume_id": str(make_volume().pk), "metadata": {"k": "v"}}}
    forced = {"snapshot": body["snapshot"] | {"force": None}}
    as_member.post(f"{V3}/snapshots", forced).expect(400)
    made = as_member.post(f"{V3}/snapshots", body).expect(202).json["snapshot"]
    assert made["metadata"] == {"k": "v"}
    shown = as_member.get(f"{V3}/snapshots/{made['id']}").expect(200).json["snapshot"]
    assert shown["metadata"] == {"k": "v"}
    url = f"{V3}/snapshots/{made['id']}"
    for refused in ({"metadata": {"a": "b"}}, {}):
        as_member.put(url, {"snapshot": refused}).expect(400)


def test_sizes_fit_what_a_volume_is_made_of(as_member: ApiClient) -> None:
    image, snapshot = make_image(min_disk=3), make_snapshot()
    source = make_volume(size=4)
    assert create(as_member, size="5").expect(202).json["volume"]["size"] == 5
    for origin, least in (
        ({"imageRef": str(image.pk)}, 3),
        ({"snapshot_id": str(snapshot.pk)}, 2),
        ({"source_volid": str(source.pk)}, 4),
    ):
        answer = create(as_member, size=least - 1, **origin).expect(400)
        assert answer.errors[0]["code"] == "volume_too_small"
        create(as_member, size=least, **origin).expect(202)
    clone = create(as_member, source_volid=str(source.pk)).expect(202).json["volume"]
    assert (clone["size"], clone["source_volid"]) == (4, str(source.pk))


def test_a_volume_is_made_of_one_thing(as_member: ApiClient) -> None:
    source = make_volume(size=2)
    named = {
        "imageRef": str(make_image().pk),
        "snapshot_id": str(make_snapshot().pk),
        "source_volid": str(source.pk),
    }
    before = Volume.objects.count()
    for left_out in named:
        two = {key: named[key] for key in named if key != left_out}
        assert "one thing" in create(as_member, size=2, **two).expect(400).message
    assert Volume.objects.count() == before
    create(as_member, size=2, snapshot_id=None, source_volid=named["source_volid"]).expect(202)


def image_of_disks(**disk: Any) -> str:
    """The image of a server that boots from a volume."""
    blank = {"source_type": "blank", "boot_index": -1}
    booted = {"source_type": "snapshot", "boot_index": 0, "destination_type": "volume"}
    text = json.dumps([blank, {**booted, **disk}])
    image = make_image(size=0, properties={"bdm_v2": "True", "block_device_mapping": text})
    return str(image.pk)


def test_an_image_of_a_server_means_its_snapshot_from_3_46(as_member: ApiClient) -> None:
    snapshot, other = make_snapshot(), make_snapshot(project_id=BETA)
    image = image_of_disks(snapshot_id=str(snapshot.pk))
    before, since = ({"OpenStack-API-Version": f"volume 3.{minor}"} for minor in (45, 46))
    order = {"volume": {"size": 3, "imageRef": image}}
    assert "3.46" in as_member.post(f"{V3}/volumes", order, headers=before).expect(400).message
    assert not Volume.objects.filter(snapshot_id__isnull=False).exists()
    made = as_member.post(f"{V3}/volumes", order, headers=since).expect(202).json["volume"]
    assert (made["snapshot_id"], made["size"]) == (str(snapshot.pk), 3)
    order["volume"]["size"] = 1
    as_member.post(f"{V3}/volumes", order, headers=since).expect(400)
    for wrong in (str(other.pk), UNKNOWN_ID, "x", None):
        order = {"volume": {"size": 3, "imageRef": image_of_disks(snapshot_id=wrong)}}
        as_member.post(f"{V3}/volumes", order, headers=since).expect(404)
    order = {"volume": {"size": 3, "imageRef": image_of_disks(source_type="image")}}
    as_member.post(f"{V3}/volumes", order, headers=since).expect(400)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"volume_type": ""}, 202),
        ({"volume_type": "nothing"}, 404),
        ({"consistencygroup_id": "x"}, 400),
        ({"group_id": "x"}, 400),
        ({"backup_id": "x"}, 400),
        ({"consistencygroup_id": None}, 202),
        ({"scheduler_hints": {}}, 400),
        ({"size": "big"}, 400),
        ({"size": 1.5}, 400),
        ({"size": "-1"}, 400),
    ],
)
def test_a_key_counts_or_is_refused(
    as_member: ApiClient, fields: dict[str, Any], status: int
) -> None:
    create(as_member, **{"size": 1} | fields).expect(status)


def test_what_a_volume_knows_of_its_image(as_member: ApiClient) -> None:
    volume = make_volume(image_metadata={"os_type": "linux"})
    set_ = act(as_member, volume, "os-set_image_metadata", {"metadata": {"k": "v"}}).expect(200)
    assert set_.json == {"metadata": {"os_type": "linux", "k": "v"}}
    act(as_member, volume, "os-unset_image_metadata", {"key": "k"}).expect(200)
    act(as_member, volume, "os-unset_image_metadata", {"key": "k"}).expect(404)
    shown = act(as_member, volume, "os-show_image_metadata").expect(200).json
    assert shown == {"metadata": {"os_type": "linux"}}


def test_a_volume_is_marked_as_read_only(as_member: ApiClient) -> None:
    volume = make_volume()
    act(as_member, volume, "os-update_readonly_flag", {"readonly": "True"}).expect(202)
    shown = as_member.get(f"{V3}/volumes/{volume.pk}").expect(200).json["volume"]
    assert shown["metadata"] == {"readonly": "True"}
    Volume.objects.update(status="in-use")
    act(as_member, volume, "os-update_readonly_flag", {"readonly": False}).expect(400)
    act(as_member, volume, "os-update_readonly_flag", {"readonly": "perhaps"}).expect(400)


def test_a_volume_gets_another_type(as_member: ApiClient) -> None:
    kind, volume = VolumeType.objects.create(name="fast"), make_volume()
    act(as_member, volume, "os-retype", {"new_type": "nothing"}).expect(404)
    act(as_member, volume, "os-retype", {"new_type": "fast"}).expect(202)
    volume.refresh_from_db()
    assert volume.volume_type == kind


def test_an_image_is_made_of_a_volume(as_member: ApiClient) -> None:
    volume = make_volume(size=3, image_metadata={"os_type": "linux", "image_id": "x"})
    asked = {"image_name": "copy", "disk_format": "qcow2"}
    shown = act(as_member, volume, "os-volume_upload_image", asked).expect(202).json
    image = Image.objects.get()
    assert shown["os-volume_upload_image"]["image_id"] == str(image.pk)
    assert (image.name, image.min_disk, image.disk_format) == ("copy", 3, "qcow2")
    assert image.properties == {"os_type": "linux"}
    for wrong in ({}, asked | {"disk_format": "mine"}):
        act(as_member, volume, "os-volume_upload_image", wrong).expect(400)
    Volume.objects.update(status="in-use")
    act(as_member, volume, "os-volume_upload_image", asked).expect(400)
    act(as_member, volume, "os-volume_upload_image", asked | {"force": True}).expect(202)


def test_admins_delete_by_force(as_member: ApiClient, as_admin: ApiClient) -> None:
    volume, snapshot = make_volume(status="deleting"), make_snapshot(status="error")
    held = make_volume(status="in-use")
    Attachment.objects.create(volume=held, server_id="155d900f-4e14-4e4c-a73d-069cbf4541e6")
    action = f"{V3}/snapshots/{snapshot.pk}/action"
    act(as_member, volume, "os-force_delete", {}).expect(403)
    as_member.post(action, {"os-force_delete": {}}).expect(403)
    act(as_admin, held, "os-force_delete", {}).expect(400)
    act(as_admin, volume, "os-force_delete", {}).expect(202)
    as_admin.post(action, {"os-reset_status": {"status": "in-use"}}).expect(400)
    as_admin.post(action, {"os-reset_status": {"status": "available"}}).expect(202)
    snapshot.refresh_from_db()
    assert snapshot.status == "available"
    as_admin.post(action, {"os-force_delete": None}).expect(202)
    assert not Snapshot.objects.exists()
    assert not Volume.objects.filter(pk=volume.pk).exists()


def test_types_from_made_to_deleted(as_admin: ApiClient, as_member: ApiClient) -> None:
    body = {"volume_type": {"name": "fast", "extra_specs": {"a": "b"}}}
    as_member.post(f"{V3}/types", body).expect(403)
    made = as_admin.post(f"{V3}/types", body).expect(200).json["volume_type"]
    assert (made["extra_specs"], made["is_public"]) == ({"a": "b"}, True)
    as_admin.post(f"{V3}/types", body).expect(409)
    url = f"{V3}/types/{made['id']}"
    renamed = as_admin.put(url, {"volume_type": {"name": "faster"}}).expect(200).json
    assert renamed["volume_type"]["name"] == "faster"
    as_admin.put(url, {"volume_type": {}}).expect(400)
    as_admin.put(url, {"volume_type": {"colour": "red"}}).expect(400)

    assert as_member.get(f"{url}/extra_specs").expect(200).json == {"extra_specs": {}}
    more = {"extra_specs": {"c": "d", "multiattach": "<is> True"}}
    assert as_admin.post(f"{url}/extra_specs", more).expect(200).json == more
    assert as_member.get(url).json["volume_type"]["extra_specs"] == {"multiattach": "<is> True"}
    as_member.get(f"{url}/extra_specs/c").expect(404)
    assert as_admin.put(f"{url}/extra_specs/c", {"c": "e"}).expect(200).json == {"c": "e"}
    as_admin.put(f"{url}/extra_specs/c", {"x": "e"}).expect(400)
    as_admin.delete(f"{url}/extra_specs/c").expect(202)
    as_admin.delete(f"{url}/extra_specs/c").expect(404)

    volume = make_volume(volume_type_id=made["id"])
    as_admin.delete(url).expect(400)
    volume.delete()
    as_admin.delete(url).expect(202)
    as_admin.get(url).expect(404)


def test_null_is_no_answer(as_admin: ApiClient) -> None:
    kind = {"volume_type": {"name": "new", "extra_specs": None}}
    as_admin.post(f"{V3}/types", kind).expect(400)
    as_admin.post(f"{V3}/volumes", {"volume": {"size": 1, "multiattach": None}}).expect(400)
    assert not VolumeType.objects.exists()
    assert not Volume.objects.exists()


@pytest.mark.parametrize(
    ("word", "status"), [("no", 200), ("false", 200), (False, 200), (None, 400), ("maybe", 400)]
)
def test_a_type_is_public_or_not(as_admin: ApiClient, word: Any, status: int) -> None:
    made = {"name": "new", "os-volume-type-access:is_public": word}
    as_admin.post(f"{V3}/types", {"volume_type": made}).expect(status)
    assert VolumeType.objects.filter(is_public=False).count() == (status == 200)
    kind = VolumeType.objects.create(name="old")
    as_admin.put(f"{V3}/types/{kind.pk}", {"volume_type": {"is_public": word}}).expect(status)
    kind.refresh_from_db()
    assert kind.is_public is (status == 400)


def test_a_private_type_is_opened_to_a_project(
    as_admin: ApiClient, as_member: ApiClient, as_outsider: ApiClient
) -> None:
    kind = VolumeType.objects.create(name="hidden", is_public=False)
    url, public = f"{V3}/types/{kind.pk}", VolumeType.objects.create(name="open")
    as_outsider.get(url).expect(404)
    opened = {"addProjectAccess": {"project": BETA}}
    as_member.post(f"{url}/action", opened).expect(403)
    as_admin.post(f"{url}/action", opened).expect(202)
    as_admin.post(f"{url}/action", opened).expect(409)
    as_admin.post(f"{url}/action", {"addProjectAccess": {"project": "nobody"}}).expect(400)
    as_admin.post(f"{V3}/types/{public.pk}/action", opened).expect(400)
    as_admin.get(f"{V3}/types/{public.pk}/os-volume-type-access").expect(404)
    [access] = as_admin.get(f"{url}/os-volume-type-access").json["volume_type_access"]
    assert access == {"volume_type_id": str(kind.pk), "project_id": BETA}
    as_outsider.get(url).expect(200)
    as_member.get(url).expect(404)

    def listed(query: str = "") -> set[str]:
        found = as_admin.get(f"{V3}/types{query}").expect(200).json["volume_types"]
        return {entry["name"] for entry in found}

    assert listed() == {"open"}
    assert listed("?is_public=none") == {"open", "hidden"}
    assert listed("?is_public=false") == {"hidden"}
    as_admin.get(f"{V3}/types?is_public=perhaps").expect(400)
    closed = {"removeProjectAccess": {"project": BETA}}
    as_admin.post(f"{url}/action", closed).expect(202)
    as_admin.post(f"{url}/action", closed).expect(404)
    as_outsider.get(url).expect(404)


def test_zones_processes_and_pools(as_admin: ApiClient, as_member: ApiClient, cast: Cast) -> None:
    make_volume(availability_zone="far")
    zones = as_member.get(f"{V3}/os-availability-zone").expect(200).json["availabilityZoneInfo"]
    assert [zone["zoneName"] for zone in zones] == ["far", "nova"]
    told = as_member.get(f"{V3}/extensions").expect(200).json["extensions"]
    assert "os-volume-transfer" in {extension["alias"] for extension in told}
    for path in ("os-services", "scheduler-stats/get_pools"):
        as_member.get(f"{V3}/{path}").expect(403)
        as_admin.get(f"{V3}/{path}?nothing=x").expect(400)
    services = as_admin.get(f"{V3}/os-services?binary=cinder-volume").expect(200).json["services"]
    assert [service["state"] for service in services] == ["up"]
    here = as_admin.get(f"{V3}/os-services?host=local").expect(200).json["services"]
    names = {service["binary"] for service in here}
    assert names == {"cinder-scheduler", "cinder-volume", "cinder-backup"}
    [pool] = as_admin.get(f"{V3}/scheduler-stats/get_pools?detail=true").expect(200).json["pools"]
    assert pool["capabilities"]["allocated_capacity_gb"] == 1


def test_who_makes_snapshots_tells_how_that_goes(as_member: ApiClient) -> None:
    snapshot = make_snapshot(status="creating")
    url = f"{V3}/snapshots/{snapshot.pk}/action"
    for asked, status in (
        ({"status": "deleting"}, 400),
        ({"status": "available", "progress": "50 of 100"}, 400),
        ({"status": "creating", "progress": "80%"}, 202),
        ({"status": "available"}, 202),
        ({"status": "error"}, 400),
    ):
        as_member.post(url, {"os-update_snapshot_status": asked}).expect(status)
    shown = as_member.get(f"{V3}/snapshots/{snapshot.pk}").expect(200).json["snapshot"]
    assert shown["status"] == "available"
    assert shown["os-extended-snapshot-attributes:progress"] == "80%"


def test_volumes_and_snapshots_of_what_is_not_there(as_member: ApiClient) -> None:
    off = make_image(status="deactivated")
    assert "deactivated" in create(as_member, size=1, imageRef=str(off.pk)).expect(400).message
    for asked, status in (({}, 400), ({"volume_id": None}, 404)):
        as_member.post(f"{V3}/snapshots", {"snapshot": asked}).expect(status)
    act(as_member, make_volume(), "os-show_image_metadata").expect(404)


def test_a_full_page_links_to_the_next(as_member: ApiClient) -> None:
    for _ in range(2):
        make_volume()
    links = as_member.get(f"{V3}/volumes?limit=2").expect(200).json["volumes_links"]
    path = urlsplit(links[0]["href"])
    assert as_member.get(f"/{path.path}?{path.query}").expect(200).json == {"volumes": []}
    assert "volumes_links" not in as_member.get(f"{V3}/volumes?limit=3").expect(200).json


def test_a_type_says_that_servers_share_its_volumes(as_member: ApiClient) -> None:
    VolumeType.objects.create(name="shared", extra_specs={"multiattach": "<is> True"})
    VolumeType.objects.create(name="alone", extra_specs={"multiattach": "<is> False"})
    made = create(as_member, size=1, volume_type="shared").expect(202).json["volume"]
    assert made["multiattach"] is True
    volume = Volume.objects.get(pk=made["id"])
    act(as_member, volume, "os-retype", {"new_type": "alone"}).expect(202)
    volume.refresh_from_db()
    assert volume.multiattach is False
    Volume.objects.update(status="in-use")
    act(as_member, volume, "os-retype", {"new_type": "shared"}).expect(400)


def test_types_are_found_by_name(as_member: ApiClient) -> None:
    VolumeType.objects.create(name="fast", description="costly")
    VolumeType.objects.create(name="slow")
    for query in ("name=fast", "description=costly"):
        listed = as_member.get(f"{V3}/types?{query}").expect(200).json["volume_types"]
        assert [kind["name"] for kind in listed] == ["fast"]


def test_the_newest_types_come_first(as_member: ApiClient) -> None:
    ids = {name: str(VolumeType.objects.create(name=name).pk) for name in ("b", "a", "c")}

    def listed(query: str = "") -> str:
        found = as_member.get(f"{V3}/types?{query}").expect(200).json["volume_types"]
        return "".join(kind["name"] for kind in found)

    assert listed() == "cab"
    assert listed(f"limit=1&marker={ids['c']}") == "a"
    assert listed("sort=name:asc") == listed("sort_key=name&sort_dir=asc") == "abc"
    assert listed("sort=created_at:asc") == "bac"


def test_a_type_in_use_stays_what_it_is(as_admin: ApiClient) -> None:
    kind = VolumeType.objects.create(name="fast", extra_specs={"a": "b"})
    make_volume(volume_type=kind)
    url = f"{V3}/types/{kind.pk}/extra_specs"
    as_admin.post(url, {"extra_specs": {"c": "d"}}).expect(400)
    as_admin.put(f"{url}/a", {"a": "c"}).expect(400)
    as_admin.delete(f"{url}/a").expect(400)
    kind.refresh_from_db()
    assert kind.extra_specs == {"a": "b"}


def test_what_went_after_it_was_found_is_missed(cast: Cast) -> None:
    caller, gone = caller_of(cast.admin), Volume(pk=uuid.uuid4(), project_id=ALPHA, size=1)
    for act_on, asked in (
        (actions.reset_status, {"status": "error", "migration_status": None}),
        (actions.extend, {"new_size": 2}),
        (actions.revert, {"snapshot_id": uuid.uuid4()}),
        (actions.reimage, {"image_id": uuid.uuid4(), "reimage_reserved": False}),
    ):
        with pytest.raises(NotFound, match=f"no volume {gone.pk}"):
            act_on(caller, gone, asked)
    member = dataclasses.replace(caller_of(cast.member), rules=frozenset([policies.SET_IMAGE]))
    with pytest.raises(NotFound, match=f"no volume {gone.pk}"):
        actions.set_image_metadata(member, gone, {"metadata": {"a": "b"}})
    with pytest.raises(NotFound):
        types.delete(VolumeType(pk=uuid.uuid4(), name="gone"))
