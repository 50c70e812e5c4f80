"""``POST /servers``: block devices."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any

import pytest
from pytest_django import Settings

from compute_site.neighbours.volume.models import Snapshot, VolumeType
from servers.models import BuildRequest, Instance
from tests.world.cast import ALPHA, BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor, make_image, make_volume
from tests.world.orders import Shop

NOWHERE = str(uuid.UUID(int=0))
Device = dict[str, Any]


def blank(**device: Any) -> Device:
    """A blank volume of 1 GiB."""
    return {
        "source_type": "blank",
        "destination_type": "volume",
        "volume_size": 1,
        "boot_index": -1,
    } | device


def local(**device: Any) -> Device:
    """A blank local disk."""
    return {"source_type": "blank", "destination_type": "local", "boot_index": -1} | device


def volume(volume_id: object, **device: Any) -> Device:
    return {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": str(volume_id),
        "boot_index": -1,
    } | device


def snapshot_of(volume_row: Any) -> Snapshot:
    return Snapshot.objects.create(
        volume=volume_row, project_id=volume_row.project_id, size=volume_row.size
    )


def code_of(answer: Answer) -> str:
    return answer.errors[0]["code"]


def devices() -> list[dict[str, Any]]:
    """Those of the newest order."""
    found: list[dict[str, Any]] = BuildRequest.objects.latest("pk").block_devices
    return found


def brief(*keys: str) -> list[tuple[Any, ...]]:
    return [tuple(device[key] for key in keys) for device in devices()]


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"volume_size": 1}, 202),
        ({"volume_size": "1"}, 202),
        ({"volume_size": 1.0}, 400),
        ({"volume_size": 1.5}, 400),
        ({"boot_index": -(2**31)}, 202),
        ({"boot_index": str(-(2**31))}, 202),
        ({"boot_index": -(2**31) - 1}, 400),
        ({"boot_index": -1.0}, 202),
    ],
)
def test_which_numbers_a_device_may_have(
    shop: Shop, as_member: ApiClient, values: Device, status: int
) -> None:
    root = {"source_type": "image", "destination_type": "local", "boot_index": 0}
    root["uuid"] = str(shop.image.pk)
    shop.order(as_member, block_device_mapping_v2=[root, blank(**values)]).expect(status)


SOURCES = ("source_type", "destination_type", "boot_index")


class TestNewForm:
    @pytest.mark.parametrize(
        ("device", "code", "member"),
        [
            ({"source_type": "blank", "uuid": NOWHERE}, "malformed_disk", "uuid"),
            ({"source_type": "volume", "boot_index": 0}, "malformed_disk", "uuid"),
            ({"uuid": NOWHERE}, "malformed_disk", "source_type"),
            ({}, "malformed_disk", "source_type"),
            (
                {"source_type": "image", "destination_type": "local", "uuid": NOWHERE},
                "malformed_disk",
                "destination_type",
            ),
            (local(volume_type="fast"), "malformed_disk", "volume_type"),
            (volume(NOWHERE, volume_type="fast"), "malformed_disk", "volume_type"),
            (blank(virtual_name="x"), "malformed_disk", ""),
            ({"no_device": True, "virtual_name": "x"}, "malformed_disk", ""),
        ],
    )
    def test_parts_that_do_not_go_together(
        self, shop: Shop, as_member: ApiClient, device: Device, code: str, member: str
    ) -> None:
        answer = shop.order(as_member, block_device_mapping_v2=[shop.root(), device]).expect(400)
        assert code_of(answer) == code
        assert answer.blamed == [f"server.block_device_mapping_v2.1.{member}".rstrip(".")]

    @pytest.mark.parametrize(
        ("device", "code"),
        [
            (volume(NOWHERE), "volume_not_found"),
            (volume("not-a-uuid"), "volume_not_found"),
            (blank(source_type="snapshot", uuid=NOWHERE), "snapshot_not_found"),
            (blank(source_type="image", uuid=NOWHERE), "image_not_found"),
            (blank(volume_type="nosuch"), "volume_type_not_found"),
            (blank(volume_size=None), "disk_size_required"),
            (blank(boot_index=2), "boot_order_broken"),
            (blank(boot_index=0), "boot_order_broken"),
            (blank(disk_bus="isa"), "malformed_disk"),
            (blank(device_type="tape"), "malformed_disk"),
            (local(volume_size=1), "local_disks_exceeded"),
            (local(guest_format="swap", volume_size=1), "local_disks_exceeded"),
        ],
    )
    def test_rules_on_all_devices(self, as_member: ApiClient, device: Device, code: str) -> None:
        shop = Shop()
        sent = {key: value for key, value in device.items() if value is not None}
        answer = shop.order(as_member, block_device_mapping_v2=[shop.root(), sent]).expect(400)
        assert code_of(answer) == code
        assert Instance.objects.count() == 0

    def test_a_volume_from_an_image_needs_a_size(self, shop: Shop, as_member: ApiClient) -> None:
        root = shop.root(destination_type="volume")
        answer = shop.order(as_member, imageRef=None, block_device_mapping_v2=[root]).expect(400)
        assert code_of(answer) == "disk_size_required"

    def test_the_image_needs_an_entry_of_its_own(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(as_member, block_device_mapping_v2=[blank()]).expect(400)
        assert code_of(answer) == "boot_order_broken"

    def test_both_forms_at_once(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(
            as_member,
            block_device_mapping_v2=[shop.root()],
            block_device_mapping=[{"device_name": "vdb", "volume_id": NOWHERE}],
        ).expect(400)
        assert code_of(answer) == "two_disk_forms"

    def test_sizes_and_types_are_filled_in(self, shop: Shop, as_member: ApiClient) -> None:
        VolumeType.objects.create(name="0-slow")
        kind = VolumeType.objects.create(name="fast")
        taken = snapshot_of(make_volume(size=4))
        other = make_image()
        shop.order(
            as_member,
            block_device_mapping_v2=[
                shop.root(),
                volume(make_volume(size=3).pk),
                blank(source_type="snapshot", uuid=str(taken.pk), volume_size=9),
                {
                    "source_type": "snapshot",
                    "destination_type": "volume",
                    "uuid": str(taken.pk),
                    "boot_index": 1,
                },
                blank(volume_type=str(kind.pk), disk_bus="virtio", device_type="disk"),
                blank(volume_type="0-slow"),
                blank(source_type="image", uuid=str(other.pk), volume_size=2),
                {"no_device": True, "device_name": "vdz"},
            ],
        ).expect(202)
        assert [device["volume_size"] for device in devices()] == [None, 3, 9, 4, 1, 1, 2, None]
        assert [device["volume_type"] for device in devices()[4:6]] == ["fast", "0-slow"]

    def test_a_local_disk_has_the_size_that_the_flavor_gives(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=5, swap=64)
        shop.order(
            as_member,
            block_device_mapping_v2=[shop.root(), local(), local(guest_format="swap")],
        ).expect(202)
        assert brief("guest_format", "volume_size") == [(None, None), (None, 5), ("swap", 64)]

    @pytest.mark.parametrize(
        "extra",
        [
            [local(volume_size=3), local(volume_size=3)],
            [local(guest_format="swap"), local(guest_format="swap")],
            [local(guest_format="swap", volume_size=65)],
        ],
        ids=["ephemeral", "two-swaps", "swap"],
    )
    def test_local_disks_stay_within_the_flavor(
        self, as_member: ApiClient, extra: list[Device]
    ) -> None:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=5, swap=64)
        order = [shop.root(), *extra]
        answer = shop.order(as_member, block_device_mapping_v2=order).expect(400)
        assert code_of(answer) == "local_disks_exceeded"

    @pytest.mark.parametrize(("most", "status"), [(2, 400), (3, 202), (-1, 202)])
    def test_the_number_of_local_disks_is_limited(
        self, as_member: ApiClient, settings: Settings, most: int, status: int
    ) -> None:
        settings.OPTIONS = dataclasses.replace(settings.OPTIONS, max_local_block_devices=most)
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=2)
        disks = [local(volume_size=1), local(volume_size=1)]
        shop.order(as_member, block_device_mapping_v2=[shop.root(), *disks]).expect(status)

    @pytest.mark.parametrize(("name", "status"), [("vda", 400), ("/dev/vda", 400), ("vdb", 202)])
    def test_a_volume_cannot_have_the_name_of_the_root_disk(
        self, shop: Shop, as_member: ApiClient, name: str, status: int
    ) -> None:
        order = [shop.root(), blank(device_name=name)]
        answer = shop.order(as_member, block_device_mapping_v2=order).expect(status)
        if status == 400:
            assert code_of(answer) == "disk_name_taken"

    def test_a_root_that_the_image_names_may_be_overridden(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.image = make_image(properties={"root_device_name": "/dev/vda"})
        order = [shop.root(), blank(device_name="vda")]
        shop.order(as_member, block_device_mapping_v2=order).expect(202)

    def test_several_servers_cannot_share_a_volume(self, shop: Shop, as_member: ApiClient) -> None:
        order = [shop.root(), volume(make_volume(multiattach=True).pk)]
        answer = shop.order(as_member, max_count=2, block_device_mapping_v2=order).expect(400)
        assert code_of(answer) == "one_server_only"

    @pytest.mark.parametrize(("microversion", "status"), [("2.59", 400), ("2.60", 202)])
    def test_a_multiattach_volume_needs_2_60(
        self, shop: Shop, as_member: ApiClient, microversion: str, status: int
    ) -> None:
        order = [shop.root(), volume(make_volume(multiattach=True).pk)]
        shop.order(as_member, microversion=microversion, block_device_mapping_v2=order).expect(
            status
        )

    @pytest.mark.parametrize("shared", [False, True])
    def test_a_server_cannot_have_a_volume_twice(
        self, shop: Shop, as_member: ApiClient, *, shared: bool
    ) -> None:
        device = volume(make_volume(multiattach=shared).pk)
        order = [shop.root(), device, device]
        answer = shop.order(as_member, block_device_mapping_v2=order).expect(400)
        assert "twice" in answer.message

    @pytest.mark.parametrize("state", ["in-use", "reserved", "error", "creating"])
    def test_a_volume_that_is_not_free_is_refused(
        self, shop: Shop, as_member: ApiClient, state: str
    ) -> None:
        order = [shop.root(), volume(make_volume(status=state).pk)]
        answer = shop.order(as_member, block_device_mapping_v2=order).expect(400)
        assert state in answer.message

    def test_the_volumes_of_others_do_not_exist(self, shop: Shop, as_member: ApiClient) -> None:
        order = [shop.root(), volume(make_volume(project_id=BETA).pk)]
        shop.order(as_member, block_device_mapping_v2=order).expect(400)

    def test_a_shared_volume_behind_a_snapshot_is_claimed_by_every_server(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        """Nova tries the ids in the order image, volume, snapshot, whatever the source says."""
        shared = make_volume(multiattach=True)
        device = blank(
            source_type="snapshot", uuid=str(snapshot_of(shared).pk), volume_id=str(shared.pk)
        )
        shop.order(as_member, min_count=2, block_device_mapping_v2=[shop.root(), device]).expect(
            202
        )
        claims = {
            request.block_devices[1]["attachment_id"] for request in BuildRequest.objects.all()
        }
        assert claims == {str(claim.pk) for claim in shared.attachments.all()}
        assert len(claims) == 2


class TestOldForm:
    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ({"virtual_name": "swap"}, ("blank", "local", -1)),
            ({"virtual_name": "ephemeral0"}, ("blank", "local", -1)),
            ({"virtual_name": "ephemeral10"}, ("blank", "local", -1)),
            ({"no_device": True}, (None, None, None)),
        ],
        ids=str,
    )
    def test_what_is_no_volume(
        self, as_member: ApiClient, item: Device, expected: tuple[Any, ...]
    ) -> None:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=1, swap=1)
        item = {"device_name": "vdb"} | item
        shop.order(as_member, block_device_mapping=[item]).expect(202)
        assert brief(*SOURCES)[:2] == [("image", "local", 0), expected]

    def test_volumes_and_snapshots(self, shop: Shop, as_member: ApiClient) -> None:
        data, old = make_volume(), make_volume()
        items = [
            {"device_name": "/dev/vdb", "volume_id": str(data.pk), "delete_on_termination": "yes"},
            {"device_name": "vdc", "snapshot_id": str(snapshot_of(old).pk), "volume_size": 2},
        ]
        shop.order(as_member, block_device_mapping=items).expect(202)
        assert brief(*SOURCES) == [
            ("image", "local", 0),
            ("volume", "volume", -1),
            ("snapshot", "volume", -1),
        ]
        assert [device["delete_on_termination"] for device in devices()] == [True, True, False]

    @pytest.mark.parametrize("item", [{}, {"virtual_name": "ephemeral01"}, {"no_device": ""}])
    def test_what_is_nothing_is_refused(
        self, shop: Shop, as_member: ApiClient, item: Device
    ) -> None:
        item = {"device_name": "vdb"} | item
        answer = shop.order(as_member, block_device_mapping=[item]).expect(400)
        assert answer.blamed == ["server.block_device_mapping.0"]

    def test_the_volume_with_the_name_of_the_root_is_the_root(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        item = {"device_name": "/dev/vda", "volume_id": str(make_volume().pk)}
        shop.order(as_member, block_device_mapping=[item]).expect(202)
        assert brief(*SOURCES) == [("volume", "volume", 0)]

    def test_without_an_image_the_letter_a_names_the_boot_volume(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        row = make_volume(image_metadata={"min_ram": "4096", "image_id": NOWHERE})
        item = {"device_name": "/dev/xvda1", "volume_id": str(row.pk)}
        answer = shop.order(as_member, imageRef=None, block_device_mapping=[item]).expect(400)
        assert code_of(answer) == "flavor_too_small"

    def test_without_a_boot_volume_nothing_boots(self, shop: Shop, as_member: ApiClient) -> None:
        item = {"device_name": "vdb", "volume_id": str(make_volume().pk)}
        answer = shop.order(as_member, imageRef=None, block_device_mapping=[item]).expect(400)
        assert code_of(answer) == "boot_order_broken"


class TestBootFromVolume:
    def order(self, client: ApiClient, **device: Any) -> Answer:
        device = {"boot_index": 0} | device
        return Shop().order(client, imageRef=None, block_device_mapping_v2=[device])

    def test_the_data_of_the_image_come_from_the_volume(self, as_member: ApiClient) -> None:
        row = make_volume(
            size=2,
            image_metadata={
                "image_id": NOWHERE,
                "image_name": "cirros",
                "min_ram": "64",
                "min_disk": "1",
                "hw_disk_bus": "virtio",
            },
        )
        self.order(as_member, **volume(row.pk, boot_index=0)).expect(202)
        server = Instance.objects.get()
        assert server.image_ref == ""
        assert server.request_spec.is_bfv
        image = server.request_spec.image
        assert (image["id"], image["size"], image["min_ram"]) == (None, 2 * 2**30, 64)
        assert image["properties"] == {"hw_disk_bus": "virtio"}

    def test_those_of_a_snapshot_come_from_its_volume(self, as_member: ApiClient) -> None:
        taken = snapshot_of(make_volume(image_metadata={"hw_disk_bus": "isa"}))
        device = blank(source_type="snapshot", uuid=str(taken.pk), boot_index=0)
        answer = self.order(as_member, **device).expect(400)
        assert "hw_disk_bus" in answer.message

    def test_those_of_an_image_come_from_the_image(self, as_member: ApiClient) -> None:
        image = make_image(min_disk=3)
        device = blank(source_type="image", uuid=str(image.pk), boot_index=0, volume_size=2)
        assert code_of(self.order(as_member, **device).expect(400)) == "volume_too_small"
        self.order(as_member, **device | {"volume_size": 3}).expect(202)
        assert Instance.objects.get().request_spec.image["id"] == str(image.pk)

    @pytest.mark.parametrize(
        ("device", "code"),
        [
            (blank(source_type="image", uuid=NOWHERE), "image_not_found"),
            (blank(source_type="snapshot", uuid=NOWHERE), "snapshot_not_found"),
            (volume(NOWHERE), "volume_not_found"),
            (blank(source_type="image", uuid=NOWHERE, snapshot_id=NOWHERE), "snapshot_not_found"),
        ],
    )
    def test_what_does_not_exist(self, as_member: ApiClient, device: Device, code: str) -> None:
        answer = self.order(as_member, **device | {"boot_index": 0}).expect(400)
        assert code_of(answer) == code

    @pytest.mark.parametrize(("mark", "status"), [("false", 400), ("true", 202), ("", 202)])
    def test_a_volume_may_be_marked_as_not_bootable(
        self, as_member: ApiClient, mark: str, status: int
    ) -> None:
        row = make_volume(bootable=mark)
        self.order(as_member, **volume(row.pk, boot_index=0)).expect(status)

    def test_a_volume_with_a_wrong_number_is_refused(self, as_member: ApiClient) -> None:
        row = make_volume(image_metadata={"min_ram": "much"})
        answer = self.order(as_member, **volume(row.pk, boot_index=0)).expect(400)
        assert "min_ram" in answer.message


class TestOfImage:
    """Devices that the image defines."""

    def shop(self, **properties: Any) -> Shop:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=2, swap=64)
        shop.image = make_image(properties=properties)
        return shop

    def test_blank_ones_have_the_sizes_of_the_flavor(self, as_member: ApiClient) -> None:
        mappings = [
            {"virtual": "ami", "device": "vda"},
            {"virtual": "root", "device": "vda"},
            {"virtual": "ephemeral0", "device": "vdb", "guest_format": "ext4"},
            {"virtual": "swap", "device": "/dev/vdc", "guest_format": "ext4"},
        ]
        shop = self.shop(mappings=json.dumps(mappings))
        shop.order(as_member).expect(202)
        assert brief("device_name", "guest_format", "volume_size") == [
            (None, None, None),
            ("/dev/vdb", "ext4", 2),
            ("/dev/vdc", "swap", 64),
        ]
        assert Instance.objects.get().root_device_name == "/dev/vda"

    def test_a_root_device_has_a_name_of_some_length(self, as_member: ApiClient) -> None:
        shop = self.shop(root_device_name="x" * 251)
        assert code_of(shop.order(as_member).expect(400)) == "malformed_disk"

    def test_blank_ones_that_the_flavor_does_not_give_are_dropped(
        self, as_member: ApiClient
    ) -> None:
        shop = self.shop(mappings='[{"virtual": "swap", "device": "vdc"}]')
        shop.flavor = make_flavor(root_gb=1)
        shop.order(as_member).expect(202)
        assert len(devices()) == 1

    def test_a_blank_one_needs_a_device(self, as_member: ApiClient) -> None:
        shop = self.shop(mappings='[{"virtual": "swap"}]')
        assert code_of(shop.order(as_member).expect(400)) == "malformed_disk"

    def test_a_root_of_the_image_takes_the_place_of_the_image(self, as_member: ApiClient) -> None:
        taken = snapshot_of(make_volume())
        shop = self.shop(
            bdm_v2="True",
            block_device_mapping=json.dumps(
                [
                    {
                        "source_type": "snapshot",
                        "destination_type": "volume",
                        "snapshot_id": str(taken.pk),
                        "boot_index": 0,
                        "delete_on_termination": "true",
                        "uuid": NOWHERE,
                    }
                ]
            ),
        )
        for order in ({}, {"block_device_mapping_v2": [shop.root()]}):
            shop.order(as_member, **order).expect(202)
            assert brief(*SOURCES)[0] == ("snapshot", "volume", 0)
            assert devices()[0]["delete_on_termination"] is True
        item = {"device_name": "vda", "volume_id": str(make_volume().pk)}
        shop.order(as_member, block_device_mapping=[item]).expect(202)
        assert brief(*SOURCES)[:2] == [("volume", "volume", -1), ("snapshot", "volume", 0)]

    def test_the_client_overrides_by_device_name(self, as_member: ApiClient) -> None:
        taken = snapshot_of(make_volume())
        shop = self.shop(
            root_device_name="vda",
            block_device_mapping=[{"device_name": "/dev/vdb", "snapshot_id": str(taken.pk)}],
        )
        shop.order(as_member).expect(202)
        assert brief(*SOURCES)[1] == ("snapshot", "volume", -1)
        order = [shop.root(), blank(device_name="vdb")]
        shop.order(as_member, block_device_mapping_v2=order).expect(202)
        assert brief(*SOURCES)[1] == ("blank", "volume", -1)

    @pytest.mark.parametrize(
        "device",
        [
            {"source_type": "tape", "destination_type": "volume", "boot_index": -1},
            {"destination_type": "volume"},
            {"source_type": "blank", "destination_type": "volume", "volume_size": "big"},
            {"source_type": "blank", "destination_type": "volume", "volume_size": -1},
            {"source_type": "blank", "destination_type": "volume", "boot_index": "first"},
            {"source_type": "blank", "destination_type": "volume", "device_name": "v d"},
            {"source_type": "blank", "destination_type": "volume", "colour": "red"},
            {"source_type": "volume", "destination_type": "volume", "volume_id": 5},
            {"source_type": "blank", "destination_type": "volume", "guest_format": "x" * 256},
            {"source_type": "blank", "destination_type": "volume", "volume_size": 2**31},
            {"source_type": "blank", "destination_type": "volume", "boot_index": "9" * 5000},
        ],
        ids=str,
    )
    def test_a_wrong_one_is_refused(self, as_member: ApiClient, device: Device) -> None:
        shop = self.shop(bdm_v2=True, block_device_mapping=[device])
        assert code_of(shop.order(as_member).expect(400)) == "malformed_disk"


class TestOfFlavor:
    def test_ephemeral_disk_and_swap_are_added(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=2, swap=64)
        shop.order(as_member).expect(202)
        assert brief("source_type", "guest_format", "volume_size", "boot_index") == [
            ("image", None, None, 0),
            ("blank", None, 2, -1),
            ("blank", "swap", 64, -1),
        ]

    def test_not_beside_those_of_the_client(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=1, ephemeral_gb=2, swap=64)
        order = [shop.root(), local(volume_size=1), local(guest_format="swap", volume_size=8)]
        shop.order(as_member, block_device_mapping_v2=order).expect(202)
        assert [device["volume_size"] for device in devices()] == [None, 1, 8]

    def test_local_disks_are_encrypted_where_asked(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.flavor = make_flavor(
            root_gb=1,
            extra_specs={
                "hw:ephemeral_encryption": "true",
                "hw:ephemeral_encryption_format": "luks",
            },
        )
        shop.order(as_member, block_device_mapping_v2=[shop.root(), blank()]).expect(202)
        assert brief("encrypted", "encryption_format") == [(True, "luks"), (False, None)]


class TestZones:
    """Where servers and volumes must lie in one zone."""

    @pytest.fixture(autouse=True)
    def _one_zone(self, settings: Settings) -> None:
        settings.OPTIONS = dataclasses.replace(settings.OPTIONS, cross_az_attach=False)

    def order(self, client: ApiClient, *zones: str, **order: Any) -> Answer:
        shop = Shop()
        volumes = [volume(make_volume(availability_zone=zone).pk) for zone in zones]
        return shop.order(client, block_device_mapping_v2=[shop.root(), *volumes], **order)

    def test_the_server_follows_its_volumes(self, as_member: ApiClient) -> None:
        self.order(as_member, "storage", "storage").expect(202)
        server = Instance.objects.get()
        assert server.availability_zone == "storage"
        assert server.request_spec.availability_zone == "storage"

    def test_the_default_zone_asks_for_nothing(self, as_member: ApiClient) -> None:
        self.order(as_member, "nova").expect(202)
        assert Instance.objects.get().availability_zone is None

    def test_volumes_of_different_zones_are_refused(self, as_member: ApiClient) -> None:
        assert code_of(self.order(as_member, "nova", "storage").expect(400)) == "zones_differ"

    @pytest.mark.parametrize(("zone", "status"), [("internal", 202), ("storage", 400)])
    def test_an_asked_zone_must_be_that_of_the_volumes(
        self, as_member: ApiClient, zone: str, status: int
    ) -> None:
        self.order(as_member, zone, availability_zone="internal").expect(status)

    def test_without_volumes_nothing_changes(self, as_member: ApiClient) -> None:
        self.order(as_member).expect(202)
        assert Instance.objects.get().project_id == ALPHA
