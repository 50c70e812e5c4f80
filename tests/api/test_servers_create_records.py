"""``POST /servers``: the answer, and what the records hold afterwards."""

from __future__ import annotations

import dataclasses
import re
import uuid
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from compute_site.secrets.sealing import unseal
from servers.models import BuildRequest, Instance, InstanceMapping, KeyPair, RequestSpec, Tag
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    flavor_copy,
    make_flavor,
    make_image,
    make_network,
    make_security_group,
    make_volume,
)
from tests.world.hosts import make_host
from tests.world.jobs import queued
from tests.world.orders import Shop


def the_server() -> Instance:
    return Instance.objects.get()


class TestAnswer:
    def test_the_ordinary_form(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(as_member, min_count=2).expect(202)
        first = Instance.objects.get(launch_index=0)
        server = answer.json["server"]
        assert server["id"] == str(first.uuid)
        assert [link["rel"] for link in server["links"]] == ["self", "bookmark"]
        assert server["links"][0]["href"] == answer.headers["Location"]
        assert server["OS-DCF:diskConfig"] == "MANUAL"
        assert server["security_groups"] == [{"name": "default"}]
        assert set(server) == {
            "id",
            "links",
            "OS-DCF:diskConfig",
            "security_groups",
            "adminPass",
        }

    def test_the_reservation_form(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(as_member, min_count=2, return_reservation_id=True).expect(202)
        (reservation,) = set(Instance.objects.values_list("reservation_id", flat=True))
        assert answer.json == {"reservation_id": reservation}
        assert re.fullmatch(r"r-[a-z0-9]{8}", reservation)
        assert "Location" not in answer.headers

    @pytest.mark.parametrize(
        "groups", [[], [{"name": "default"}, {"name": "default"}], [{}]], ids=str
    )
    def test_the_security_groups_are_echoed_as_sent(
        self, shop: Shop, as_member: ApiClient, groups: list[dict[str, str]]
    ) -> None:
        answer = shop.order(as_member, security_groups=groups).expect(202)
        assert answer.json["server"]["security_groups"] == groups

    def test_the_password_of_the_client_is_kept(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(as_member, adminPass="").expect(202)
        assert answer.json["server"]["adminPass"] == ""

    def test_the_password_can_be_hidden(
        self, shop: Shop, as_member: ApiClient, settings: Settings
    ) -> None:
        settings.OPTIONS = replace(settings, enable_instance_password=False)
        answer = shop.order(as_member, adminPass="given").expect(202)
        assert "adminPass" not in answer.json["server"]

    @pytest.mark.parametrize(
        ("asked", "of_image", "shown"),
        [
            ("AUTO", None, "AUTO"),
            ("MANUAL", "true", "MANUAL"),
            (None, "yes", "AUTO"),
            (None, "no", "MANUAL"),
            (None, "disabled", "MANUAL"),
        ],
    )
    def test_the_disk_configuration(
        self, as_member: ApiClient, asked: str | None, of_image: str | None, shown: str
    ) -> None:
        shop = Shop()
        shop.image = make_image(properties={"auto_disk_config": of_image} if of_image else {})
        answer = shop.order(as_member, **{"OS-DCF:diskConfig": asked}).expect(202)
        assert answer.json["server"]["OS-DCF:diskConfig"] == shown
        assert the_server().auto_disk_config is (shown == "AUTO")


def replace(settings: Settings, **options: Any) -> Any:
    """The site's options with some of them changed."""

    return dataclasses.replace(settings.OPTIONS, **options)


class TestInstance:
    def test_what_was_asked_for(self, shop: Shop, as_member: ApiClient, cast: Cast) -> None:
        KeyPair.objects.create(
            user=cast.member.user, name="key", public_key="ssh-rsa A", fingerprint="f"
        )
        shop.order(
            as_member,
            name="web",
            description="front",
            hostname="front.example.org",
            key_name="key",
            user_data="aGVsbG8=",
            config_drive=True,
            metadata={"role": "web"},
            accessIPv4="192.0.2.1",
            accessIPv6="2001:db8::1",
            trusted_image_certificates=["one", "two"],
        ).expect(202)
        server = the_server()
        assert (server.display_name, server.display_description) == ("web", "front")
        assert server.hostname == "front.example.org"
        assert (server.key_name, server.key_data) == ("key", "ssh-rsa A")
        assert server.user_data == "aGVsbG8="
        assert server.config_drive == "True"
        assert server.metadata == {"role": "web"}
        assert (server.access_ip_v4, server.access_ip_v6) == ("192.0.2.1", "2001:db8::1")
        assert server.trusted_certs == ["one", "two"]

    def test_what_was_not_asked_for(self, shop: Shop, as_member: ApiClient, cast: Cast) -> None:
        shop.order(as_member).expect(202)
        server = the_server()
        assert (server.project_id, server.user_id) == (ALPHA, cast.member.user_id)
        assert (server.vm_state, server.task_state) == ("building", "scheduling")
        assert (server.power_state, server.progress, server.launch_index) == (0, 0, 0)
        assert (server.host, server.node, server.availability_zone) == (None, None, None)
        assert (server.key_name, server.key_data, server.user_data) == (None, None, None)
        assert (server.config_drive, server.metadata, server.locked) == ("", {}, False)
        assert (server.trusted_certs, server.numa_topology, server.pci_requests) == (None, None, [])
        assert (server.launched_at, server.terminated_at, server.deleted_at) == (None, None, None)
        assert server.display_description is None
        assert server.network_info == []
        assert server.created_at == server.updated_at

    def test_the_flavor_is_copied(self, shop: Shop, as_member: ApiClient) -> None:
        flavor = make_flavor(
            vcpus=2, memory_mb=300, root_gb=5, ephemeral_gb=3, swap=64, extra_specs={"a:b": "c"}
        )
        shop.order(as_member, flavorRef=flavor.flavorid).expect(202)
        server = the_server()
        assert server.flavor == flavor_copy(flavor) == server.request_spec.flavor
        assert server.flavor_record == flavor
        assert (server.vcpus, server.memory_mb, server.root_gb) == (2, 300, 5)
        assert server.ephemeral_gb == 3

    def test_the_image_leaves_its_properties(self, as_member: ApiClient) -> None:
        shop = Shop()
        kernel = make_image()
        shop.image = make_image(
            min_ram=64,
            min_disk=2,
            properties={
                "os_type": "linux",
                "architecture": "x86_64",
                "vm_mode": "hvm",
                "kernel_id": str(kernel.pk),
                "root_device_name": "sda",
                "mappings": "[]",
                "long": "ä" * 200,
            },
        )
        shop.order(as_member).expect(202)
        server = the_server()
        assert server.image_ref == shop.image_id
        assert (server.os_type, server.architecture, server.vm_mode) == ("linux", "x86_64", "hvm")
        assert (server.kernel_id, server.ramdisk_id) == (str(kernel.pk), "")
        assert server.root_device_name == "/dev/sda"
        assert server.system_metadata == {
            "image_os_type": "linux",
            "image_architecture": "x86_64",
            "image_vm_mode": "hvm",
            "image_kernel_id": str(kernel.pk),
            "image_root_device_name": "sda",
            "image_long": "ä" * 127,
            "image_min_ram": "64",
            "image_min_disk": "10",
            "image_disk_format": "qcow2",
            "image_container_format": "bare",
            "image_base_image_ref": shop.image_id,
            "owner_user_name": "alpha-member",
            "owner_project_name": "alpha",
        }

    @pytest.mark.parametrize(("disk_format", "shown"), [("raw", "30"), ("vhd", "40")])
    def test_the_smallest_disk_is_that_of_image_and_flavor(
        self, as_member: ApiClient, disk_format: str, shown: str
    ) -> None:
        shop = Shop()
        shop.flavor = make_flavor(root_gb=int(shown))
        shop.image = make_image(min_disk=30, disk_format=disk_format)
        shop.order(as_member).expect(202)
        assert the_server().system_metadata["image_min_disk"] == shown

    def test_servers_of_one_request_differ_in_name_and_number(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        shop.order(as_member, name="Web Server", min_count=3).expect(202)
        rows = Instance.objects.order_by("pk").values_list(
            "launch_index", "display_name", "hostname"
        )
        assert list(rows) == [
            (0, "Web Server-1", "web-server-1"),
            (1, "Web Server-2", "web-server-2"),
            (2, "Web Server-3", "web-server-3"),
        ]

    def test_the_longest_name_has_room_for_its_number(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        shop.order(as_member, name="x" * 255, min_count=10).expect(202)
        longest = Instance.objects.get(launch_index=9)
        assert longest.display_name == "x" * 255 + "-10"

    def test_a_name_without_letters_gives_a_host_name_from_the_id(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        shop.order(as_member, name="名", min_count=2).expect(202)
        for server in Instance.objects.all():
            assert server.hostname == f"Server-{server.uuid}"

    def test_a_server_that_boots_from_an_empty_volume_has_no_image(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        blank = {
            "source_type": "blank",
            "destination_type": "volume",
            "volume_size": 1,
            "boot_index": 0,
        }
        shop.order(as_member, imageRef=None, block_device_mapping_v2=[blank]).expect(202)
        server = the_server()
        assert server.image_ref == ""
        assert server.request_spec.image == {}
        assert server.request_spec.is_bfv
        assert server.system_metadata["image_base_image_ref"] == ""

    def test_before_2_19_the_description_is_the_name(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        shop.order(as_member, microversion="2.18", networks=None).expect(202)
        assert the_server().display_description == "web"

    def test_hardware_is_planned(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.flavor = make_flavor(vcpus=2, extra_specs={"hw:numa_nodes": "2"})
        shop.order(as_member).expect(202)
        server = the_server()
        assert server.numa_topology == server.request_spec.numa_topology
        assert len(server.numa_topology["cells"]) == 2


class TestRequestSpec:
    def test_what_the_scheduler_needs(self, shop: Shop, as_admin: ApiClient) -> None:
        host = make_host("host-a")
        group = make_security_group()
        shop.order(
            as_admin,
            min_count=2,
            availability_zone=f"nova:{host.service.host}:{host.hypervisor_hostname}",
            security_groups=[{"name": group.name}],
            hints={"same_host": str(uuid.UUID(int=1)), "color": ["a", "b"], "number": 5},
        ).expect(202)
        specs = list(RequestSpec.objects.all())
        assert len(specs) == 2
        for spec in specs:
            assert spec.num_instances == 2
            assert spec.availability_zone == "nova"
            assert (spec.force_hosts, spec.force_nodes) == (["host-a"], ["host-a"])
            assert spec.requested_destination is None
            assert spec.scheduler_hints == {
                "same_host": [str(uuid.UUID(int=1))],
                "color": ["a", "b"],
                "number": ["5"],
            }
            assert spec.security_groups == [str(group.pk)]
            assert spec.image["id"] == shop.image_id
            assert spec.image["container_format"] == "bare"
            assert not spec.is_bfv
            assert (spec.network_metadata, spec.requested_resources) == (None, [])

    def test_a_requested_host_is_a_destination(self, shop: Shop, as_admin: ApiClient) -> None:
        host = make_host("host-a", hypervisor_hostname="node-a")
        shop.order(as_admin, host="host-a").expect(202)
        shop.order(as_admin, hypervisor_hostname=host.hypervisor_hostname).expect(202)
        destinations = RequestSpec.objects.order_by("pk").values_list(
            "requested_destination", flat=True
        )
        assert list(destinations) == [
            {"host": "host-a", "node": None},
            {"host": None, "node": "node-a"},
        ]


class TestBuildRequest:
    def test_what_the_build_needs(self, shop: Shop, as_member: ApiClient) -> None:
        network = make_network(network_type="vlan", physical_network="rack")
        answer = shop.order(
            as_member,
            microversion="2.56",
            adminPass="secret words",
            networks=[{"uuid": str(network.pk), "fixed_ip": "10.0.0.9", "tag": "nic"}],
            personality=[{"path": "/etc/motd", "contents": "aGk="}],
            tags=["blue", "green", "blue"],
        ).expect(202)
        request = BuildRequest.objects.get()
        assert request.requested_networks == [
            {
                "network_id": str(network.pk),
                "fixed_ip": "10.0.0.9",
                "port_id": None,
                "tag": "nic",
                "pci_request_id": None,
                "device_profile": None,
            }
        ]
        assert request.instance.request_spec.network_metadata == {
            "physnets": ["rack"],
            "tunneled": False,
        }
        assert request.injected_files == [{"path": "/etc/motd", "contents": "aGk="}]
        assert request.tags == ["blue", "green", "blue"]
        assert request.security_groups == ["default"]
        assert request.request_id == answer.headers["x-openstack-request-id"]
        assert request.project_id == ALPHA
        assert not Tag.objects.exists()

    def test_the_password_lies_sealed_and_nowhere_else(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        shop.order(as_member, adminPass="secret words", min_count=2).expect(202)
        for request in BuildRequest.objects.all():
            assert unseal(request.admin_password) == "secret words"
        with connection.cursor() as cursor:
            for query in (
                "SELECT t::text FROM servers_instance t",
                "SELECT t::text FROM servers_buildrequest t",
                "SELECT t::text FROM procrastinate_jobs t",
            ):
                cursor.execute(query)
                assert "secret words" not in str(cursor.fetchall())

    @pytest.mark.parametrize("word", ["none", "auto"])
    def test_the_words_for_networks_are_kept(
        self, shop: Shop, as_member: ApiClient, word: str
    ) -> None:
        make_network()
        shop.order(as_member, networks=word).expect(202)
        assert BuildRequest.objects.get().requested_networks == word

    def test_no_network_named_is_an_empty_list(self, shop: Shop, as_member: ApiClient) -> None:
        shop.order(as_member, microversion="2.1", networks=None).expect(202)
        assert BuildRequest.objects.get().requested_networks == []

    def test_every_server_has_its_devices_and_claims(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        volume = make_volume(size=7)
        device = {
            "source_type": "volume",
            "destination_type": "volume",
            "uuid": str(volume.pk),
            "boot_index": "-1",
            "tag": "data",
            "device_name": "vdb",
        }
        shop.order(as_member, block_device_mapping_v2=[shop.root(), device]).expect(202)
        root, data = BuildRequest.objects.get().block_devices
        assert (root["source_type"], root["image_id"]) == ("image", shop.image_id)
        assert root["attachment_id"] is None
        assert data["volume_id"] == str(volume.pk)
        assert (data["volume_size"], data["boot_index"], data["tag"]) == (7, -1, "data")
        assert data["device_name"] == "/dev/vdb"
        (claim,) = volume.attachments.all()
        assert data["attachment_id"] == str(claim.pk)
        assert claim.server_id == the_server().uuid


def test_the_mapping_has_no_cell_yet(shop: Shop, as_member: ApiClient, cast: Cast) -> None:
    shop.order(as_member, min_count=2).expect(202)
    mappings = InstanceMapping.objects.values_list("cell", "project", "user", "queued_for_delete")
    assert list(mappings) == [(None, ALPHA, cast.member.user_id, False)] * 2


def test_one_job_is_queued_for_the_whole_reservation(shop: Shop, as_member: ApiClient) -> None:
    shop.order(as_member, min_count=3).expect(202)
    (reservation,) = set(Instance.objects.values_list("reservation_id", flat=True))
    assert queued("servers.schedule_and_build") == [{"reservation_id": reservation}]
