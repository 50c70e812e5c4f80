"""``rebuild``: what the new image says of the server takes the place of what the old one said."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from servers.models import BlockDevice, HostHardware, Instance, RequestSpec
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.jobs import run_jobs
from tests.world.moving import Rack, act
from tests.world.orders import limit

UNKNOWN = "00000000-0000-4000-8000-00000000ffff"


@pytest.fixture
def rack(db: None) -> Rack:
    return Rack()


def rebuild(
    client: ApiClient, server: Instance, version: str = "2.94", image: Any = None, **values: Any
) -> Answer:
    """From an image with these properties, unless one is given."""
    properties = values.pop("properties", {})
    image = image or make_image(properties=properties)
    return act(client, server, version, rebuild={"imageRef": str(image.pk), **values})


def server_of(rack: Rack, client: ApiClient, **properties: str) -> Instance:
    image = make_image(properties=properties)
    return rack.server(client, imageRef=str(image.pk))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"hw_numa_nodes": "1"}),
        ({"hw_numa_nodes": "1"}, {}),
        ({"hw_numa_nodes": "1"}, {"hw_numa_nodes": "2"}),
        ({}, {"hw_cpu_policy": "dedicated"}),
    ],
)
def test_the_numa_layout_stays(
    rack: Rack, as_member: ApiClient, old: dict[str, str], new: dict[str, str]
) -> None:
    rack.shop.flavor = make_flavor(vcpus=2, memory_mb=1024, root_gb=10)
    server = server_of(rack, as_member, **old)
    assert rebuild(as_member, server, properties=new).expect(400).blamed == ["rebuild.imageRef"]
    rebuild(as_member, server, properties=old | {"os_type": "linux"}).expect(202)


def test_what_the_image_says_of_the_machine(rack: Rack, as_member: ApiClient) -> None:
    kernel, ramdisk = (str(make_image().pk) for _ in range(2))
    old = {"os_type": "linux", "architecture": "x86_64", "vm_mode": "hvm"}
    server = server_of(rack, as_member, kernel_id=kernel, ramdisk_id=ramdisk, **old)
    assert (server.kernel_id, server.os_type, server.vm_mode) == (kernel, "linux", "hvm")
    new = {"os_type": "windows", "kernel_id": ramdisk, "auto_disk_config": "true"}
    rebuild(as_member, server, properties=new).expect(202)
    server.refresh_from_db()
    assert (server.kernel_id, server.ramdisk_id) == (ramdisk, "")
    assert (server.os_type, server.architecture, server.vm_mode) == ("windows", None, None)
    assert server.auto_disk_config is True
    assert server.system_metadata["image_os_type"] == "windows"
    assert "image_architecture" not in server.system_metadata
    run_jobs()
    rebuild(as_member, server, properties={"kernel_id": "nokernel"}).expect(202)
    server.refresh_from_db()
    assert (server.kernel_id, server.os_type, server.auto_disk_config) == ("", None, False)


def test_host_and_disk_learn_of_the_image(rack: Rack, as_member: ApiClient) -> None:
    server, image = rack.server(as_member), make_image(min_ram=5, properties={"os_type": "linux"})
    rebuild(as_member, server, image=image).expect(202)
    kept = RequestSpec.objects.get(instance=server).image
    assert (kept["id"], kept["min_ram"]) == (str(image.pk), 5)
    assert BlockDevice.objects.get(instance=server).image_id == str(image.pk)


@pytest.mark.parametrize(
    ("image", "field"),
    [
        ({"properties": {"kernel_id": UNKNOWN}}, "rebuild.imageRef"),
        ({"properties": {"cinder_encryption_key_id": UNKNOWN}}, "rebuild.imageRef"),
        ({"status": "queued"}, "rebuild.imageRef"),
        ({"min_ram": 10**6}, "rebuild.imageRef"),
        ({"min_disk": 100}, "rebuild.imageRef"),
        ({"size": 1 << 40}, "rebuild.imageRef"),
        ({"properties": {"auto_disk_config": "disabled"}}, "rebuild.OS-DCF:diskConfig"),
        ({"properties": {"hw_architecture": "commodore64"}}, None),
        ({"properties": {"img_config_drive": "perhaps"}}, None),
        ({"properties": {"hw_cpu_sockets": "4", "hw_cpu_max_sockets": "2"}}, None),
    ],
)
def test_an_image_that_does_not_fit_is_named(
    rack: Rack, as_member: ApiClient, image: dict[str, Any], field: str | None
) -> None:
    server, auto = rack.server(as_member), {"OS-DCF:diskConfig": "AUTO"}
    answer = rebuild(as_member, server, image=make_image(**image), **auto).expect(400)
    assert answer.blamed == ([field] if field else [])


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"hw_architecture": "aarch64"}, "without support for aarch64 (ImagePropertiesFilter)"),
    ({"trait:CUSTOM_GOLD": "required"}, "without the trait CUSTOM_GOLD"),
    (
        {"img_hv_type": "fake", "img_hv_requested_version": ">=9"},
        "without what the image asks of its hypervisor (ImagePropertiesFilter)",
    ),
]


@pytest.mark.parametrize(("properties", "told"), REFUSED)
def test_the_host_is_asked_again_for_another_image(
    rack: Rack, as_member: ApiClient, as_admin: ApiClient, properties: dict[str, Any], told: str
) -> None:
    server = rack.server(as_member)
    kept = (server.image_ref, server.system_metadata, RequestSpec.objects.get().image)
    body = rebuild(
        as_member, server, properties=properties, name="renamed", metadata={"a": "b"}
    ).expect(202)
    assert body.json["server"]["adminPass"]
    run_jobs()
    server.refresh_from_db()
    assert (server.vm_state, server.task_state, server.host) == ("error", None, server.node)
    assert (server.image_ref, server.system_metadata, RequestSpec.objects.get().image) == kept
    assert (server.display_name, server.metadata) == ("renamed", {"a": "b"})
    shown = as_member.get(f"/servers/{server.uuid}").expect(200).json["server"]
    assert shown["fault"]["code"] == 500
    assert told in shown["fault"]["message"]
    actions = f"/servers/{server.uuid}/os-instance-actions"
    newest = as_admin.get(actions).json["instanceActions"][0]
    action = as_admin.get(f"{actions}/{newest['request_id']}").json["instanceAction"]
    assert (action["action"], action["message"]) == ("rebuild", "Error")
    assert [(e["event"], e["result"]) for e in action["events"]] == [("rebuild_server", "Error")]
    rebuild(as_member, server).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert server.vm_state == "active"


def test_the_host_is_not_asked_for_the_image_that_the_server_has(
    rack: Rack, as_member: ApiClient
) -> None:
    server = rack.server(as_member)
    HostHardware.objects.update(supported_instances=[])
    image = rack.shop.image
    image.properties = {"hw_architecture": "x86_64"}
    image.save()
    rebuild(as_member, server, image=image).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert server.vm_state == "active"


def test_rules_on_images_hold_on_a_forced_host_too(
    rack: Rack, as_admin: ApiClient, settings: Any
) -> None:
    server = rack.server(as_admin, availability_zone="nova:host1")
    other = make_image()
    settings.OPTIONS = dataclasses.replace(
        settings.OPTIONS,
        enabled_filters=("IsolatedHostsFilter",),
        isolated_images=(str(other.pk),),
        isolated_hosts=("host2",),
    )
    rebuild(as_admin, server, image=other).expect(202)
    server.refresh_from_db()
    assert server.vm_state == "error"
    assert "isolated for other images" in server.faults.get().message


def test_which_fault_comes_first(rack: Rack, as_member: ApiClient) -> None:
    server, large = rack.server(as_member), make_image(min_disk=100)
    limit("metadata_items", 0)
    many = {"metadata": {"a": "b"}}
    answer = rebuild(as_member, server, image=large, key_name="nosuch", **many).expect(400)
    assert answer.blamed == ["rebuild.key_name"]
    rebuild(as_member, server, image=large, **many).expect(403)
    rebuild(as_member, server, image=large).expect(400)


@pytest.mark.parametrize(
    ("asked", "kept"), [({}, ["old"]), ({"trusted_image_certificates": None}, ["site"])]
)
def test_certificates_are_those_of_the_site_where_they_are_taken_away(
    rack: Rack,
    as_member: ApiClient,
    settings: Any,
    asked: dict[str, Any],
    kept: list[str],
) -> None:
    server = rack.server(as_member)
    Instance.objects.filter(pk=server.pk).update(trusted_certs=["old"])
    settings.OPTIONS = dataclasses.replace(
        settings.OPTIONS,
        verify_glance_signatures=True,
        enable_certificate_validation=True,
        default_trusted_certificate_ids=("site",),
    )
    rebuild(as_member, server, **asked).expect(202)
    server.refresh_from_db()
    assert server.trusted_certs == kept
