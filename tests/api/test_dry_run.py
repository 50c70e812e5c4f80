"""``/servers/dry-run`` and ``/servers/{id}/dry-run``: told as it would be, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.test.utils import CaptureQueriesContext

from compute_site.neighbours.network.models import Subnet
from servers.models import Instance, VmState
from tests.world.cast import UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient, browser_of
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_network,
    make_volume,
)
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs, run_next
from tests.world.orders import Shop, limit


def everything() -> dict[str, list[Any]]:
    """All rows of all tables, the queue's included."""
    return {
        model._meta.label: sorted(map(repr, model._default_manager.values_list()))
        for model in apps.get_models()
        if model._meta.managed or model._meta.app_label == "procrastinate"
    }


def attempt(client: ApiClient, body: Any, path: str = "/servers", version: str = "2.90") -> Any:
    """Try it, and see that nothing was written."""
    before = everything()
    answer = client.post(f"{path}/dry-run", body, microversion=version).expect(200)
    assert everything() == before
    return answer.json["dry_run"]


def first_fault(refused: Answer) -> dict[str, Any]:
    return {"status": refused.status, **refused.errors[0]}


def test_a_create_that_would_succeed_is_described(shop: Shop, as_member: ApiClient) -> None:
    for name in ("one", "two"):
        make_host(name)
    limit("instances", 5)
    tried = attempt(as_member, shop.body(min_count=2, max_count=2))
    assert tried["accepted"] is True
    assert tried["faults"] == []
    servers = tried["servers"]
    assert servers["number"] == 2
    assert servers["names"] == ["web-1", "web-2"]
    assert servers["flavor"]["id"] == shop.flavor.flavorid
    assert servers["image"] == shop.image_id
    assert servers["disks"][0]["source_type"] == "image"
    assert {use["resource"]: use for use in tried["quota"]}["instances"] == {
        "resource": "instances",
        "limit": 5,
        "before": 0,
        "after": 2,
    }
    assert tried["placement"]["outcome"] == "placed"
    assert tried["placement"]["hosts"] == 2
    assert "one" not in str(tried["placement"])


def test_operators_see_the_hosts_and_the_server_lands_on_one_of_them(
    shop: Shop, as_admin: ApiClient
) -> None:
    for name in ("one", "two"):
        make_host(name)
    make_host("small", memory_mb=64)
    placement = attempt(as_admin, shop.body())["placement"]
    assert set(placement["weights"]) == {"one", "two"}
    made = shop.order(as_admin, microversion="2.90").expect(202).json["server"]["id"]
    run_jobs()
    assert Instance.objects.get(uuid=made).host == placement["host"]


def test_every_fault_of_a_form_is_told(shop: Shop, as_member: ApiClient) -> None:
    body = shop.body(name="", min_count=0)
    tried = attempt(as_member, body)
    assert not tried["accepted"]
    assert {fault["stage"] for fault in tried["faults"]} == {"form"}
    assert {fault["field"] for fault in tried["faults"]} == {"server.name", "server.min_count"}
    refused = as_member.post("/servers", body, microversion="2.90").expect(400)
    assert first_fault(refused).items() <= tried["faults"][0].items()


def test_faults_of_all_stages_are_told_the_first_one_first(
    shop: Shop, as_member: ApiClient
) -> None:
    limit("instances", 0)
    body = shop.body(
        key_name="none",
        availability_zone="nowhere",
        networks=[{"uuid": UNKNOWN_ID}],
        hints={"group": UNKNOWN_ID},
    )
    tried = attempt(as_member, body)
    assert [fault["code"] for fault in tried["faults"]] == [
        "zone_unavailable",
        "network_not_found",
        "keypair_not_found",
        "server_group_not_found",
    ]
    assert tried["servers"] is None
    refused = as_member.post("/servers", body, microversion="2.90")
    assert first_fault(refused).items() <= tried["faults"][0].items()


def test_a_quota_that_does_not_suffice_is_told_beside_other_faults(
    shop: Shop, as_member: ApiClient
) -> None:
    limit("instances", 0)
    tried = attempt(as_member, shop.body(key_name="none"))
    assert [fault["stage"] for fault in tried["faults"]] == ["request", "quota"]
    tried = attempt(as_member, shop.body())
    assert [(fault["stage"], fault["status"]) for fault in tried["faults"]] == [("quota", 403)]


def test_what_is_asked_of_an_unknown_flavor_is_not_guessed(
    shop: Shop, as_member: ApiClient
) -> None:
    tried = attempt(as_member, shop.body(flavorRef="none", imageRef=UNKNOWN_ID))
    assert [fault["code"] for fault in tried["faults"]] == ["flavor_not_found", "image_not_found"]


def test_why_no_host_would_do_is_told(shop: Shop, as_member: ApiClient) -> None:
    make_host("small", memory_mb=64)
    make_host("off", disabled=True)
    tried = attempt(as_member, shop.body())
    assert tried["accepted"] is True
    assert [fault["stage"] for fault in tried["faults"]] == ["placement"]
    steps = tried["placement"]["steps"]
    assert tried["placement"]["outcome"] == "no valid host"
    assert [step["removed"] for step in steps] == [1, 1]
    assert steps[-1]["left"] == 0
    assert "small" not in str(tried)


def test_volumes_are_not_reserved(shop: Shop, as_member: ApiClient) -> None:
    make_host("one")
    volume = make_volume(bootable="true")
    device = {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": str(volume.pk),
        "boot_index": 0,
    }
    body = shop.body(imageRef=None, block_device_mapping_v2=[device])
    assert attempt(as_member, body)["accepted"] is True
    volume.refresh_from_db()
    assert volume.status == "available"


def test_who_may_not_create_servers_may_not_try_it(shop: Shop, as_reader: ApiClient) -> None:
    before = everything()
    as_reader.post("/servers/dry-run", shop.body(), microversion="2.90").expect(403)
    assert everything() == before


def test_a_trial_takes_hardly_more_statements_than_create_and_placement(
    shop: Shop,
    as_member: ApiClient,
    statements: Callable[[], AbstractContextManager[CaptureQueriesContext]],
) -> None:
    make_host("one")
    numbers = []
    for _ in range(2):
        with statements() as tried:
            answer = as_member.post("/servers/dry-run", shop.body(), microversion="2.90")
        assert answer.json["dry_run"]["placement"]["outcome"] == "placed"
        with statements() as done:
            shop.order(as_member).expect(202)
        with statements() as placed:
            run_next()
        run_jobs()
        numbers = [len(tried), len(done), len(placed)]
    assert numbers[0] <= numbers[1] + numbers[2], numbers


@pytest.fixture
def server(shop: Shop, as_admin: ApiClient) -> str:
    """An active server on the only host."""
    make_host("one")
    made = shop.order(as_admin, microversion="2.90").expect(202).json["server"]["id"]
    run_jobs()
    assert Instance.objects.get(uuid=made).vm_state == VmState.ACTIVE
    return str(made)


def test_a_resize_is_tried(server: str, as_admin: ApiClient) -> None:
    path = f"/servers/{server}"
    body = {"resize": {"flavorRef": make_flavor(vcpus=4, root_gb=10).flavorid}}
    tried = attempt(as_admin, body, path)
    assert tried["accepted"] is True
    assert [fault["stage"] for fault in tried["faults"]] == ["placement"]
    make_host("two")
    tried = attempt(as_admin, body, path)
    assert tried["faults"] == []
    assert tried["placement"]["host"] == "two"
    cores = {use["resource"]: use for use in tried["quota"]}["cores"]
    assert cores["after"] - cores["before"] == 3


def test_a_refused_action_tells_the_fault_of_the_action(server: str, as_admin: ApiClient) -> None:
    body = {"resize": {"flavorRef": "none"}}
    tried = attempt(as_admin, body, f"/servers/{server}")
    refused = as_admin.post(f"/servers/{server}/action", body, microversion="2.90")
    assert tried["accepted"] is False
    assert first_fault(refused).items() <= tried["faults"][0].items()


def test_a_rebuild_is_tried(server: str, as_admin: ApiClient) -> None:
    body = {"rebuild": {"imageRef": str(make_image().pk)}}
    assert attempt(as_admin, body, f"/servers/{server}")["accepted"] is True


def test_an_action_that_asks_for_no_host_cannot_be_tried(
    server: str, as_admin: ApiClient, as_member: ApiClient
) -> None:
    refused = as_admin.post(f"/servers/{server}/dry-run", {"lock": None}).expect(400)
    assert "resize, rebuild, migrate, evacuate, os-migrateLive" in refused.message
    as_member.post(f"/servers/{server}/dry-run", {"migrate": None}).expect(403)


def test_the_placement_of_a_server_is_explained(
    server: str, as_admin: ApiClient, as_member: ApiClient, as_outsider: ApiClient
) -> None:
    shown = as_admin.get(f"/servers/{server}/placement").expect(200).json["placement"]
    assert shown["outcome"] == "placed"
    assert (shown["host"], list(shown["weights"])) == ("one", ["one"])
    shown = as_member.get(f"/servers/{server}/placement").expect(200).json["placement"]
    assert shown["hosts"] == 1
    assert "one" not in str(shown)
    as_outsider.get(f"/servers/{server}/placement").expect(404)


def test_why_a_server_has_no_host_is_explained(
    shop: Shop, as_admin: ApiClient, as_member: ApiClient
) -> None:
    made = shop.order(as_member, microversion="2.90").expect(202).json["server"]["id"]
    as_member.get(f"/servers/{made}/placement").expect(404)
    make_host("small", memory_mb=64)
    run_jobs()
    shown = as_member.get(f"/servers/{made}/placement").expect(200).json["placement"]
    assert (shown["outcome"], shown["hosts"]) == ("no valid host", 1)
    assert [(step["removed"], step["left"]) for step in shown["steps"]] == [(1, 0)]
    named = as_admin.get(f"/servers/{made}/placement").expect(200).json["placement"]
    assert named["steps"][0]["hosts"] == ["small (small)"]


def buttons(page: Answer) -> dict[str, str]:
    """Where each button of the form sends it; empty: to where the form does."""
    form = page.content.decode().partition('<div class="form-actions">')[2].partition("</form>")[0]
    found = re.findall(r'<button class="[^"]*"(?: formaction="([^"?]*)[^"]*")?>([^<]*)<', form)
    return {words: target for target, words in found}


def send_form(browser: ApiClient, path: str, entered: dict[str, str]) -> Any:
    form = "application/x-www-form-urlencoded"
    return browser.http.post(path, urlencode(entered), content_type=form)


def test_people_try_what_they_have_entered_and_then_do_it(shop: Shop, cast: Cast) -> None:
    browser = browser_of(cast.member)
    entered = {
        "server.name": "web",
        "server.imageRef": shop.image_id,
        "server.flavorRef": "none",
        "server.networks": "none",
    }
    usual = "/compute/v2.1/servers"
    assert buttons(browser.get("/servers")) == {
        "Try without doing": f"{usual}/dry-run",
        "POST": "",
    }
    tried = send_form(browser, f"{usual}/dry-run?microversion=2.90", entered)
    page = Answer(tried.status_code, tried.headers, tried.content)
    assert page.expect(200)
    assert "flavor_not_found" in tried.text
    assert f'value="{shop.image_id}"' in tried.text, "it is still there"
    assert "has-error" in tried.text
    assert buttons(page) == {"Try without doing": "", "POST": usual}
    assert not Instance.objects.exists()
    done = {**entered, "server.flavorRef": shop.flavor.flavorid}
    assert send_form(browser, f"{usual}?microversion=2.90", done).status_code == 202
    assert Instance.objects.count() == 1


def test_people_try_an_action(cast: Cast) -> None:
    server = f"/compute/v2.1/servers/{make_instance().uuid}"
    browser = browser_of(cast.member)
    body = '{"resize": {"flavorRef": "none"}}'
    tried = send_form(browser, f"{server}/dry-run", {"_body": body})
    assert "flavor" in tried.text
    page = Answer(tried.status_code, tried.headers, tried.content)
    assert buttons(page.expect(200)) == {"Try without doing": "", "POST": f"{server}/action"}


def test_the_addresses_that_networks_have_left_are_told(
    shop: Shop, as_member: ApiClient, as_outsider: ApiClient
) -> None:
    make_host("one")
    network = make_network()
    small = network.subnets.get()
    small.allocation_pools = [
        {"start": small.cidr.replace(".0/24", f".{first}"), "end": small.cidr.replace(".0/24", end)}
        for first, end in ((2, ".4"), (9, ".9"))
    ]
    small.save()
    wide = Subnet.objects.create(
        network=network,
        project_id=network.project_id,
        ip_version=6,
        cidr="fd00:2::/48",
        allocation_pools=[{"start": "fd00:2::2", "end": "fd00:2:0:ffff:ffff:ffff:ffff:ffff"}],
    )
    wanted = {"networks": [{"uuid": str(network.pk)}]}
    keys = str(network.pk), str(small.pk), str(wide.pk)
    servers = attempt(as_member, shop.body(**wanted))["servers"]
    assert servers["free_addresses"] == {keys[0]: {keys[1]: 4, keys[2]: 2**53}}
    shop.order(as_member, **wanted).expect(202)
    run_jobs()
    servers = attempt(as_member, shop.body(**wanted))["servers"]
    assert servers["free_addresses"][keys[0]][keys[1]] == 3
    assert attempt(as_member, shop.body())["servers"]["free_addresses"] == {}
    faults = attempt(as_outsider, shop.body(**wanted))["faults"]
    assert [fault["code"] for fault in faults] == ["network_not_found"]
