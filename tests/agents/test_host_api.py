"""The API of hosts: who may ask for what, and that the first answer counts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from compute_site.neighbours.image.api.download import BINARY
from compute_site.neighbours.image.data import store
from compute_site.neighbours.image.models import Image
from servers.host_orders import spool
from servers.host_orders.give import Wanted, give_order
from servers.host_orders.take import purge_orders
from servers.hosts.agents import add_host, fence, rotate_host
from servers.models import (
    ComputeNode,
    HostAgent,
    HostOrder,
    Instance,
    Inventory,
    ProviderTrait,
    ResourceProvider,
    Service,
)
from servers.models.cell import CELL1
from tests.api.test_migrations_list import make_move
from tests.world.client import ApiClient
from tests.world.factories import make_image, make_instance
from tests.world.hosts import make_host

STOCK = {
    "vcpus": 8,
    "memory_mb": 16384,
    "local_gb": 100,
    "hypervisor_type": "pretend",
    "hypervisor_version": 1,
    "supported_instances": [["x86_64", "pretend", "hvm"]],
    "cpu_info": {"arch": "x86_64"},
}
BEAT = {"boot_id": "first", "version": "0.1", "load": {"guests": 0}}


@dataclasses.dataclass
class Host:
    """A host as it speaks to the site."""

    name: str
    token: str = ""
    epoch: int = 0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON, or the bytes of what is none."""
        own = {"Authorization": f"Bearer {self.token}", "Host-Epoch": str(self.epoch)}
        data = body if isinstance(body, bytes) else json.dumps(body)
        kind = BINARY if method == "PUT" else "application/json"
        answer = Client().generic(method, f"/host/v1/{path}", data, kind, headers=own | headers)
        content = b"".join(answer) if answer.streaming else answer.content
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.status_code, json.loads(content) if is_json and content else content

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        return self.ask("POST", path, body)

    def put(self, path: str, data: bytes) -> tuple[int, Any]:
        return self.ask("PUT", path, data)

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return self.ask("GET", path, **headers)

    def join(self, token: str, **more: Any) -> int:
        known = {"boot_id": "first", "version": "0.1", "protocols": [1], "hypervisor": "pretend"}
        status, told = self.post("join", {"join_token": token, "stock": STOCK, **known, **more})
        if status == 201:
            assert told["host"] == self.name
            self.token, self.epoch = told["token"], told["epoch"]
        return status

    def orders(self, after: int = 0) -> list[dict[str, Any]]:
        status, told = self.get(f"orders?after={after}")
        assert (status == 204) == (not told)
        return told["orders"] if told else []


def joined(name: str) -> Host:
    host = Host(name)
    assert host.join(add_host(name, cell=CELL1)) == 201
    return host


@pytest.fixture
def host(db: None) -> Host:
    return joined("real")


def give(host: Host, task: str = "stop", server_id: str = "", **more: Any) -> HostOrder:
    wanted = Wanted(node=host.name, server_id=server_id or str(uuid.uuid4()), task=task, **more)
    order = give_order(wanted)
    assert order is not None
    return order


# joining


def test_a_host_that_joins_is_what_it_says_of_itself(host: Host) -> None:
    node = ComputeNode.objects.select_related("service", "hardware").get()
    assert (node.hypervisor_hostname, node.driver) == ("real", "agent")
    assert (node.vcpus, node.memory_mb, node.local_gb) == (8, 16384, 100)
    assert node.hardware.hypervisor_type == "pretend"
    assert node.service.is_up
    agent = HostAgent.objects.get()
    assert host.token
    assert host.token not in (agent.token_digest, agent.join_digest)
    assert agent.token_digest == hashlib.sha256(host.token.encode()).hexdigest()


def test_a_host_that_begins_anew_tells_what_it_has_by_now(host: Host) -> None:
    cell = {"id": 0, "shared_cpus": [0, 1], "dedicated_cpus": [2, 3], "memory_mb": 16384}
    stock = STOCK | {
        "vcpus": 2,
        "topology": {"cells": [cell], "devices": []},
        "traits": ["COMPUTE_RESCUE_BFV", "COMPUTE_OF_A_NEWER_AGENT"],
    }

    assert host.post("heartbeat", BEAT | {"stock": stock})[0] == 200

    node = ComputeNode.objects.select_related("hardware").get()
    assert [one["id"] for one in node.hardware.numa_topology["cells"]] == [0]
    totals = dict(Inventory.objects.values_list("resource_class", "total"))
    assert (totals["VCPU"], totals["PCPU"]) == (2, 2)
    traits = set(ProviderTrait.objects.values_list("trait", flat=True))
    assert "COMPUTE_RESCUE_BFV" in traits
    assert "COMPUTE_OF_A_NEWER_AGENT" not in traits
    assert host.post("heartbeat", BEAT | {"stock": stock | {"vcpus": 0}})[0] == 400


def test_a_host_lives_that_has_less_than_its_servers_hold(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    provider = ResourceProvider.objects.get()
    Inventory.objects.filter(provider=provider, resource_class="VCPU").update(used=8)
    assert host.post("heartbeat", BEAT | {"stock": STOCK | {"vcpus": 1}})[0] == 200
    assert Service.objects.get(host="real").is_up


@pytest.mark.django_db
def test_a_join_token_is_never_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.hosts.agents.secrets.token_urlsafe", lambda _: "--of-the-host")
    assert add_host("real", cell=CELL1) == "of-the-host"


def test_a_join_token_is_good_once_and_for_a_while(db: None) -> None:
    token = add_host("real", cell=CELL1)
    late = dt.timedelta(seconds=settings.OPTIONS.host_join_seconds + 1)
    HostAgent.objects.update(join_until=timezone.now() - late)
    assert Host("real").join(token) == 401
    HostAgent.objects.update(join_until=timezone.now() + late)
    assert Host("real").join("another") == 401
    assert Host("real").join("") == 401
    assert not ComputeNode.objects.exists()
    assert Host("real").join(token) == 201
    assert Host("real").join(token) == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"protocols": [7]},
        {"protocols": "1"},
        {"stock": STOCK | {"vcpus": 0}},
        {"stock": {}},
        {"boot_id": None},
        {"hypervisor": "x" * 33},
        {"boot_id": "nul \0"},
    ],
)
def test_what_makes_no_sense_is_refused_and_the_token_stays_good(
    db: None, wrong: dict[str, Any]
) -> None:
    token = add_host("real", cell=CELL1)
    assert Host("real").join(token, **wrong) == 400
    assert Host("real").join(token, unknown="of a later release") == 201


def test_a_name_is_taken_once(host: Host) -> None:
    make_host("simulated")
    for name in ("real", "simulated"):
        with pytest.raises(CommandError, match="There is a host"):
            call_command("add_host", name)
    with pytest.raises(CommandError, match="cell"):
        call_command("add_host", "other", cell="cell0")
    with pytest.raises(CommandError, match="no host simulated that was added"):
        call_command("rotate_host", "simulated")


def test_rotating_ends_the_token_and_another_join_begins_an_epoch(host: Host) -> None:
    token = rotate_host("real")
    assert host.post("heartbeat", BEAT)[0] == 401
    again = Host("real")
    assert again.join(token) == 201
    assert (again.epoch, again.post("heartbeat", BEAT)[0]) == (host.epoch + 1, 200)
    assert host.post("heartbeat", BEAT)[0] == 401


def test_commands_print_the_line_to_run(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("add_host", "real", installed=True)
    variable, _, command = capsys.readouterr().out.partition(" ")
    assert command.split()[:4] == ["compute-site", "agent", "join", "--site"]
    assert Host("real").join(variable.removeprefix("COMPUTE_SITE_JOIN_TOKEN=")) == 201


# heartbeats


def test_a_host_is_up_while_it_says_so(host: Host) -> None:
    Service.objects.filter(host="real").update(last_seen_up=None)
    assert not Service.objects.is_up("real")
    status, told = host.post("heartbeat", BEAT)
    assert (status, told["sync"]) == (200, False)
    assert told["lease_seconds"] == settings.OPTIONS.service_down_seconds
    assert Service.objects.is_up("real")


def test_a_host_that_was_started_anew_tells_of_all_its_guests(host: Host) -> None:
    assert host.post("heartbeat", BEAT | {"boot_id": "second"})[1]["sync"]
    assert not host.post("heartbeat", BEAT | {"boot_id": "second"})[1]["sync"]


# who asks


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "heartbeat"),
        ("POST", "return"),
        ("POST", "guests"),
        ("GET", "orders"),
        ("POST", f"orders/{uuid.UUID(int=1)}/done"),
        ("POST", f"orders/{uuid.UUID(int=1)}/progress"),
        ("GET", f"images/{uuid.UUID(int=1)}"),
        ("GET", f"networks/{uuid.UUID(int=1)}"),
        ("GET", f"metadata/{uuid.UUID(int=1)}"),
        ("POST", f"metadata/{uuid.UUID(int=1)}/password"),
    ],
)
def test_only_hosts_are_answered(host: Host, as_admin: ApiClient, method: str, path: str) -> None:
    assert Host("nobody", token="wrong").ask(method, path, {})[0] == 401
    assert host.ask(method, path, {}, Authorization="")[0] == 401
    assert host.ask(method, path, {}, Authorization=f"Basic {host.token}")[0] == 401
    assert as_admin.send(method, f"//host/v1/{path}", b"{}").status == 401
    if path != "return":
        assert host.ask(method, path, {}, **{"Host-Epoch": "0"})[0] == 410


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"guests": [{"server_id": 1}]}'])
def test_bodies_of_other_shapes_are_refused(host: Host, body: bytes) -> None:
    for path in ("heartbeat", "return", "guests", f"orders/{uuid.UUID(int=1)}/done", "join"):
        status, told = host.post(path, body)
        assert (status, told["error"]["status"]) == (400, 400)


def test_what_a_newer_agent_says_besides_is_ignored(host: Host) -> None:
    server, newer = on_host(), {"of_a_later_release": [1]}
    assert host.post("heartbeat", {**BEAT, **newer})[0] == 200
    seen = {"server_id": str(server.uuid), "power_state": 1, **newer}
    assert host.post("guests", {"guests": [seen]})[0] == 200
    order = give(host, "start", str(server.uuid))
    result = {"power_state": 1, **newer}
    assert host.post(f"orders/{order.uuid}/done", {"ok": True, "result": result})[0] == 200
    order.refresh_from_db()
    assert order.answer == {"ok": True, "result": {"power_state": 1}}
    more = {"join_token": add_host("later", cell=CELL1), "stock": {**STOCK, **newer}}
    known = {"boot_id": "b", "version": "9", "protocols": [1, 2], "hypervisor": "pretend"}
    assert Host("later").post("join", {**known, **more, **newer})[0] == 201


def test_other_urls_and_methods_are_unknown(host: Host) -> None:
    assert host.get("nothing")[0] == 404
    assert host.get("join")[0] == 404
    assert host.get("orders?after=x")[0] == 400
    assert host.post("orders/x/done", {"ok": True})[0] == 404


def test_a_host_sees_nothing_of_another(host: Host) -> None:
    other = joined("other")
    image = make_image(stored=True, size=4, os_hash_value="ab")
    store.write(str(image.pk), [b"data"], most=10)
    order = give(host, images=[str(image.pk)])
    assert other.orders() == []
    assert other.get(f"images/{image.pk}")[0] == 404
    assert other.post(f"orders/{order.uuid}/done", {"ok": True})[0] == 404
    assert other.post(f"orders/{order.uuid}/progress", {"percent": 1})[0] == 404
    server = make_instance(host="real", power_state=1)
    seen = {"server_id": str(server.uuid), "seq": 0, "power_state": 4}
    assert other.post("guests", {"guests": [seen]}) == (200, {"unknown": [str(server.uuid)]})
    server.refresh_from_db()
    assert (server.vm_state, server.power_state) == ("active", 1)


# orders


def test_orders_come_in_their_order_until_they_are_done(host: Host) -> None:
    first, second = give(host), give(host, "start", arguments={"secret": "hush"})
    assert [order["id"] for order in host.orders()] == [str(first.uuid), str(second.uuid)]
    assert [order["task"] for order in host.orders(after=first.pk)] == ["start"]
    second.refresh_from_db()
    assert "hush" not in second.sealed
    assert host.orders(after=first.pk)[0]["arguments"] == {"secret": "hush"}
    assert host.post(f"orders/{first.uuid}/done", {"ok": True, "result": {"power_state": 4}}) == (
        200,
        {},
    )
    assert [order["id"] for order in host.orders()] == [str(second.uuid)]
    host.post(f"orders/{second.uuid}/done", {"ok": False, "fault": "no", "code": "failed"})
    assert host.orders() == []
    second.refresh_from_db()
    assert (second.sealed, second.answer) == (
        "",
        {"ok": False, "fault": "no", "code": "failed"},
    )


def test_the_first_answer_counts(host: Host) -> None:
    order = give(host)
    good = {"ok": True, "result": {"power_state": 4}}
    assert [host.post(f"orders/{order.uuid}/done", good)[0] for _ in range(2)] == [200, 200]
    status, told = host.post(f"orders/{order.uuid}/done", {"ok": False, "fault": "late"})
    assert (status, told["error"]["code"]) == (409, "answered_otherwise")
    order.refresh_from_db()
    assert order.answer == good


def test_progress_gives_more_time(host: Host) -> None:
    order = give(host)
    before = order.not_after
    assert host.post(f"orders/{order.uuid}/progress", {"percent": 40}) == (200, {})
    order.refresh_from_db()
    assert (order.progress, order.not_after > before) == ({"percent": 40}, True)
    host.post(f"orders/{order.uuid}/done", {"ok": True})
    assert host.post(f"orders/{order.uuid}/progress", {"percent": 50})[0] == 404


def test_what_a_host_has_copied_of_a_guest_that_runs_is_shown(
    host: Host, as_admin: ApiClient
) -> None:
    server = make_instance(host="real", node="real", task_state="migrating")
    move = make_move(server, migration_type="live-migration", status="running")
    path = f"/servers/{server.uuid}/migrations/{move.pk}"
    order = give(host, "live_start", str(server.uuid))
    assert as_admin.get(path, microversion="2.23").json["migration"]["memory_total_bytes"] is None

    copied = {"memory_total": 4096, "memory_processed": 1024, "disk_remaining": 0, "newer": 1}
    host.post(f"orders/{order.uuid}/progress", {"percent": 25, "copied": copied})

    shown = as_admin.get(path, microversion="2.23").json["migration"]
    told = {name: value for name, value in shown.items() if name.endswith("_bytes")}
    assert told == {
        "memory_total_bytes": 4096,
        "memory_processed_bytes": 1024,
        "memory_remaining_bytes": None,
        "disk_total_bytes": None,
        "disk_processed_bytes": None,
        "disk_remaining_bytes": 0,
    }


def test_old_orders_are_forgotten_and_open_ones_stay(host: Host) -> None:
    done, still = give(host), give(host)
    host.post(f"orders/{done.uuid}/done", {"ok": True})
    old = timezone.now() - dt.timedelta(hours=settings.OPTIONS.host_orders_hours + 1)
    HostOrder.objects.filter(pk=done.pk).update(done_at=old)
    HostOrder.objects.filter(pk=still.pk).update(created_at=old)
    assert purge_orders() == 1
    assert HostOrder.objects.get() == still


# data of images


def test_data_of_an_image_are_there_while_an_order_needs_them(host: Host) -> None:
    data = bytes(range(200))
    digest = hashlib.sha512(data).hexdigest()
    image = make_image(stored=True, size=len(data), os_hash_value=digest)
    store.write(str(image.pk), [data], most=1000)
    path = f"images/{image.pk}"
    assert host.get(path)[0] == 404
    order = give(host, images=[str(image.pk)])
    assert host.get(path) == (200, data)
    assert host.get(path, Range="bytes=150-") == (206, data[150:])
    assert host.get(path, Range="bytes=300-")[0] == 416
    host.post(f"orders/{order.uuid}/done", {"ok": True})
    assert host.get(path)[0] == 404
    assert host.get("images/../../etc/passwd")[0] == 404


# what guests do by themselves


def report(host: Host, server: Instance, power: int, seq: int = 0, **more: Any) -> Any:
    seen = {"server_id": str(server.uuid), "seq": seq, "power_state": power}
    status, told = host.post("guests", {"guests": [seen], **more})
    assert status == 200
    server.refresh_from_db()
    return told


def on_host(**fields: Any) -> Instance:
    return make_instance(**{"host": "real", "node": "real", "power_state": 1} | fields)


@pytest.mark.parametrize("power", [4, 6])
def test_a_guest_that_went_off_is_stopped(host: Host, as_member: ApiClient, power: int) -> None:
    server = on_host()
    assert report(host, server, power) == {"unknown": []}
    assert (server.vm_state, server.power_state) == ("stopped", power)
    [action] = server.actions.all()
    assert (action.action, action.user_id, action.project_id) == ("stop", "", "")
    [event] = action.events.all()
    assert (event.event, event.result, event.host) == ("compute_stop_instance", "Success", "real")


@pytest.mark.parametrize(
    "fields", [{"task_state": "powering-off"}, {"vm_state": "building", "task_state": "spawning"}]
)
def test_a_server_with_which_something_goes_on_is_left_alone(
    host: Host, fields: dict[str, Any]
) -> None:
    server = on_host(**fields)
    report(host, server, 4)
    assert (server.vm_state, server.power_state) == (fields.get("vm_state", "active"), 1)


def test_what_is_older_than_an_order_is_not_believed(host: Host) -> None:
    server = on_host()
    order = give(host, "start", str(server.uuid))
    host.post(f"orders/{order.uuid}/done", {"ok": True, "result": {"power_state": 1}})
    report(host, server, 4, seq=order.pk - 1)
    assert server.vm_state == "active"
    report(host, server, 4, seq=order.pk)
    assert server.vm_state == "stopped"


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("set_password", {"ok": False, "fault": "it cannot", "code": "unsupported"}),
        ("console", {"ok": True}),
    ],
)
def test_an_order_that_changed_no_guest_hides_nothing(
    host: Host, task: str, answer: dict[str, Any]
) -> None:
    server = on_host()
    order = give(host, task, str(server.uuid))
    host.post(f"orders/{order.uuid}/done", answer)
    report(host, server, 4, seq=order.pk - 1)
    assert server.vm_state == "stopped"


def test_other_states_are_noted(host: Host) -> None:
    server = on_host(vm_state="stopped", power_state=4)
    report(host, server, 1)
    assert (server.vm_state, server.power_state) == ("stopped", 1)
    assert not server.actions.exists()


def test_guests_without_a_server_are_named_and_nothing_is_ordered(host: Host) -> None:
    gone = on_host(vm_state="deleted", deleted_at=timezone.now())
    assert report(host, gone, 1, all=True) == {"unknown": [str(gone.uuid)]}
    assert host.orders() == []


# fencing


def test_a_host_that_was_given_up_hears_nothing_until_it_has_come_back(
    host: Host, as_admin: ApiClient
) -> None:
    stays, moved = on_host(), make_instance(host="elsewhere", node="elsewhere")
    deleted = on_host(vm_state="deleted", deleted_at=timezone.now())
    kept, cancelled = give(host, server_id=str(stays.uuid)), give(host, server_id=str(moved.uuid))
    service = Service.objects.get(host="real")
    body = {"forced_down": True}
    as_admin.put(f"/os-services/{service.uuid}", body, microversion="2.53").expect(200)
    for path, sent in (("heartbeat", BEAT), ("guests", {"guests": []})):
        status, told = host.post(path, sent)
        assert (status, told["error"]["code"]) == (410, "fenced")
    assert host.get("orders")[0] == 410
    unknown = str(uuid.uuid4())
    guests = [*(str(one.uuid) for one in (stays, moved, deleted)), unknown]
    status, told = host.post("return", {"guests": guests})
    assert status == 200
    assert told["left"] == sorted([str(moved.uuid), str(deleted.uuid)])
    host.epoch = told["epoch"]
    assert [order["id"] for order in host.orders()] == [str(kept.uuid)]
    cancelled.refresh_from_db()
    assert cancelled.answer["code"] == "cancelled"


def test_evacuating_a_server_fences_its_host(host: Host, as_admin: ApiClient) -> None:
    server = on_host(launched_at=timezone.now())
    Service.objects.filter(host="real").update(last_seen_up=None)
    path = f"/servers/{server.uuid}/action"
    as_admin.post(path, {"evacuate": {}}, microversion="2.14").expect(200)
    assert host.post("heartbeat", BEAT)[0] == 410


def test_fencing_is_of_the_named_hosts_alone(host: Host) -> None:
    other = joined("other")
    fence(["other"])
    assert (host.post("heartbeat", BEAT)[0], other.post("heartbeat", BEAT)[0]) == (200, 410)


# data that hosts send


def sent(data: bytes) -> str:
    return f"sha512={hashlib.sha512(data).hexdigest()}"


def awaiting(as_member: ApiClient) -> str:
    """An image that awaits data."""
    body = {"name": "image", "disk_format": "qcow2", "container_format": "bare"}
    return str(as_member.post("//image/v2/images", body).expect(201).json["id"])


def test_a_host_fills_the_image_of_its_own_open_order(host: Host, as_member: ApiClient) -> None:
    image = awaiting(as_member)
    order = give(host, "snapshot", images=[image])
    path, data = f"snapshots/{order.uuid}", b"what is on the disk"
    other = joined("other")
    assert host.get(path) == (200, {"done": False})
    assert other.get(path)[0] == 404
    assert other.put(f"{path}?format=raw&{sent(data)}", data)[0] == 404
    assert host.put(f"{path}?format=raw&{sent(b'others')}", data)[0] == 400
    assert host.put(f"{path}?format=vmdk&{sent(data)}", data)[0] == 400
    assert host.put(f"{path}?format=qcow2&{sent(data)}", data)[0] == 415
    assert host.get(path) == (200, {"done": False})
    assert host.put(f"{path}?format=raw&{sent(data)}", data)[0] == 200
    assert host.get(path) == (200, {"done": True})
    shown = as_member.get(f"//image/v2/images/{image}").expect(200).json
    assert (shown["status"], shown["disk_format"], shown["size"]) == ("active", "raw", len(data))
    assert as_member.get(f"//image/v2/images/{image}/file").expect(200).content == data
    assert host.put(f"{path}?format=raw&{sent(data)}", data)[0] == 200  # they are there
    assert host.put(f"{path}?format=raw&{sent(b'others')}", b"others")[0] == 404  # none are awaited
    assert host.post(f"orders/{order.uuid}/done", {"ok": True})[0] == 200
    assert host.get(path)[0] == 404


def test_an_upload_that_was_lost_begins_anew(host: Host, as_member: ApiClient) -> None:
    image = awaiting(as_member)
    Image.objects.filter(pk=image).update(status="saving")
    order = give(host, "snapshot", images=[image])
    assert host.put(f"snapshots/{order.uuid}?format=raw&{sent(b'disk')}", b"disk")[0] == 200


def test_disks_go_from_the_host_that_packs_to_the_one_that_unpacks(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = dataclasses.replace(settings.OPTIONS, move_store_dir=tmp_path)
    monkeypatch.setattr(settings, "OPTIONS", options)
    new, server, data = joined("new"), str(uuid.uuid4()), b"disk" * 100
    pack, unpack = give(host, "pack", server), give(new, "unpack", server)
    there, here = f"moves/{pack.uuid}/disk", f"moves/{unpack.uuid}/disk"
    digest = {"sha512": sent(data).removeprefix("sha512=")}
    assert host.post(there, digest) == (200, {"done": False})
    assert new.get(here)[0] == 404
    assert host.put(f"{there}?{sent(b'others')}", data)[0] == 400
    assert host.post(there, digest) == (200, {"done": False})
    assert host.put(f"{there}?{sent(data)}", data)[0] == 200
    assert host.post(there, digest) == (200, {"done": True})
    assert new.get(here) == (200, data)
    assert new.get(here, Range="bytes=390-") == (206, data[390:])
    assert (host.get(here)[0], host.get(there)[0], new.get(there)[0]) == (404, 404, 404)
    assert new.put(f"{here}?{sent(data)}", data)[0] == 404
    assert host.put(f"moves/{pack.uuid}/.disk?{sent(data)}", data)[0] == 400
    spool.remove(server)
    assert new.get(here)[0] == 404
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_server_of_a_silent_host_is_ended_when_the_host_speaks_again(
    host: Host, as_member: ApiClient
) -> None:
    server = on_host(launched_at=timezone.now())
    Service.objects.filter(host="real").update(last_seen_up=None)
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    [order] = host.orders()
    assert (order["task"], order["server_id"]) == ("destroy", str(server.uuid))
