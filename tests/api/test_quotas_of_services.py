"""How much a project may have of networks, volumes and images; one more is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from compute_site.neighbours.image.models import Image
from compute_site.neighbours.image.models import Quota as ImageQuota
from compute_site.neighbours.network.models import FloatingIp, Network, Port
from compute_site.neighbours.network.models import Quota as NetworkQuota
from compute_site.neighbours.volume.models import Quota as VolumeQuota
from compute_site.neighbours.volume.models import Snapshot, Volume
from tests.world.cast import ALPHA, BETA, Cast, make_cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_network,
    make_security_group,
    make_volume,
)
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.threads import run_at_once

NETWORK, VOLUME = "//network/v2.0", "//volume/v3"
QUOTA, QUOTA_SET = f"{NETWORK}/quotas/{ALPHA}", f"{VOLUME}/os-quota-sets/{ALPHA}"
Ask = Callable[[ApiClient], Answer]


def limit(as_admin: ApiClient, **limits: int) -> None:
    as_admin.put(QUOTA, {"quota": limits}).expect(200)


def make(noun: str, **fields: Any) -> Ask:
    path = f"{NETWORK}/{noun}s".replace("_", "-")
    return lambda client: client.post(path, {noun: fields})


def subnet(number: int) -> Ask:
    def ask(client: ApiClient) -> Answer:
        network = make_network(subnet=False)
        cidr = f"10.88.{number}.0/24"
        return make("subnet", network_id=str(network.pk), cidr=cidr, ip_version=4)(client)

    return ask


def port(client: ApiClient) -> Answer:
    return make("port", network_id=str(make_network().pk))(client)


def rule(client: ApiClient) -> Answer:
    group = str(make_security_group().pk)
    return make("security_group_rule", security_group_id=group, direction="egress")(client)


def floating_ip(client: ApiClient) -> Answer:
    network = make_network(project_id=BETA, external=True)
    return make("floatingip", floating_network_id=str(network.pk))(client)


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("network", make("network", name="n")),
        ("subnet", subnet(1)),
        ("port", port),
        ("security_group", make("security_group", name="g")),
        ("security_group_rule", rule),
        ("floatingip", floating_ip),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_more_of_the_network_service_is_refused(
    as_member: ApiClient, as_admin: ApiClient, name: str, ask: Ask
) -> None:
    def used() -> int:
        shown = as_member.get(f"{QUOTA}/details").expect(200).json["quota"]
        return int(shown[name]["used"])

    ask(as_member).expect(201)
    had = used()
    limit(as_admin, **{name: had + 1})
    ask(as_member).expect(201)
    full = used()
    limit(as_admin, **{name: full})
    refused = ask(as_member).expect(409)
    assert f"at most {full}" in refused.json["NeutronError"]["message"]
    assert used() == full
    limit(as_admin, **{name: -1})
    ask(as_member).expect(201)


def test_the_defaults_are_options(as_member: ApiClient) -> None:
    shown = as_member.get(f"{QUOTA}/default").expect(200).json["quota"]
    assert (shown["network"], shown["floatingip"], shown["router"]) == (100, 50, 10)
    shown = as_member.get(f"{QUOTA_SET}/defaults").expect(200).json["quota_set"]
    assert (shown["volumes"], shown["gigabytes"], shown["backups"]) == (10, 1000, 10)
    small = dataclasses.replace(settings.OPTIONS, quota_networks=0, quota_volumes=0, quota_images=0)
    with override_settings(OPTIONS=small):
        make("network", name="n")(as_member).expect(409)
        as_member.post(f"{VOLUME}/volumes", {"volume": {"size": 1}}).expect(413)
        as_member.post("//image/v2/images", {"name": "n"}).expect(413)


def test_what_others_have_does_not_count(as_member: ApiClient, as_admin: ApiClient) -> None:
    make_network(project_id=BETA)
    limit(as_admin, network=1)
    make("network", name="n")(as_member).expect(201)


def test_the_port_that_holds_a_floating_ip_is_not_counted_as_a_port(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    public = make_network(external=True)
    limit(as_admin, port=0)
    make("floatingip", floating_network_id=str(public.pk))(as_member).expect(201)
    shown = as_member.get(f"{QUOTA}/details").expect(200).json["quota"]
    assert (shown["port"]["used"], shown["floatingip"]["used"]) == (0, 1)


def test_a_refused_floating_ip_leaves_no_port(as_member: ApiClient, as_admin: ApiClient) -> None:
    limit(as_admin, floatingip=0)
    floating_ip(as_member).expect(409)
    assert not Port.objects.exists()
    assert not FloatingIp.objects.exists()


def volumes(as_admin: ApiClient, **limits: int) -> None:
    as_admin.put(QUOTA_SET, {"quota_set": limits}).expect(200)


@pytest.mark.parametrize(
    ("limits", "size", "status"),
    [
        ({"volumes": 1}, 1, 413),
        ({"volumes": 2}, 1, 202),
        ({"gigabytes": 9}, 5, 413),
        ({"gigabytes": 10}, 5, 202),
        ({"per_volume_gigabytes": 4}, 5, 413),
        ({"per_volume_gigabytes": 5}, 5, 202),
        ({"volumes": -1, "gigabytes": -1}, 5000, 202),
    ],
)
def test_one_more_volume(
    as_member: ApiClient,
    as_admin: ApiClient,
    *,
    limits: dict[str, int],
    size: int,
    status: int,
) -> None:
    make_volume(size=5)
    volumes(as_admin, **limits)
    as_member.post(f"{VOLUME}/volumes", {"volume": {"size": size}}).expect(status)
    assert Volume.objects.count() == (2 if status == 202 else 1)


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"snapshots": 0}, 413), ({"gigabytes": 9}, 413), ({"gigabytes": 10}, 202)],
)
def test_one_more_snapshot(
    as_member: ApiClient, as_admin: ApiClient, limits: dict[str, int], status: int
) -> None:
    volume = make_volume(size=5)
    volumes(as_admin, **limits)
    asked = {"snapshot": {"volume_id": str(volume.pk)}}
    as_member.post(f"{VOLUME}/snapshots", asked).expect(status)
    assert Snapshot.objects.count() == (status == 202)


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"gigabytes": 8}, 413), ({"per_volume_gigabytes": 8}, 413), ({"gigabytes": 9}, 202)],
)
def test_a_volume_grows_within_the_quota(
    as_member: ApiClient, as_admin: ApiClient, limits: dict[str, int], status: int
) -> None:
    volume = make_volume(size=5)
    volumes(as_admin, **limits)
    asked = {"os-extend": {"new_size": 9}}
    as_member.post(f"{VOLUME}/volumes/{volume.pk}/action", asked).expect(status)
    volume.refresh_from_db()
    assert volume.size == (9 if status == 202 else 5)


def test_limits_tell_what_is_left(as_member: ApiClient, as_admin: ApiClient) -> None:
    make_volume(size=5)
    volumes(as_admin, volumes=3)
    shown = as_member.get(f"{VOLUME}/limits").expect(200).json["limits"]["absolute"]
    assert (shown["maxTotalVolumes"], shown["totalVolumesUsed"]) == (3, 1)
    assert (shown["maxTotalVolumeGigabytes"], shown["totalGigabytesUsed"]) == (1000, 5)


def test_the_volume_quota_counts_for_servers(as_member: ApiClient, as_admin: ApiClient) -> None:
    make_host()
    volumes(as_admin, volumes=0)
    disk = {
        "boot_index": 0,
        "uuid": str(make_image().pk),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
    }
    body = {
        "name": "web",
        "flavorRef": make_flavor().flavorid,
        "networks": "none",
        "block_device_mapping_v2": [disk],
    }
    made = as_member.post("/servers", {"server": body}, microversion="2.67").expect(202).json
    run_jobs()
    shown = as_member.get(f"/servers/{made['server']['id']}").expect(200).json["server"]
    assert (shown["status"], Volume.objects.count()) == ("ERROR", 0)
    assert "at most 0 volumes" in shown["fault"]["message"]


def test_one_more_image_is_refused(as_member: ApiClient, cast: Cast) -> None:
    image = make_image(owner=cast.alpha)
    make_image(owner=cast.beta)
    ImageQuota.objects.create(project=cast.alpha, resource="image_count_total", limit=1)
    as_member.post("//image/v2/images", {"name": "n"}).expect(413)
    host = make_host().service.host
    server = make_instance(
        host=host, node=host, image_ref=str(image.pk), launched_at=timezone.now()
    )
    for action in (
        {"createImage": {"name": "n"}},
        {"createBackup": {"name": "n", "backup_type": "daily", "rotation": 1}},
        {"shelve": None},
    ):
        as_member.post(f"/servers/{server.uuid}/action", action).expect(413)
    assert Image.objects.filter(owner=ALPHA).count() == 1
    as_member.delete(f"//image/v2/images/{image.pk}").expect(204)
    as_member.post("//image/v2/images", {"name": "n"}).expect(201)


def test_an_image_is_given_to_a_project_that_has_room_for_it(
    as_admin: ApiClient, cast: Cast
) -> None:
    image = make_image(owner=cast.alpha)
    ImageQuota.objects.create(project=cast.beta, resource="image_count_total", limit=0)
    patch = [{"op": "replace", "path": "/owner", "value": BETA}]
    as_admin.patch(f"//image/v2/images/{image.pk}", patch).expect(413)


@pytest.mark.parametrize(
    "quota",
    [{"volumes": -2}, {"cats": 1}, {"backups": "many"}],
)
def test_a_wrong_limit_of_volumes_is_refused(as_admin: ApiClient, quota: dict[str, int]) -> None:
    as_admin.put(QUOTA_SET, {"quota_set": quota}).expect(400)
    assert not VolumeQuota.objects.exists()


def test_nobody_limits_a_project_that_does_not_exist(as_admin: ApiClient) -> None:
    as_admin.put(f"{VOLUME}/os-quota-sets/nobody", {"quota_set": {"volumes": 1}}).expect(404)
    as_admin.put(f"{NETWORK}/quotas/nobody", {"quota": {"network": 1}}).expect(404)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_than_there_is() -> None:
    cast = make_cast()
    NetworkQuota.objects.create(project=cast.alpha, resource="network", limit=3)
    VolumeQuota.objects.create(project=cast.alpha, resource="gigabytes", limit=3)

    def ask() -> int:
        return make("network", name="n")(ApiClient(cast.member)).status

    def ask_volume() -> int:
        path = f"{VOLUME}/volumes"
        return ApiClient(cast.member).post(path, {"volume": {"size": 1}}).status

    assert sorted(map(str, run_at_once([ask] * 8))) == ["201"] * 3 + ["409"] * 5
    assert sorted(map(str, run_at_once([ask_volume] * 8))) == ["202"] * 3 + ["413"] * 5
    assert (Network.objects.count(), Volume.objects.count()) == (3, 3)


@pytest.mark.parametrize("name", ["createImage", "createBackup", "shelve"])
def test_an_image_of_a_server_has_no_more_properties_than_any(
    as_member: ApiClient, name: str
) -> None:
    """What it inherits counts, and nothing is left of what was refused."""
    kept = {f"image_p{number}": "x" for number in range(126)}
    node = make_host()
    image = make_image()
    server = make_instance(
        host=node.service.host,
        node=node.hypervisor_hostname,
        launched_at=timezone.now(),
        image_ref=str(image.pk),
        system_metadata=kept,
    )
    bodies = {
        "createImage": {"name": "n", "metadata": {}},
        "createBackup": {"name": "n", "backup_type": "daily", "rotation": 1},
        "shelve": None,
    }
    answer = as_member.post(f"/servers/{server.uuid}/action", {name: bodies[name]})
    answer.expect(413)
    assert answer.errors[0]["code"] == "too_much_on_image"
    assert list(Image.objects.all()) == [image]
    server.refresh_from_db()
    assert server.task_state is None
