"""``GET /servers/{id}``."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from guardian.shortcuts import assign_perm

from servers.models import BlockDevice, Instance, ServerFault, ServerGroup, ServerGroupMember, Tag
from servers.policies import server as rules
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image, make_instance, make_order
from tests.world.hosts import make_host

FIRST = {
    "accessIPv4",
    "accessIPv6",
    "addresses",
    "config_drive",
    "created",
    "flavor",
    "hostId",
    "id",
    "image",
    "key_name",
    "links",
    "metadata",
    "name",
    "OS-DCF:diskConfig",
    "OS-EXT-AZ:availability_zone",
    "OS-EXT-STS:power_state",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:vm_state",
    "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at",
    "os-extended-volumes:volumes_attached",
    "progress",
    "status",
    "tenant_id",
    "updated",
    "user_id",
}
LATER = {
    "2.9": {"locked"},
    "2.19": {"description"},
    "2.26": {"tags"},
    "2.63": {"trusted_image_certificates"},
    "2.71": {"server_groups"},
    "2.73": {"locked_reason"},
    "2.90": {"OS-EXT-SRV-ATTR:hostname"},
    "2.96": {"pinned_availability_zone"},
    "2.100": {"scheduler_hints"},
}
ADMIN_FIRST = {
    "OS-EXT-SRV-ATTR:host",
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
    "OS-EXT-SRV-ATTR:instance_name",
}
ADMIN_LATER = {
    "2.3": {
        f"OS-EXT-SRV-ATTR:{name}"
        for name in (
            "hostname",
            "kernel_id",
            "launch_index",
            "ramdisk_id",
            "reservation_id",
            "root_device_name",
            "user_data",
        )
    },
    "2.16": {"host_status"},
}


def minor(version: str) -> int:
    return int(version.partition(".")[2])


def keys_at(version: str, first: set[str], later: dict[str, set[str]]) -> set[str]:
    return first.union(*(keys for start, keys in later.items() if minor(start) <= minor(version)))


def edges() -> list[str]:
    numbers = {minor(start) for start in LATER | ADMIN_LATER} | {47, 98}
    return [f"2.{number}" for number in sorted({1} | numbers | {n - 1 for n in numbers})]


def show(client: ApiClient, server: Instance, version: str = "2.1") -> dict:
    return client.get(f"/servers/{server.uuid}", microversion=version).expect(200).json["server"]


@pytest.mark.parametrize("version", edges())
def test_a_member_sees_the_keys_of_the_version(as_member: ApiClient, version: str) -> None:
    shown = show(as_member, make_instance(), version)
    assert set(shown) == keys_at(version, FIRST, LATER)


@pytest.mark.parametrize("version", edges())
def test_an_admin_sees_more_keys(as_admin: ApiClient, version: str) -> None:
    shown = show(as_admin, make_instance(), version)
    assert set(shown) == keys_at(version, FIRST | ADMIN_FIRST, LATER | ADMIN_LATER)


def test_a_server_that_nobody_builds_yet_is_in_build(as_admin: ApiClient) -> None:
    order = make_order(
        tags=["blue", "red"], pinned_zone="zone-a", hints={"group": ["g"]}, task_state="scheduling"
    )
    shown = show(as_admin, order.instance, "2.100")
    assert shown["status"] == "BUILD"
    assert shown["progress"] == 0
    assert shown["OS-EXT-STS:vm_state"] == "building"
    assert shown["OS-EXT-STS:task_state"] == "scheduling"
    assert shown["OS-EXT-STS:power_state"] == 0
    assert shown["addresses"] == {}
    assert shown["hostId"] == ""
    assert shown["OS-EXT-AZ:availability_zone"] == ""
    assert shown["OS-SRV-USG:launched_at"] is None
    assert shown["os-extended-volumes:volumes_attached"] == []
    assert shown["OS-EXT-SRV-ATTR:host"] is None
    assert shown["OS-EXT-SRV-ATTR:hypervisor_hostname"] is None
    assert shown["OS-EXT-SRV-ATTR:instance_name"] == ""
    assert shown["host_status"] == ""
    assert shown["tags"] == ["blue", "red"]
    assert shown["pinned_availability_zone"] == "zone-a"
    assert shown["scheduler_hints"] == {"group": ["g"]}
    assert "security_groups" not in shown
    assert "fault" not in shown


def test_an_active_server_shows_where_and_how_it_runs(as_admin: ApiClient) -> None:
    make_host("host1")
    server = make_instance(
        host="host1",
        node="node1",
        availability_zone="zone-a",
        power_state=1,
        launched_at=dt.datetime(2026, 1, 2, 3, 4, 5, 60, dt.UTC),
        created_at=dt.datetime(2026, 1, 2, 3, 4, 5, 999999, dt.UTC),
        metadata={"k": "größer"},
        config_drive="True",
        key_name="mine",
        access_ip_v4="192.0.2.1",
        access_ip_v6="fd00::1",
        auto_disk_config=True,
        display_description="first",
        user_data="Zm9v",
        trusted_certs=["one"],
        network_info=[
            {
                "port_id": "p",
                "network_id": "n",
                "label": "private",
                "mac": "fa:16:3e:00:00:01",
                "addresses": [["10.0.0.3", 4], ["fd00::3", 6]],
                "security_groups": ["default", "web"],
                "tag": None,
            }
        ],
    )
    Tag.objects.create(instance=server, tag="red")
    Tag.objects.create(instance=server, tag="blue")
    BlockDevice.objects.create(instance=server, volume_id="v1", delete_on_termination=True)
    BlockDevice.objects.create(instance=server, source_type="image")
    group = ServerGroup.objects.create(name="g", project_id=ALPHA, user_id="u", policy="affinity")
    ServerGroupMember.objects.create(instance=server, group=group)
    shown = show(as_admin, server, "2.96")
    assert shown["status"] == "ACTIVE"
    assert shown["created"] == "2026-01-02T03:04:05Z"
    assert shown["OS-SRV-USG:launched_at"] == "2026-01-02T03:04:05.000060"
    assert shown["metadata"] == {"k": "größer"}
    assert shown["config_drive"] == "True"
    assert shown["key_name"] == "mine"
    assert shown["accessIPv4"] == "192.0.2.1"
    assert shown["accessIPv6"] == "fd00::1"
    assert shown["OS-DCF:diskConfig"] == "AUTO"
    assert shown["description"] == "first"
    assert shown["addresses"] == {
        "private": [
            {
                "version": version,
                "addr": address,
                "OS-EXT-IPS:type": "fixed",
                "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01",
            }
            for version, address in ((4, "10.0.0.3"), (6, "fd00::3"))
        ]
    }
    assert shown["security_groups"] == [{"name": "default"}, {"name": "web"}]
    assert shown["tags"] == ["blue", "red"]
    assert shown["os-extended-volumes:volumes_attached"] == [
        {"id": "v1", "delete_on_termination": True}
    ]
    assert shown["server_groups"] == [str(group.uuid)]
    assert shown["trusted_image_certificates"] == ["one"]
    assert shown["OS-EXT-AZ:availability_zone"] == "zone-a"
    assert shown["OS-EXT-SRV-ATTR:host"] == "host1"
    assert shown["OS-EXT-SRV-ATTR:hypervisor_hostname"] == "node1"
    assert shown["OS-EXT-SRV-ATTR:instance_name"] == f"instance-{server.pk:08x}"
    assert shown["OS-EXT-SRV-ATTR:user_data"] == "Zm9v"
    assert shown["host_status"] == "UP"
    assert len(shown["hostId"]) == 56


def test_volumes_tell_their_fate_from_2_3(as_member: ApiClient) -> None:
    server = make_instance()
    BlockDevice.objects.create(instance=server, volume_id="v1")
    key = "os-extended-volumes:volumes_attached"
    assert show(as_member, server, "2.2")[key] == [{"id": "v1"}]
    assert show(as_member, server, "2.3")[key] == [{"id": "v1", "delete_on_termination": False}]


def test_the_flavor_is_a_link_until_2_46_and_its_values_since(as_member: ApiClient) -> None:
    flavor = make_flavor(swap=7, extra_specs={"a": "b"})
    server = make_instance(flavor_record=flavor)
    linked = show(as_member, server, "2.46")["flavor"]
    assert linked["id"] == flavor.flavorid
    assert linked["links"][0]["rel"] == "bookmark"
    assert linked["links"][0]["href"].endswith(f"/compute/flavors/{flavor.flavorid}")
    flavor.delete()
    assert show(as_member, server, "2.47")["flavor"] == {
        "vcpus": flavor.vcpus,
        "ram": flavor.memory_mb,
        "disk": flavor.root_gb,
        "ephemeral": 0,
        "swap": 7,
        "original_name": flavor.name,
        "extra_specs": {"a": "b"},
    }


def test_the_image_tells_its_known_properties_from_2_98(as_member: ApiClient) -> None:
    image = make_image()
    kept = {"image_hw_cpu_cores": "2", "image_nosuch": "x", "owner_user_name": "u"}
    server = make_instance(image_ref=str(image.pk), system_metadata=kept)
    assert "properties" not in show(as_member, server, "2.97")["image"]
    assert show(as_member, server, "2.98")["image"]["properties"] == {"hw_cpu_cores": "2"}


def test_a_server_booted_from_a_volume_has_no_image(as_member: ApiClient) -> None:
    assert show(as_member, make_instance(image_ref=""), "2.98")["image"] == ""


def test_a_failed_server_shows_its_newest_fault(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_instance(vm_state="error")
    ServerFault.objects.create(instance=server, message="old")
    ServerFault.objects.create(instance=server, message="new", details="trace")
    fault = show(as_member, server)["fault"]
    assert fault.pop("created").endswith("Z")
    assert fault == {"code": 500, "message": "new"}
    assert show(as_admin, server)["fault"]["details"] == "trace"
    assert "progress" not in show(as_member, server)


def test_details_of_a_fault_that_is_not_ours_are_for_everyone(as_member: ApiClient) -> None:
    server = make_instance(vm_state="error")
    ServerFault.objects.create(instance=server, code=404, message="gone", details="which")
    assert show(as_member, server)["fault"]["details"] == "which"


def test_an_earlier_fault_is_not_shown_once_the_server_runs(as_member: ApiClient) -> None:
    server = make_instance()
    ServerFault.objects.create(instance=server, message="old")
    assert "fault" not in show(as_member, server)


@pytest.mark.parametrize(
    "server_id",
    ["00000000-0000-4000-8000-00000000ffff", "1", "x" * 300, "{}", "%00"],
)
def test_what_is_no_server_is_404(as_member: ApiClient, server_id: str) -> None:
    assert as_member.get(f"/servers/{server_id}").expect(404).fault == "itemNotFound"


@pytest.mark.parametrize("make", [make_instance, lambda: make_order().instance])
def test_a_foreign_server_is_404(as_outsider: ApiClient, make: object) -> None:
    as_outsider.get(f"/servers/{make().uuid}").expect(404)


def test_a_deleted_server_is_404(as_admin: ApiClient) -> None:
    server = make_instance(vm_state="deleted", deleted_at=dt.datetime.now(dt.UTC))
    as_admin.get(f"/servers/{server.uuid}").expect(404)


def test_an_admin_and_a_reader_see_the_server(as_admin: ApiClient, as_reader: ApiClient) -> None:
    server = make_instance()
    assert show(as_reader, server)["tenant_id"] == ALPHA
    assert show(as_admin, make_instance(project_id=BETA))["tenant_id"] == BETA


def test_a_server_can_be_shared_with_one_user(as_outsider: ApiClient, cast: Cast) -> None:
    server = make_instance()
    permission = Permission.objects.get(codename=rules.SHOW, content_type__model="instance")
    assign_perm(permission, cast.outsider.user, server)
    assert show(as_outsider, server)["id"] == str(server.uuid)
    as_outsider.get(f"/servers/{make_instance().uuid}").expect(404)


def test_a_query_parameter_is_ignored_until_2_101(as_member: ApiClient) -> None:
    server = make_instance()
    as_member.get(f"/servers/{server.uuid}?x=1", microversion="2.101").expect(200)
    as_member.get(f"/servers/{server.uuid}?x=1", microversion="2.102").expect(400)


def test_links_carry_the_project_when_the_url_does(as_member: ApiClient) -> None:
    server = make_instance()
    short = show(as_member, server)["links"]
    long = as_member.get(f"/{ALPHA}/servers/{server.uuid}").expect(200).json["server"]["links"]
    root = "http://testserver/compute"
    assert short[0] == {"rel": "self", "href": f"{root}/v2.1/servers/{server.uuid}"}
    assert short[1] == {"rel": "bookmark", "href": f"{root}/servers/{server.uuid}"}
    assert long[0]["href"] == f"{root}/v2.1/{ALPHA}/servers/{server.uuid}"
    assert long[1]["href"] == f"{root}/{ALPHA}/servers/{server.uuid}"


def test_old_clients_get_links_of_their_version(as_member: ApiClient) -> None:
    server = make_instance()
    shown = as_member.get(f"//compute/v2/servers/{server.uuid}", microversion=None).json["server"]
    assert shown["links"][0]["href"].endswith(f"/compute/v2/servers/{server.uuid}")


def test_showing_takes_a_handful_of_statements(as_admin: ApiClient, statements: object) -> None:
    server = make_instance(vm_state="error")
    show(as_admin, server, "2.104")
    with statements() as seen:
        show(as_admin, server, "2.104")
    assert len(seen) <= 9
