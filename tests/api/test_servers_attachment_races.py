"""Changes of what is attached to servers: exact when many clients race."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from compute_site.neighbours.network.models import Port, SecurityGroup
from compute_site.neighbours.volume.models import Attachment, Volume
from servers.models import BlockDevice, Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_network, make_port, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 12


@pytest.fixture(autouse=True)
def _empty_queue(cast: Cast) -> Iterator[None]:
    make_host("host")


def make_server() -> Instance:
    return make_instance(launched_at=timezone.now())


def send(cast: Cast, method: str, server: Instance, path: str, body: Any = None) -> int:
    return ApiClient(cast.member).send(method, f"/servers/{server.uuid}/{path}", body).status


def race(requests: list[Callable[[], int]]) -> list[int]:
    """The statuses of requests that were sent at once, in ascending order."""
    outcomes = run_at_once(requests)
    assert not [error for error in outcomes if isinstance(error, Exception)]
    return sorted(status for status in outcomes if isinstance(status, int))


def attaching(cast: Cast, server: Instance, volume: Volume) -> Callable[[], int]:
    body = {"volumeAttachment": {"volumeId": str(volume.pk)}}
    return functools.partial(send, cast, "POST", server, "os-volume_attachments", body)


def plugging(cast: Cast, server: Instance, **asked: str) -> Callable[[], int]:
    body = {"interfaceAttachment": asked}
    return functools.partial(send, cast, "POST", server, "os-interface", body)


def test_of_many_servers_one_gets_the_volume(cast: Cast) -> None:
    volume = make_volume()
    servers = [make_server() for _ in range(CLIENTS)]
    statuses = race([attaching(cast, server, volume) for server in servers])
    assert statuses == [200] + [400] * (CLIENTS - 1)
    assert Attachment.objects.count() == BlockDevice.objects.count() == 1
    run_jobs()
    assert Volume.objects.get().status == "in-use"


def test_one_server_gets_many_volumes_each_with_its_own_name(cast: Cast) -> None:
    server, volumes = make_server(), [make_volume() for _ in range(CLIENTS)]
    assert race([attaching(cast, server, volume) for volume in volumes]) == [200] * CLIENTS
    names = BlockDevice.objects.values_list("device_name", flat=True)
    assert len(set(names)) == CLIENTS
    run_jobs()
    assert set(Volume.objects.values_list("status", flat=True)) == {"in-use"}


def test_a_volume_is_detached_once(cast: Cast) -> None:
    server, volume = make_server(), make_volume()
    attaching(cast, server, volume)()
    run_jobs()
    path = f"os-volume_attachments/{volume.pk}"
    request = functools.partial(send, cast, "DELETE", server, path)
    assert race([request] * CLIENTS) == [202] + [400] * (CLIENTS - 1)
    run_jobs()
    assert Volume.objects.get().status == "available"


def test_of_many_servers_one_gets_the_port(cast: Cast) -> None:
    port = make_port(make_network())
    servers = [make_server() for _ in range(CLIENTS)]
    statuses = race([plugging(cast, server, port_id=str(port.pk)) for server in servers])
    assert statuses == [200] + [409] * (CLIENTS - 1)


def test_a_server_remembers_all_its_nics_and_groups(cast: Cast) -> None:
    """Also where the network API changes them at the same time."""
    server, network = make_server(), make_network(name="inside")
    assert plugging(cast, server, net_id=str(network.pk))() == 200
    first = str(Port.objects.get().pk)
    groups = [SecurityGroup.objects.create(name=f"g{n}", project=cast.alpha) for n in range(4)]
    nics = [plugging(cast, server, net_id=str(network.pk))] * 4
    guards = [
        functools.partial(
            send, cast, "POST", server, "action", {"addSecurityGroup": {"name": str(group.pk)}}
        )
        for group in groups
    ]

    def change_port() -> int:
        path = f"//network/v2.0/ports/{first}"
        return ApiClient(cast.member).put(path, {"port": {"name": "x"}}).status

    def rename_network() -> int:
        path = f"//network/v2.0/networks/{network.pk}"
        return ApiClient(cast.member).put(path, {"network": {"name": "renamed"}}).status

    statuses = race([*nics, *guards, change_port, rename_network, change_port])
    assert statuses == [200] * 7 + [202] * 4
    server.refresh_from_db()
    assert len(server.network_info) == 5
    assert {nic["label"] for nic in server.network_info} == {"renamed"}
    held = [sorted(group.name for group in port.security_groups.all()) for port in ports_of(server)]
    assert [nic["security_groups"] for nic in server.network_info] == held


def ports_of(server: Instance) -> list[Port]:
    return list(Port.objects.filter(device_id=str(server.uuid)).order_by("position", "created_at"))


def test_a_server_that_is_deleted_meanwhile_keeps_nothing(cast: Cast) -> None:
    server, network = make_server(), make_network()
    volumes = [make_volume() for _ in range(4)]
    requests = [
        *(attaching(cast, server, volume) for volume in volumes),
        *(plugging(cast, server, net_id=str(network.pk)) for _ in range(4)),
        lambda: ApiClient(cast.member).delete(f"/servers/{server.uuid}").status,
    ]
    assert set(race(requests)) <= {200, 204, 404, 409}
    run_jobs()
    assert set(Volume.objects.values_list("status", flat=True)) == {"available"}
    assert not Port.objects.exists()
    assert not Attachment.objects.exists()
    server.refresh_from_db()
    assert (server.vm_state, server.network_info) == ("deleted", [])
