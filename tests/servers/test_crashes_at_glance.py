"""What is left in a Glance elsewhere when a process dies after any call that it makes for an image
of a server: no image that nobody knows, none that waits for data for ever, and no backup too few.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from servers.models import Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.cloud_services import Neighbours
from tests.world.crashes import Death, every_crash
from tests.world.elsewhere import Cloud, cloud_elsewhere
from tests.world.glance import Glance
from tests.world.hosts import make_host
from tests.world.jobs import finish, run_jobs
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_elsewhere(
        network_service="compute_site.neighbours.network.openstack",
        volume_service="compute_site.neighbours.volume.openstack",
    ) as cloud:
        yield cloud


@pytest.fixture
def images(cloud: Cloud) -> Glance:
    return Glance(cloud)


@pytest.fixture
def neighbours(cloud: Cloud) -> Neighbours:
    return Neighbours(cloud)


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    return Death(monkeypatch)


@pytest.fixture
def base(images: Glance, cast: Cast) -> str:
    """The image that servers boot from."""
    return images.add(name="base")


def build(client: ApiClient, base: str, **order: Any) -> str:
    make_host("host1")
    answer = Shop().order(client, **{"imageRef": base, **order})
    server_id = str(answer.expect(202).json["server"]["id"])
    finish()
    assert Instance.objects.get(uuid=server_id).vm_state == "active"
    return server_id


@pytest.fixture
def server(as_member: ApiClient, neighbours: Neighbours, base: str) -> str:
    return build(as_member, base)


def act(client: ApiClient, server: str, action: str, **given: Any) -> None:
    body = {action: given or None}
    client.post(f"/servers/{server}/action", body, microversion="2.45").expect(202)


def check_complete(images: Glance) -> None:
    waiting = [one["name"] for one in images.images.values() if one["status"] != "active"]
    assert not waiting


def test_an_image_whose_request_dies(
    as_member: ApiClient, server: str, images: Glance, death: Death
) -> None:
    for calls in every_crash():
        before = set(images.images)
        died = death.after(calls, lambda: act(as_member, server, "createImage", name="copy"))
        finish()
        check_complete(images)
        made = len(images.images) - len(before)
        assert made in ((0, 1) if died else (1,))
        if not died:
            return


def test_an_image_of_volumes_whose_request_dies(
    as_member: ApiClient, base: str, images: Glance, neighbours: Neighbours, death: Death
) -> None:
    root = {
        "source_type": "image",
        "destination_type": "volume",
        "uuid": base,
        "boot_index": 0,
        "volume_size": 10,
    }
    server = build(as_member, base, imageRef=None, block_device_mapping_v2=[root])
    for calls in every_crash():
        died = death.after(calls, lambda: act(as_member, server, "createImage", name="copy"))
        finish()
        check_complete(images)
        copies = [one for one in images.images.values() if one["name"] == "copy"]
        named = "".join(one["block_device_mapping"] for one in copies)
        assert len(neighbours.snapshots) == len(copies)
        assert all(snapshot_id in named for snapshot_id in neighbours.snapshots)
        if not died:
            assert copies
            return


def test_a_backup_whose_request_dies(
    as_member: ApiClient, server: str, images: Glance, death: Death
) -> None:
    def back_up(name: str) -> None:
        act(as_member, server, "createBackup", name=name, backup_type="daily", rotation=2)

    def kept() -> list[str]:
        return [one["name"] for one in images.images.values() if one["name"] != "base"]

    back_up("first")
    back_up("second")
    finish()
    for calls in every_crash():
        before = kept()
        name = f"attempt {calls}"
        died = death.after(calls, lambda name=name: back_up(name))
        back_up(f"after {calls}")  # while what was left is there still
        finish()
        check_complete(images)
        assert kept() in ([before[1], f"after {calls}"], [name, f"after {calls}"])
        if not died:
            return


def test_a_server_whose_shelving_dies(
    as_member: ApiClient, server: str, images: Glance, death: Death
) -> None:
    for calls in every_crash():
        died = death.after(calls, lambda: act(as_member, server, "shelve"))
        finish()
        instance = Instance.objects.get(uuid=server)
        if instance.vm_state == "active":  # nobody asked for it, as it seems
            assert len(images.images) == 1
            assert died
            act(as_member, server, "shelve")
            finish()
            instance.refresh_from_db()
        assert (instance.vm_state, instance.task_state) == ("shelved_offloaded", None)
        check_complete(images)
        named = instance.system_metadata["shelved_image_id"]
        assert [one for one in images.images if images.images[one]["name"] != "base"] == [named]
        act(as_member, server, "unshelve")
        died_again = death.after(calls, run_jobs)
        finish()
        instance.refresh_from_db()
        assert (instance.vm_state, instance.task_state) == ("active", None)
        assert len(images.images) == 1
        if not died and not died_again:
            return


def test_a_shelved_server_whose_deletion_dies(
    as_member: ApiClient, base: str, neighbours: Neighbours, images: Glance, death: Death
) -> None:
    for calls in every_crash():
        server = build(as_member, base) if calls == 1 else order_again(as_member, base)
        act(as_member, server, "shelve")
        finish()
        as_member.delete(f"/servers/{server}").expect(204)
        died = death.after(calls, run_jobs)
        finish()
        assert not Instance.objects.alive().exists()
        assert list(images.images) == [base]
        if not died:
            return


def order_again(client: ApiClient, base: str) -> str:
    server_id = str(Shop().order(client, imageRef=base).expect(202).json["server"]["id"])
    finish()
    return server_id
