"""``PUT`` and ``DELETE /os-services``, in the old form and in the new one."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import Aggregate, Allocation, ComputeNode, Service
from servers.models.states import VmState
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import hold, make_host, make_zone

HOST = {"host": "host1", "binary": "nova-compute"}


@pytest.fixture
def service(cast: object) -> Service:
    return make_host("host1").service


def state(service: Service) -> tuple[bool, str | None, bool]:
    row = Service.objects.get(pk=service.pk)
    return row.disabled, row.disabled_reason, row.forced_down


@pytest.mark.parametrize(
    ("verb", "more", "outcome"),
    [
        ("disable", {}, ({"status": "disabled"}, (True, None, False))),
        ("enable", {}, ({"status": "enabled"}, (False, None, False))),
        (
            "disable-log-reason",
            {"disabled_reason": "repair"},
            ({"status": "disabled", "disabled_reason": "repair"}, (True, "repair", False)),
        ),
        (
            "disable",
            {"disabled_reason": "unread"},
            ({"status": "disabled"}, (True, None, False)),
        ),
        ("force-down", {"forced_down": True}, ({"forced_down": True}, (False, None, True))),
        ("force-down", {"forced_down": "no"}, ({"forced_down": False}, (False, None, False))),
    ],
)
def test_the_url_says_what_to_do_until_2_52(
    as_admin: ApiClient, service: Service, verb: str, more: Any, outcome: Any
) -> None:
    answer, kept = outcome
    got = as_admin.put(f"/os-services/{verb}", HOST | more, microversion="2.11").expect(200)
    assert got.json == {"service": HOST | answer}
    assert state(service) == kept
    assert Service.objects.get(pk=service.pk).updated_at is not None


def test_enabling_forgets_the_reason(as_admin: ApiClient, service: Service) -> None:
    Service.objects.update(disabled=True, disabled_reason="repair")
    as_admin.put("/os-services/enable", HOST).expect(200)
    assert state(service) == (False, None, False)


@pytest.mark.parametrize(
    ("verb", "sent", "status"),
    [
        ("disable", {"binary": "nova-compute"}, 400),
        ("disable", {"host": "host1"}, 400),
        ("disable", HOST | {"host": "a b"}, 400),
        ("disable", HOST | {"nosuch": 1}, 400),
        ("disable", HOST | {"status": "disabled"}, 400),
        ("disable", HOST | {"binary": "nova-conductor"}, 400),
        ("disable", HOST | {"host": "nosuch"}, 404),
        ("frobnicate", HOST, 404),
        ("disable-log-reason", HOST, 400),
        ("disable-log-reason", HOST | {"disabled_reason": ""}, 400),
        ("disable-log-reason", HOST | {"disabled_reason": "x" * 256}, 400),
        ("force-down", HOST, 400),
        ("force-down", HOST | {"forced_down": "maybe"}, 400),
    ],
)
def test_what_is_wrong_in_the_old_form_changes_nothing(
    as_admin: ApiClient, service: Service, verb: str, sent: Any, status: int
) -> None:
    as_admin.put(f"/os-services/{verb}", sent, microversion="2.52").expect(status)
    assert state(service) == (False, None, False)


def test_a_service_can_be_forced_down_from_2_11(as_admin: ApiClient, service: Service) -> None:
    sent = HOST | {"forced_down": True}
    as_admin.put("/os-services/force-down", sent, microversion="2.10").expect(400)
    as_admin.put("/os-services/force-down", HOST, microversion="2.10").expect(404)
    assert not state(service)[2]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"status": "disabled"}, (True, None, False)),
        ({"status": "disabled", "disabled_reason": "repair"}, (True, "repair", False)),
        ({"status": "enabled"}, (False, None, False)),
        ({"forced_down": True}, (False, None, True)),
        ({"status": "disabled", "forced_down": "yes"}, (True, None, True)),
    ],
)
def test_the_url_names_the_service_from_2_53(
    as_admin: ApiClient, service: Service, sent: Any, kept: Any
) -> None:
    answer = as_admin.put(f"/os-services/{service.uuid}", sent, microversion="2.53").expect(200)
    shown = answer.json["service"]
    assert (shown["id"], shown["host"]) == (str(service.uuid), "host1")
    assert (shown["status"] == "disabled", shown["disabled_reason"], shown["forced_down"]) == kept
    assert shown["state"] == ("down" if kept[2] else "up")
    assert shown["updated_at"] is not None
    assert state(service) == kept


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ({"disabled_reason": "repair"}, 400),
        ({"status": "off"}, 400),
        ({"status": "enabled", "disabled_reason": "repair"}, 400),
        ({"forced_down": "maybe"}, 400),
        ({"status": "disabled", "host": "host1"}, 400),
        ({"status": "disabled", "nosuch": 1}, 400),
    ],
)
def test_what_is_wrong_in_the_new_form_changes_nothing(
    as_admin: ApiClient, service: Service, sent: Any, status: int
) -> None:
    url = f"/os-services/{service.uuid}"
    as_admin.put(url, sent, microversion="2.53").expect(status)
    assert state(service) == (False, None, False)


@pytest.mark.parametrize(
    ("service_id", "status"),
    [
        ("disable", 400),
        ("1", 400),
        ("00000000-0000-4000-8000-00000000ffff", 404),
        ("00000000000040008000000000000fff", 404),
    ],
)
def test_an_id_that_names_nothing(as_admin: ApiClient, service_id: str, status: int) -> None:
    sent = {"status": "disabled"}
    as_admin.put(f"/os-services/{service_id}", sent, microversion="2.53").expect(status)


def test_only_services_that_run_servers_can_be_changed(as_admin: ApiClient) -> None:
    conductor = Service.objects.get(binary="nova-conductor")
    url = f"/os-services/{conductor.uuid}"
    as_admin.put(url, {"status": "disabled"}, microversion="2.53").expect(400)
    assert not state(conductor)[0]


@pytest.mark.parametrize(
    ("microversion", "service_id", "status"),
    [
        ("2.52", "{id}", 204),
        ("2.52", "{uuid}", 400),
        ("2.52", "word", 400),
        ("2.52", "99999999", 404),
        ("2.52", "9" * 30, 404),
        ("2.53", "{uuid}", 204),
        ("2.53", "{id}", 400),
        ("2.53", "00000000-0000-4000-8000-00000000ffff", 404),
    ],
)
def test_a_service_is_removed_by_its_id(
    as_admin: ApiClient, service: Service, microversion: str, service_id: str, status: int
) -> None:
    url = "/os-services/" + service_id.format(id=service.pk, uuid=service.uuid)
    answer = as_admin.delete(url, microversion=microversion).expect(status)
    assert Service.objects.filter(pk=service.pk).exists() is (status != 204)
    assert ComputeNode.objects.exists() is (status != 204)
    if status == 204:
        assert answer.content == b""


def test_a_removed_host_leaves_its_aggregates(as_admin: ApiClient, service: Service) -> None:
    zone = make_zone("zone-a", service.node)
    as_admin.delete(f"/os-services/{service.uuid}", microversion="2.53").expect(204)
    assert list(Aggregate.objects.get(pk=zone.pk).hosts.all()) == []


def test_a_host_with_servers_cannot_be_removed(as_admin: ApiClient, service: Service) -> None:
    make_instance(host="host1", node="host1")
    url = f"/os-services/{service.uuid}"
    assert as_admin.delete(url, microversion="2.53").expect(409).fault == "conflictingRequest"
    assert Service.objects.filter(pk=service.pk).exists()


def test_a_host_that_is_about_to_get_a_server_cannot_be_removed(
    as_admin: ApiClient, service: Service
) -> None:
    moving = make_instance(host="elsewhere", vm_state=VmState.ACTIVE)
    hold(moving, service.node)
    as_admin.delete(f"/os-services/{service.uuid}", microversion="2.53").expect(409)
    assert Allocation.objects.exists()


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_changes_services(
    client: str, request: pytest.FixtureRequest, service: Service
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    caller.put("/os-services/disable", HOST).expect(403)
    url = f"/os-services/{service.uuid}"
    caller.put(url, {"status": "disabled"}, microversion="2.53").expect(403)
    caller.delete(url, microversion="2.53").expect(403)
    caller.delete("/os-services/99999999").expect(403)
    assert state(service) == (False, None, False)
