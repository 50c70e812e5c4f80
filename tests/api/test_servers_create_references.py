"""``POST /servers``: the things that an order names exist and fit."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import pytest
from pytest_django import Settings

from compute_site.identity.models import Project
from flavors.models import FlavorAccess
from servers.models import Aggregate, Instance, KeyPair, Service
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_network,
    make_security_group,
    make_volume,
)
from tests.world.hosts import make_host
from tests.world.orders import Shop

NOWHERE = str(uuid.UUID(int=0))


def code_of(answer: Answer) -> str:
    """The stable code of the first fault."""
    return answer.errors[0]["code"]


class TestFlavor:
    def test_one_that_does_not_exist(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(as_member, flavorRef="nosuch").expect(400)
        assert (answer.blamed, code_of(answer)) == (["server.flavorRef"], "flavor_not_found")

    def test_a_private_one_of_others(
        self, shop: Shop, as_member: ApiClient, as_admin: ApiClient
    ) -> None:
        flavor = make_flavor(is_public=False)
        FlavorAccess.objects.create(flavor=flavor, project_id=BETA)
        shop.order(as_member, flavorRef=flavor.flavorid).expect(400)
        shop.order(as_admin, flavorRef=flavor.flavorid).expect(202)
        FlavorAccess.objects.create(flavor=flavor, project_id=ALPHA)
        shop.order(as_member, flavorRef=flavor.flavorid).expect(202)

    def test_a_disabled_one(self, shop: Shop, as_member: ApiClient) -> None:
        answer = shop.order(as_member, flavorRef=make_flavor(disabled=True).flavorid).expect(400)
        assert "disabled" in answer.message

    def test_one_with_an_accelerator(self, shop: Shop, as_member: ApiClient) -> None:
        flavor = make_flavor(extra_specs={"accel:device_profile": "fpga"})
        answer = shop.order(as_member, flavorRef=flavor.flavorid).expect(400)
        assert code_of(answer) == "device_profile_unknown"


class TestImage:
    @pytest.mark.parametrize("image_id", [NOWHERE, NOWHERE.replace("-", "")])
    def test_one_that_does_not_exist(self, shop: Shop, as_member: ApiClient, image_id: str) -> None:
        answer = shop.order(as_member, imageRef=image_id).expect(400)
        assert (answer.blamed, code_of(answer)) == (["server.imageRef"], "image_not_found")

    def test_a_private_one_of_others(self, shop: Shop, as_member: ApiClient, cast: Cast) -> None:
        image = make_image(visibility="private", owner=cast.beta)
        shop.order(as_member, imageRef=str(image.pk)).expect(400)

    @pytest.mark.parametrize("ref", [None, ""])
    def test_none_at_all(self, shop: Shop, as_member: ApiClient, ref: str | None) -> None:
        answer = shop.order(as_member, imageRef=ref).expect(400)
        assert code_of(answer) == "image_required"

    @pytest.mark.parametrize(
        ("image", "flavor", "code"),
        [
            ({"status": "queued"}, {}, "image_unusable"),
            ({"properties": {"cinder_encryption_key_id": "k"}}, {}, "image_unusable"),
            ({"min_ram": 1024}, {"memory_mb": 1023}, "flavor_too_small"),
            ({"min_disk": 11}, {}, "flavor_too_small"),
            ({"size": 10 * 2**30 + 1}, {}, "flavor_too_small"),
            ({"properties": {"hw_disk_bus": "isa"}}, {}, "wrong_image_property"),
            ({"properties": {"kernel_id": NOWHERE}}, {}, "image_not_found"),
            ({"properties": {"ramdisk_id": NOWHERE}}, {}, "image_not_found"),
            ({"properties": {"mappings": "{"}}, {}, "malformed_disk"),
            ({"properties": {"mappings": "[1]"}}, {}, "malformed_disk"),
        ],
    )
    def test_one_that_does_not_fit(
        self, as_member: ApiClient, image: dict[str, Any], flavor: dict[str, Any], code: str
    ) -> None:
        shop = Shop()
        shop.image = make_image(**image)
        shop.flavor = make_flavor(**{"root_gb": 10} | flavor)
        answer = shop.order(as_member).expect(400)
        named = answer.errors[0]["code"] if answer.errors else None
        assert named in (code, None)
        assert Instance.objects.count() == 0

    @pytest.mark.parametrize(
        ("image", "flavor"),
        [
            ({"min_ram": 1024}, {"memory_mb": 1024}),
            ({"min_disk": 10}, {}),
            ({"size": 10 * 2**30}, {}),
            ({"properties": {"kernel_id": "nokernel", "ramdisk_id": NOWHERE}}, {}),
        ],
    )
    def test_one_that_just_fits(
        self, as_member: ApiClient, image: dict[str, Any], flavor: dict[str, Any]
    ) -> None:
        shop = Shop()
        shop.image = make_image(**image)
        shop.flavor = make_flavor(**{"root_gb": 10} | flavor)
        shop.order(as_member).expect(202)

    def test_one_that_forbids_resizing(self, as_member: ApiClient) -> None:
        shop = Shop()
        shop.image = make_image(properties={"auto_disk_config": " Disabled"})
        answer = shop.order(as_member, **{"OS-DCF:diskConfig": "AUTO"}).expect(400)
        assert code_of(answer) == "disk_config_forbidden"
        shop.order(as_member, **{"OS-DCF:diskConfig": "MANUAL"}).expect(202)


class TestKeyPair:
    def test_it_is_looked_up_among_those_of_the_user(
        self, shop: Shop, as_member: ApiClient, as_second_member: ApiClient, cast: Cast
    ) -> None:
        KeyPair.objects.create(
            user=cast.second_member.user, name="key", public_key="ssh-rsa A", fingerprint="f"
        )
        shop.order(as_second_member, key_name="key").expect(202)
        answer = shop.order(as_member, key_name="key").expect(400)
        assert (answer.blamed, code_of(answer)) == (["server.key_name"], "keypair_not_found")


class TestSecurityGroups:
    def test_by_name_and_by_id(self, shop: Shop, as_member: ApiClient) -> None:
        web, database = make_security_group(name="web"), make_security_group(name="database")
        named = [{"name": "web"}, {"name": str(database.pk)}, {"name": "default"}]
        shop.order(as_member, security_groups=named).expect(202)
        request = Instance.objects.get().build_request
        assert request.security_groups == [str(web.pk), str(database.pk), "default"]

    def test_an_id_wins_over_a_name(self, shop: Shop, as_member: ApiClient) -> None:
        web = make_security_group(name="web")
        make_security_group(name=str(web.pk))
        shop.order(as_member, security_groups=[{"name": str(web.pk)}]).expect(202)
        assert Instance.objects.get().build_request.security_groups == [str(web.pk)]

    def test_two_of_one_name_are_a_conflict(self, shop: Shop, as_member: ApiClient) -> None:
        groups = [make_security_group(name="twin") for _ in range(2)]
        answer = shop.order(as_member, security_groups=[{"name": "twin"}]).expect(409)
        assert answer.fault == "conflictingRequest"
        assert all(str(group.pk) in answer.message for group in groups)

    def test_those_of_others_do_not_exist(self, shop: Shop, as_member: ApiClient) -> None:
        make_security_group(name="web", project_id=BETA)
        answer = shop.order(as_member, security_groups=[{"name": "web"}]).expect(400)
        assert code_of(answer) == "security_group_not_found"

    @pytest.mark.parametrize("other", ["web", "default"])
    def test_stateful_and_stateless_ones_are_not_taken_for_one_port(
        self, shop: Shop, as_member: ApiClient, other: str
    ) -> None:
        make_network()
        make_security_group(name="web")
        free = make_security_group(name="free", stateful=False)
        named = [{"name": "free"}, {"name": other}]
        answer = shop.order(
            as_member, security_groups=named, networks=None, microversion="2.36"
        ).expect(400)
        assert (answer.blamed, code_of(answer)) == (
            ["server.security_groups"],
            "security_groups_not_alike",
        )
        assert str(free.pk) in answer.message
        assert not Instance.objects.exists()
        shop.order(as_member, security_groups=named, networks="none").expect(202)
        shop.order(as_member, security_groups=[{"name": "free"}], networks="auto").expect(202)

    def test_a_stateless_default_group_goes_with_others_that_are_stateless(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        make_network()
        make_security_group(name="default", stateful=False)
        make_security_group(name="free", stateful=False)
        make_security_group(name="web")
        free, web = [[{"name": name}, {"name": "default"}] for name in ("free", "web")]
        shop.order(as_member, security_groups=free, networks="auto").expect(202)
        answer = shop.order(as_member, security_groups=web, networks="auto").expect(400)
        assert code_of(answer) == "security_groups_not_alike"


class TestCertificates:
    def test_they_need_an_image(self, shop: Shop, as_member: ApiClient) -> None:
        volume = {
            "source_type": "volume",
            "destination_type": "volume",
            "uuid": str(make_volume().pk),
            "boot_index": 0,
        }
        answer = shop.order(
            as_member,
            imageRef=None,
            block_device_mapping_v2=[volume],
            trusted_image_certificates=["one"],
        ).expect(400)
        assert code_of(answer) == "certificates_need_image"

    def test_the_site_may_check_all_images_with_its_own(
        self, shop: Shop, as_member: ApiClient, settings: Settings
    ) -> None:
        settings.OPTIONS = dataclasses.replace(
            settings.OPTIONS,
            verify_glance_signatures=True,
            enable_certificate_validation=True,
            default_trusted_certificate_ids=("site",),
        )
        shop.order(as_member).expect(202)
        assert Instance.objects.get().trusted_certs == ["site"]
        root = shop.root(destination_type="volume", volume_size=1)
        shop.order(as_member, imageRef=None, block_device_mapping_v2=[root]).expect(400)


@pytest.fixture
def zones(cast: Cast) -> None:
    """``rack`` with the host a, ``nova`` with the host b, ``closed`` with a disabled host."""
    for name, zone in (("a", "rack"), ("c", "closed")):
        host = make_host(name)
        aggregate = Aggregate.objects.create(name=zone, metadata={"availability_zone": zone})
        aggregate.hosts.add(host.service)
    make_host("b")
    Service.objects.filter(host="c").update(disabled=True)


@pytest.mark.usefixtures("zones")
class TestZone:
    @pytest.mark.parametrize("zone", ["rack", "nova", "internal", "rack:", "::", ":"])
    def test_those_that_are_open(self, shop: Shop, as_member: ApiClient, zone: str) -> None:
        shop.order(as_member, availability_zone=zone).expect(202)
        assert Instance.objects.get().availability_zone == (zone.strip(":") or None)

    @pytest.mark.parametrize("zone", ["closed", "nosuch", "RACK", "closed:", "closed::"])
    def test_those_that_are_not(self, shop: Shop, as_member: ApiClient, zone: str) -> None:
        answer = shop.order(as_member, availability_zone=zone).expect(400)
        assert (answer.blamed, code_of(answer)) == (
            ["server.availability_zone"],
            "zone_unavailable",
        )

    def test_the_site_may_have_a_default(
        self, shop: Shop, as_member: ApiClient, settings: Settings
    ) -> None:
        settings.OPTIONS = dataclasses.replace(settings.OPTIONS, default_schedule_zone="rack")
        shop.order(as_member).expect(202)
        assert Instance.objects.get().availability_zone == "rack"

    @pytest.mark.parametrize("zone", ["a:b:c:d", ":::"])
    def test_too_many_parts(self, shop: Shop, as_admin: ApiClient, zone: str) -> None:
        answer = shop.order(as_admin, availability_zone=zone).expect(400)
        assert code_of(answer) == "malformed_zone"

    @pytest.mark.parametrize(
        ("text", "zone", "hosts", "nodes"),
        [
            ("rack:a", "rack", ["a"], []),
            ("rack:b", None, ["b"], []),
            ("nova:b", "nova", ["b"], []),
            ("nova:nosuch", "nova", ["nosuch"], []),
            (":a", None, ["a"], []),
            ("rack:a:a", "rack", ["a"], ["a"]),
            ("nova::b", "nova", [], ["b"]),
            ("rack::a", None, [], ["a"]),
            ("nosuch:nosuch", None, ["nosuch"], []),
        ],
    )
    def test_a_forced_host_keeps_its_own_zone_only(  # noqa: PLR0917
        self,
        shop: Shop,
        as_admin: ApiClient,
        text: str,
        zone: str | None,
        hosts: list[str],
        nodes: list[str],
    ) -> None:
        shop.order(as_admin, availability_zone=text).expect(202)
        spec = Instance.objects.get().request_spec
        assert (spec.availability_zone, spec.force_hosts, spec.force_nodes) == (zone, hosts, nodes)

    @pytest.mark.parametrize(
        "order",
        [
            {"host": "nosuch"},
            {"hypervisor_hostname": "nosuch"},
            {"host": "a", "hypervisor_hostname": "b"},
            {"host": "nosuch", "hypervisor_hostname": "a"},
        ],
        ids=str,
    )
    def test_a_requested_host_exists(
        self, shop: Shop, as_admin: ApiClient, order: dict[str, str]
    ) -> None:
        answer = shop.order(as_admin, **order).expect(400)
        assert code_of(answer) == "host_not_found"

    def test_host_and_node_together(self, shop: Shop, as_admin: ApiClient) -> None:
        shop.order(as_admin, host="a", hypervisor_hostname="a").expect(202)

    @pytest.mark.parametrize("named", ["host", "hypervisor_hostname"])
    def test_a_host_is_named_one_way_only(
        self, shop: Shop, as_admin: ApiClient, named: str
    ) -> None:
        answer = shop.order(as_admin, availability_zone="rack:a", **{named: "a"}).expect(400)
        assert (answer.blamed, code_of(answer)) == ([f"server.{named}"], "two_destinations")


class TestSeveral:
    """What several servers cannot share, even when fewer come of it."""

    @pytest.mark.parametrize(
        ("order", "blamed"),
        [
            ({"hostname": "web"}, "server.hostname"),
            ({"networks": [{"port": NOWHERE}]}, "server.networks.0.port"),
            (
                {"networks": [{"uuid": NOWHERE, "fixed_ip": "192.0.2.7"}]},
                "server.networks.0.fixed_ip",
            ),
        ],
    )
    def test_it_is_refused(
        self, shop: Shop, as_member: ApiClient, order: dict[str, Any], blamed: str
    ) -> None:
        answer = shop.order(as_member, max_count=2, **order).expect(400)
        assert (answer.blamed, code_of(answer)) == ([blamed], "one_server_only")


def test_mixed_cpus_need_hosts_that_are_new_enough(as_member: ApiClient, cast: Cast) -> None:
    shop = Shop()
    shop.flavor = make_flavor(
        vcpus=2, extra_specs={"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"}
    )
    shop.order(as_member).expect(409)
    make_host()
    shop.order(as_member).expect(202)
    Service.objects.update(version=51)
    answer = shop.order(as_member).expect(409)
    assert code_of(answer) == "mixed_policy_too_new"


def test_a_hint_may_be_given_before_any_group_exists(shop: Shop, as_member: ApiClient) -> None:
    shop.order(as_member, hints={}).expect(202)
    assert not Project.objects.get(pk=ALPHA).server_groups.exists()
