"""Every URL of the API of hosts, and who gets nothing there: strangers, users, hosts of an older
epoch, and other hosts where the URL names something.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from servers.host_orders import spool
from servers.models import HostOrder
from servers.views.host_api.urls import urlpatterns
from tests.agents.test_host_api import BEAT, Host, give, joined
from tests.world.client import ApiClient
from tests.world.factories import make_image, make_instance, make_network

DATA = b"disk"
SHA512 = hashlib.sha512(DATA).hexdigest()
RETURN, GUESTS, ANSWER = {"guests": []}, {"guests": []}, {"ok": True}
IN_ANY_EPOCH, OPEN = {"return"}, {"join", "install.sh", "agent.tar.gz"}


@dataclasses.dataclass(frozen=True)
class Door:
    """A request; ``task`` is that of the order that it needs."""

    method: str
    route: str
    body: Any = None
    query: str = ""
    task: str = "stop"

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


DOORS = [
    Door("GET", "install.sh"),
    Door("GET", "agent.tar.gz"),
    Door("POST", "join", {}),
    Door("POST", "certificate", {"migration_address": "198.51.100.7"}),
    Door("POST", "heartbeat", BEAT),
    Door("POST", "return", RETURN),
    Door("POST", "guests", GUESTS),
    Door("GET", "orders"),
    Door("POST", "orders/<str:order_id>/done", ANSWER),
    Door("POST", "orders/<str:order_id>/progress", {"percent": 1}),
    Door("GET", "images/<str:image_id>"),
    Door("GET", "snapshots/<str:order_id>", task="snapshot"),
    Door("PUT", "snapshots/<str:order_id>", DATA, f"?format=raw&sha512={SHA512}", "snapshot"),
    Door("GET", "moves/<str:order_id>/<str:name>", task="unpack"),
    Door("POST", "moves/<str:order_id>/<str:name>", {"sha512": SHA512}, task="pack"),
    Door("PUT", "moves/<str:order_id>/<str:name>", DATA, f"?sha512={SHA512}", "pack"),
    Door("POST", "volumes/<str:order_id>/grown", {}, task="grow_disk"),
    Door("GET", "networks/<str:network_id>"),
    Door("GET", "metadata/<str:server_id>"),
    Door("POST", "metadata/<str:server_id>/password", {"password": "sealed"}),
]
NAMED = [door for door in DOORS if "<" in door.route]


@pytest.fixture
def host(db: None) -> Host:
    return joined("real")


def path_of(door: Door, order: HostOrder, image: str, network: str) -> str:
    values = {
        "order_id": str(order.uuid),
        "image_id": image,
        "network_id": network,
        "server_id": order.server_id,
        "name": "disk",
    }
    path = door.route
    for name, value in values.items():
        path = path.replace(f"<str:{name}>", value)
    return path + door.query


def test_every_url_has_a_door() -> None:
    routes = {str(pattern.pattern) for pattern in urlpatterns} - {""}
    assert {door.route for door in DOORS} == routes


@pytest.mark.parametrize("door", [door for door in DOORS if door.route not in OPEN], ids=str)
def test_strangers_users_and_hosts_of_an_older_epoch_get_nothing(
    host: Host, as_admin: ApiClient, door: Door
) -> None:
    order = give(host, door.task, images=[str(uuid.uuid4())])
    path = path_of(door, order, order.images[0], str(uuid.uuid4()))
    old = Host("real", host.token, host.epoch - 1)
    assert Host("real").ask(door.method, path, door.body)[0] == 401
    assert Host("real", "wrong", host.epoch).ask(door.method, path, door.body)[0] == 401
    refused = 200 if door.route in IN_ANY_EPOCH else 410
    assert old.ask(door.method, path, door.body)[0] == refused
    body = door.body if isinstance(door.body, bytes) else b"{}"
    assert as_admin.send(door.method, f"//host/v1/{path}", body).status == 401
    order.refresh_from_db()
    assert (order.answer, order.progress) == (None, None)


@pytest.mark.parametrize("door", NAMED, ids=str)
def test_a_host_sees_nothing_of_another(
    host: Host, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = dataclasses.replace(settings.OPTIONS, move_store_dir=tmp_path)
    monkeypatch.setattr(settings, "OPTIONS", options)
    other = joined("other")
    server = make_instance(node="real", host="real", vm_state="active")
    image, network = str(make_image(stored=True).pk), str(make_network().pk)
    order = give(host, door.task, str(server.uuid), images=[image])
    spool.keep(str(server.uuid), "disk", [DATA], SHA512)
    path = path_of(door, order, image, network)
    status, told = other.ask(door.method, path, door.body)
    assert status == 404, told
    order.refresh_from_db()
    assert (order.answer, order.progress) == (None, None)
