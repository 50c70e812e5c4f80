"""Servers that were booted from volumes: images of them, and what cannot be done with them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guardian.shortcuts import assign_perm, remove_perm

from compute_site.identity.models import Role
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.models import Snapshot, Volume
from servers.actions import image as imaging
from servers.errors import WrongState
from servers.models import BlockDevice, Instance, InstanceAction, RequestSpec, ResourceProvider
from tests.world.cast import ALPHA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_image, make_volume
from tests.world.jobs import run_jobs
from tests.world.moving import Rack, act, state

VOLUME = {"source_type": "volume", "destination_type": "volume"}
RESCUABLE = {"hw_rescue_bus": "virtio", "hw_rescue_device": "disk"}


@pytest.fixture
def rack(db: None) -> Rack:
    return Rack()


def boot(rack: Rack, client: ApiClient, *, image: Image | None = None, **volume: Any) -> Instance:
    """A server on a volume made of ``image``, with a second volume and the flavor's disks."""
    rack.small.ephemeral_gb, rack.small.swap = 1, 512
    rack.small.save()
    if image is not None:
        volume["image_metadata"] = {"image_id": str(image.pk), **image.properties}
    root, data = make_volume(**{"size": 3, "description": "root"} | volume), make_volume(size=2)
    disks = [
        VOLUME | {"uuid": str(root.pk), "boot_index": 0},
        VOLUME | {"uuid": str(data.pk), "delete_on_termination": True},
    ]
    return rack.server(client, imageRef=None, block_device_mapping_v2=disks)


def create_image(client: ApiClient, server: Instance, **metadata: str) -> Image:
    body = {"name": "mine", "metadata": metadata}
    answer = act(client, server, "2.45", createImage=body).expect(202)
    return Image.objects.get(pk=answer.json["image_id"])


def let_rescue(server: Instance) -> None:
    """The host of the server can rescue from volumes from now on."""
    provider = ResourceProvider.objects.get(node__hypervisor_hostname=server.node)
    provider.traits.create(trait="COMPUTE_RESCUE_BFV")


def rebuild(client: ApiClient, server: Instance, image: Image, version: str, **more: Any) -> Answer:
    return act(client, server, version, rebuild={"imageRef": str(image.pk), **more})


# images


def test_an_image_of_snapshots_makes_no_volume(rack: Rack, as_member: ApiClient) -> None:
    server = boot(rack, as_member)
    image = create_image(as_member, server)
    asked = {"volume": {"size": 9, "imageRef": str(image.pk)}}
    answer = as_member.post("//volume/v3/volumes", asked).expect(400)
    assert "snapshot_id" in answer.json["badRequest"]["message"]


def test_the_image_is_a_list_of_snapshots(rack: Rack, as_member: ApiClient) -> None:
    server = boot(rack, as_member, image=make_image(properties={"os_type": "linux"}))
    image = create_image(as_member, server, a="b", root_device_name="/dev/x", bdm_v2="no")
    assert (image.name, image.status, image.size) == ("mine", "active", 0)
    assert (image.disk_format, image.container_format, image.min_disk) == ("raw", "bare", 3)
    mapping = json.loads(image.properties["block_device_mapping"])
    root, data = Snapshot.objects.order_by("-size")
    assert (root.name, root.description, root.size) == ("snapshot for mine", "root", 3)
    assert {key: value for key, value in image.properties.items() if key[0] != "b"} == {
        "a": "b",
        "os_type": "linux",
        "owner_project_name": "alpha",
        "owner_user_name": "alpha-member",
        "root_device_name": "/dev/vda",
    }
    assert (image.properties["bdm_v2"], image.properties["base_image_ref"]) == ("True", "")
    shown = [{key: value for key, value in disk.items() if value is not None} for disk in mapping]
    blank = {
        "source_type": "blank",
        "destination_type": "local",
        "device_type": "disk",
        "boot_index": -1,
        "delete_on_termination": True,
        "encrypted": False,
        "no_device": False,
    }
    snapshot = {"source_type": "snapshot", "destination_type": "volume"}
    assert shown == [
        blank | {"device_name": "/dev/vdb", "volume_size": 1},
        blank | {"device_name": "/dev/vdc", "volume_size": 512, "guest_format": "swap"},
        snapshot
        | {
            "snapshot_id": str(root.pk),
            "device_name": "/dev/vda",
            "boot_index": 0,
            "volume_size": 3,
            "delete_on_termination": False,
        },
        snapshot
        | {
            "snapshot_id": str(data.pk),
            "device_name": "/dev/vdd",
            "volume_size": 2,
            "delete_on_termination": True,
        },
    ]
    assert all(set(disk) == set(mapping[0]) for disk in mapping)
    assert InstanceAction.objects.filter(instance=server, action="createImage").exists()


def test_the_old_api_of_images_shows_the_disks_as_a_list(rack: Rack, as_member: ApiClient) -> None:
    image = create_image(as_member, boot(rack, as_member))
    shown = as_member.get(f"/images/{image.pk}").expect(200).json["image"]["metadata"]
    assert [disk["source_type"] for disk in shown["block_device_mapping"]] == [
        *("blank", "blank", "snapshot", "snapshot")
    ]


def test_a_server_of_the_image_boots_from_new_volumes(rack: Rack, as_member: ApiClient) -> None:
    image = create_image(as_member, boot(rack, as_member))
    before = set(Volume.objects.values_list("pk", flat=True))
    copy = rack.server(as_member, imageRef=str(image.pk))
    new = Volume.objects.exclude(pk__in=before)
    assert {(volume.size, volume.status, volume.snapshot_id) for volume in new} == {
        (snapshot.size, "in-use", snapshot.pk) for snapshot in Snapshot.objects.all()
    }
    disks = BlockDevice.objects.filter(instance=copy).order_by("device_name")
    assert [(disk.device_name, disk.source_type, disk.boot_index) for disk in disks] == [
        ("/dev/vda", "snapshot", 0),
        ("/dev/vdb", "blank", -1),
        ("/dev/vdc", "blank", -1),
        ("/dev/vdd", "snapshot", None),
    ]
    assert RequestSpec.objects.get(instance=copy).is_bfv
    # what was booted from a volume, though it names an image, can be imaged again
    again = create_image(as_member, copy)
    assert json.loads(again.properties["block_device_mapping"])[2]["source_type"] == "snapshot"


def test_the_volumes_of_an_image_outlive_their_server(rack: Rack, as_member: ApiClient) -> None:
    server = boot(rack, as_member)
    create_image(as_member, server)
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert set(Volume.objects.values_list("status", flat=True)) == {"available"}
    assert Volume.objects.count() == 2


@pytest.mark.parametrize("status", ["error", "reserved"])
def test_a_volume_that_is_not_in_use_is_not_imaged(
    rack: Rack, as_member: ApiClient, status: str
) -> None:
    server = boot(rack, as_member)
    Volume.objects.filter(size=2).update(status=status)
    act(as_member, server, createImage={"name": "mine"}).expect(400)
    assert not Snapshot.objects.exists()
    assert not Image.objects.filter(name="mine").exists()


@pytest.mark.parametrize(
    "columns", [{"vm_state": "rescued"}, {"task_state": "pausing"}, {"launched_at": None}]
)
def test_an_image_needs_a_server_that_is_settled(
    rack: Rack, as_member: ApiClient, columns: dict[str, Any]
) -> None:
    server = boot(rack, as_member)
    Instance.objects.filter(pk=server.pk).update(**columns)
    act(as_member, server, createImage={"name": "mine"}).expect(409)
    assert not Snapshot.objects.exists()


def test_an_image_is_made_as_a_whole(
    rack: Rack, as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise WrongState("The history cannot be written now.")

    server = boot(rack, as_member)
    monkeypatch.setattr(imaging, "log_action", refuse)
    act(as_member, server, createImage={"name": "mine"}).expect(409)
    assert not Snapshot.objects.exists()
    assert not Image.objects.filter(name="mine").exists()


# what cannot be done with them


@pytest.mark.parametrize("with_image", [False, True])
def test_there_are_no_backups_of_them(
    rack: Rack, as_member: ApiClient, *, with_image: bool
) -> None:
    """Also where the volume was made of an image that the request named."""
    if with_image:
        root = rack.shop.root(destination_type="volume", volume_size=1)
        server = rack.server(as_member, block_device_mapping_v2=[root])
        assert server.image_ref
    else:
        server = boot(rack, as_member)
    body = {"name": "mine", "backup_type": "daily", "rotation": 1}
    act(as_member, server, createBackup=body).expect(400)
    Instance.objects.filter(pk=server.pk).update(task_state="pausing")
    act(as_member, server, createBackup=body).expect(409)
    assert not Image.objects.filter(name="mine").exists()


@pytest.mark.parametrize(
    ("version", "properties", "status"),
    [
        ("2.1", RESCUABLE, 400),
        ("2.86", RESCUABLE, 400),
        ("2.87", {}, 400),
        ("2.87", {"hw_rescue_bus": "virtio"}, 400),
        ("2.87", RESCUABLE, 200),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_they_are_rescued_by_some_images_from_2_87(
    rack: Rack,
    as_member: ApiClient,
    version: str,
    properties: dict[str, str],
    status: int,
    *,
    named: bool,
) -> None:
    """The image is the one that is named, or the one that the volume was made of."""
    image = make_image(properties=properties)
    server = boot(rack, as_member, image=None if named else image)
    let_rescue(server)
    rescue = {"rescue_image_ref": str(image.pk)} if named else None
    act(as_member, server, version, rescue=rescue).expect(status)
    assert state(server) == ("active", "rescuing" if status == 200 else None)


def test_the_host_must_be_able_to_rescue_from_volumes(rack: Rack, as_member: ApiClient) -> None:
    server = boot(rack, as_member, image=make_image(properties=RESCUABLE))
    act(as_member, server, "2.87", rescue=None).expect(400)
    let_rescue(server)
    act(as_member, server, "2.87", rescue=None).expect(200)


def test_an_image_of_volumes_rescues_nobody(rack: Rack, as_member: ApiClient) -> None:
    image = create_image(as_member, boot(rack, as_member))
    server = rack.server(as_member)
    rescue = {"rescue_image_ref": str(image.pk)}
    act(as_member, server, "2.87", rescue=rescue).expect(400)


def test_volumes_must_be_in_use_to_rescue_or_rebuild(rack: Rack, as_member: ApiClient) -> None:
    image = make_image(properties=RESCUABLE)
    server = boot(rack, as_member, image=image)
    Volume.objects.filter(size=2).update(status="detaching")
    act(as_member, server, "2.87", rescue=None).expect(409)
    rebuild(as_member, server, image, "2.93").expect(400)


# rebuilding


@pytest.mark.parametrize("version", ["2.1", "2.92", "2.93"])
def test_they_are_rebuilt_from_the_image_of_their_volume(
    rack: Rack, as_member: ApiClient, version: str
) -> None:
    image = make_image()
    server = boot(rack, as_member, image=image)
    answer = rebuild(as_member, server, image, version).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert (answer.json["server"]["image"], server.image_ref) == ("", "")


def test_another_image_is_written_over_the_volume_from_2_93(
    rack: Rack, as_member: ApiClient
) -> None:
    first, second = make_image(), make_image(properties={"os_type": "linux"})
    server = boot(rack, as_member, image=first)
    rebuild(as_member, server, second, "2.92").expect(400)
    rebuild(as_member, server, second, "2.93").expect(202)
    run_jobs()
    kept = Volume.objects.get(size=3).image_metadata
    assert (kept["image_id"], kept["os_type"]) == (str(second.pk), "linux")
    rebuild(as_member, server, second, "2.1").expect(202)
    run_jobs()
    rebuild(as_member, server, first, "2.1").expect(400)


def test_a_volume_of_no_image_is_rebuilt_from_2_93(rack: Rack, as_member: ApiClient) -> None:
    server, image = boot(rack, as_member), make_image()
    rebuild(as_member, server, image, "2.92").expect(400)
    rebuild(as_member, server, make_image(min_disk=4), "2.93").expect(400)
    rebuild(as_member, server, image, "2.93").expect(202)


@pytest.mark.parametrize(("certificates", "status"), [(["x"], 400), (None, 202)])
def test_their_images_are_not_checked_by_certificates(
    rack: Rack, as_member: ApiClient, certificates: Any, status: int
) -> None:
    image = make_image()
    server = boot(rack, as_member, image=image)
    more = {"trusted_image_certificates": certificates}
    rebuild(as_member, server, image, "2.93", **more).expect(status)


# what the volume service is asked for


def test_the_image_needs_the_right_and_the_room_for_snapshots(
    rack: Rack, as_member: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    server = boot(rack, as_member)
    group = cast.alpha.roles.get(role=Role.MEMBER).group
    remove_perm(policies.CREATE_SNAPSHOT, group, cast.alpha)
    refused = act(as_member, server, "2.45", createImage={"name": "mine"}).expect(403)
    assert policies.CREATE_SNAPSHOT in refused.message
    assign_perm(policies.CREATE_SNAPSHOT, group, cast.alpha)
    limit = {"quota_set": {"snapshots": 1}}
    as_admin.put(f"//volume/v3/os-quota-sets/{ALPHA}", limit).expect(200)
    act(as_member, server, "2.45", createImage={"name": "mine"}).expect(413)
    assert not Snapshot.objects.exists()
    assert not Image.objects.exclude(visibility="public").exists()
    as_admin.put(f"//volume/v3/os-quota-sets/{ALPHA}", {"quota_set": {"snapshots": 2}}).expect(200)
    create_image(as_member, server)


def test_an_image_is_written_over_a_volume_by_who_may(
    rack: Rack, as_member: ApiClient, cast: Cast
) -> None:
    first, second = make_image(), make_image()
    server = boot(rack, as_member, image=first)
    remove_perm(policies.REIMAGE, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)
    assert policies.REIMAGE in rebuild(as_member, server, second, "2.93").expect(403).message
    assert {volume.image_metadata.get("image_id") for volume in Volume.objects.all()} == {
        str(first.pk),
        None,
    }
    server.refresh_from_db()
    assert server.task_state is None
