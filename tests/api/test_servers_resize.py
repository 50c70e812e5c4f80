"""``resize``, ``confirmResize`` and ``revertResize``: what may be asked, and what comes of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as site
from django.test import override_settings

from compute_site.neighbours.network.models import Port
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.models import (
    Allocation,
    ComputeNode,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    RequestSpec,
    ServerFault,
    Service,
)
from servers.moves.cold import resize_server
from tests.world.callers import caller_of
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_network,
    make_server_group,
)
from tests.world.hosts import make_zone, nodes_of
from tests.world.jobs import queued, run_jobs
from tests.world.moving import (
    Rack,
    act,
    assert_books_balance,
    confirm,
    held_on,
    in_use,
    move_of,
    resize,
    revert,
    state,
)
from tests.world.orders import limit


@pytest.fixture
def rack(db: None) -> Rack:
    return Rack()


def other(rack: Rack, host: str | None) -> ComputeNode:
    return next(node for node in rack.hosts if node.hypervisor_hostname != host)


def host_of(rack: Rack, host: str | None) -> ComputeNode:
    return next(node for node in rack.hosts if node.hypervisor_hostname == host)


def shown(client: ApiClient, server: Instance) -> dict[str, Any]:
    answer = client.get(f"/servers/{server.uuid}", microversion="2.47").expect(200)
    server_shown: dict[str, Any] = answer.json["server"]
    return server_shown


def test_a_resized_server_waits_on_another_host_for_the_verdict(
    as_member: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    source = host_of(rack, server.host)
    assert resize(as_member, server, rack.large).expect(202).content == b""
    assert state(server) == ("active", "resize_prep")
    assert shown(as_member, server)["status"] == "RESIZE"
    run_jobs()
    assert state(server) == ("resized", None)
    body = shown(as_member, server)
    assert (body["status"], body["flavor"]["vcpus"]) == ("VERIFY_RESIZE", 4)
    assert server.host == other(rack, source.hypervisor_hostname).hypervisor_hostname
    assert (server.vcpus, server.memory_mb, server.root_gb) == (4, 4096, 40)
    assert server.flavor_record == rack.large
    assert held_on(source) == (1, 512, 1)
    assert held_on(host_of(rack, server.host)) == (4, 4096, 1)
    assert (in_use("cores"), in_use("ram")) == (4, 4096)
    move = move_of(server)
    assert (move.status, move.migration_type) == ("finished", "resize")
    assert (move.old_flavor["vcpus"], move.new_flavor["vcpus"]) == (1, 4)
    assert RequestSpec.objects.get(instance=server).flavor["vcpus"] == 4
    assert_books_balance()


def test_confirming_frees_the_host_that_was_left(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    source = host_of(rack, server.host)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    answer = confirm(as_member, server).expect(204)
    assert answer.content == b""
    run_jobs()
    assert state(server) == ("active", None)
    assert held_on(source) == (0, 0, 0)
    assert [leaving for _, leaving in nodes_of(server)] == [False]
    assert move_of(server).status == "confirmed"
    assert (in_use("instances"), in_use("cores"), in_use("ram")) == (1, 4, 4096)
    assert_books_balance()


def test_reverting_brings_everything_back(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    source, before = host_of(rack, server.host), RequestSpec.objects.get(instance=server)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    target = host_of(rack, Instance.objects.get().host)
    revert(as_member, server).expect(202)
    assert state(server) == ("resized", "resize_reverting")
    assert shown(as_member, server)["status"] == "REVERT_RESIZE"
    run_jobs()
    assert state(server) == ("active", None)
    assert server.host == source.hypervisor_hostname
    assert (server.vcpus, server.flavor_record) == (1, rack.small)
    assert server.flavor["flavorid"] == rack.small.flavorid
    assert (held_on(source), held_on(target)) == ((1, 512, 1), (0, 0, 0))
    assert (in_use("cores"), in_use("ram")) == (1, 512)
    assert move_of(server).status == "reverted"
    assert RequestSpec.objects.get(instance=server).flavor == before.flavor
    assert_books_balance()


def test_the_history_tells_each_step(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    revert(as_member, server).expect(202)
    run_jobs()
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    confirm(as_member, server).expect(204)
    run_jobs()
    actions = InstanceAction.objects.filter(instance=server).order_by("pk")
    steps = [(action.action, [e.event for e in action.events.order_by("pk")]) for action in actions]
    going = [
        "conductor_migrate_server",
        "cold_migrate",
        "compute_prep_resize",
        "compute_resize_instance",
        "compute_finish_resize",
    ]
    assert steps[1:] == [
        ("resize", going),
        ("revertResize", ["compute_revert_resize", "compute_finish_revert_resize"]),
        ("resize", going),
        ("confirmResize", ["compute_confirm_resize"]),
    ]
    assert not InstanceActionEvent.objects.exclude(result="Success").exists()


@pytest.mark.parametrize(("finish", "flavor"), [(confirm, "large"), (revert, "small")])
def test_a_server_that_was_off_stays_off(
    as_member: ApiClient, rack: Rack, finish: Any, flavor: str
) -> None:
    server = rack.server(as_member)
    act(as_member, server, **{"os-stop": None}).expect(202)
    run_jobs()
    resize(as_member, server, rack.large).expect(202)
    assert shown(as_member, server)["status"] == "RESIZE"
    run_jobs()
    assert state(server) == ("resized", None)
    assert server.power_state == 4
    finish(as_member, server)
    run_jobs()
    assert state(server) == ("stopped", None)
    assert (server.power_state, server.flavor_record) == (4, getattr(rack, flavor))


def test_ports_go_along(as_member: ApiClient, rack: Rack) -> None:
    network = make_network()
    server = rack.server(as_member, networks=[{"uuid": str(network.pk)}])
    hosts = [Port.objects.get().binding_host]
    addresses = shown(as_member, server)["addresses"]
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    hosts.append(Port.objects.get().binding_host)
    revert(as_member, server).expect(202)
    run_jobs()
    hosts.append(Port.objects.get().binding_host)
    assert hosts[0] == hosts[2] != hosts[1]
    assert shown(as_member, server)["addresses"] == addresses


# what may not be asked


@pytest.mark.parametrize("vm_state", ["paused", "suspended", "error", "rescued", "shelved"])
def test_only_servers_that_are_on_or_off_are_resized(
    as_member: ApiClient, rack: Rack, vm_state: str
) -> None:
    server = rack.server(as_member)
    Instance.objects.update(vm_state=vm_state)
    resize(as_member, server, rack.large).expect(409)
    assert state(server) == (vm_state, None)


def test_one_thing_at_a_time(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    for again in (
        resize(as_member, server, rack.large),
        act(as_member, server, pause=None),
        act(as_member, server, reboot={"type": "HARD"}),
        confirm(as_member, server),
        revert(as_member, server),
    ):
        again.expect(409)
    run_jobs()
    confirm(as_member, server).expect(204)
    confirm(as_member, server).expect(400)
    revert(as_member, server).expect(400)
    run_jobs()
    confirm(as_member, server).expect(409)


def test_a_verdict_needs_a_resize(as_member: ApiClient, rack: Rack) -> None:
    server = make_instance(vm_state="resized", host="host1")
    confirm(as_member, server).expect(400)
    revert(as_member, server).expect(400)
    assert state(server) == ("resized", None)


def test_a_host_that_does_not_answer_cannot_take_part(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    move = move_of(server)
    Service.objects.filter(host=move.source_compute).update(forced_down=True)
    assert move.source_compute
    assert move.source_compute not in confirm(as_member, server).expect(409).message
    Service.objects.update(forced_down=False)
    confirm(as_member, server).expect(204)
    run_jobs()
    Service.objects.update(forced_down=True)
    resize(as_member, server, rack.small).expect(409)


def test_flavors_that_cannot_be_had(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    hidden = make_flavor(is_public=False)
    disabled = make_flavor(disabled=True)
    for flavor in (hidden, disabled, rack.small):
        answer = resize(as_member, server, flavor).expect(400)
        assert answer.fault == "badRequest"
    act(as_member, server, resize={"flavorRef": "nosuch"}).expect(400)
    assert state(server) == ("active", None)
    assert not InstanceAction.objects.filter(action="resize").exists()
    assert_books_balance()


def test_disks_do_not_shrink_or_go(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    resize(as_member, server, make_flavor(root_gb=rack.small.root_gb - 1)).expect(400)
    resize(as_member, server, make_flavor(root_gb=0)).expect(400)
    assert state(server) == ("active", None)


def test_a_server_on_a_volume_takes_a_flavor_without_a_disk(
    as_member: ApiClient, rack: Rack
) -> None:
    root = rack.shop.root(destination_type="volume", volume_size=10)
    server = rack.server(as_member, imageRef=None, block_device_mapping_v2=[root])
    resize(as_member, server, make_flavor(root_gb=0, vcpus=2)).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)
    assert len(nodes_of(server)) == 2
    assert not Allocation.objects.filter(resource_class="DISK_GB").exists()


def test_the_image_must_fit_the_new_flavor(as_member: ApiClient, rack: Rack) -> None:
    image = make_image(min_ram=256)
    server = rack.server(as_member, imageRef=str(image.pk))
    resize(as_member, server, make_flavor(memory_mb=128, root_gb=10)).expect(400)
    wrong = make_flavor(root_gb=10, extra_specs={"hw:cpu_realtime": "yes"})
    resize(as_member, server, wrong).expect(400)
    accelerated = make_flavor(root_gb=10, extra_specs={"accel:device_profile": "gpu"})
    resize(as_member, server, accelerated).expect(400)
    assert state(server) == ("active", None)
    assert_books_balance()


def test_the_layout_of_memory_follows_the_flavor(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    flavor = make_flavor(vcpus=2, root_gb=10, extra_specs={"hw:numa_nodes": "2"})
    resize(as_member, server, flavor).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert server.numa_topology is not None
    assert len(server.numa_topology["cells"]) == 2
    assert RequestSpec.objects.get(instance=server).numa_topology == server.numa_topology
    revert(as_member, server).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert server.numa_topology is None
    assert RequestSpec.objects.get(instance=server).numa_topology is None


def test_the_quota_must_have_room_for_what_is_more(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    limit("cores", 3)
    answer = resize(as_member, server, rack.large).expect(403)
    assert "cores" in answer.message
    assert state(server) == ("active", None)
    limit("cores", 4)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    rack.shop.order(as_member).expect(403)
    revert(as_member, server).expect(202)
    run_jobs()
    rack.shop.order(as_member).expect(202)


def test_a_smaller_flavor_frees_quota_when_confirmed(as_member: ApiClient, rack: Rack) -> None:
    rack.shop.flavor = make_flavor(vcpus=4, memory_mb=2048, root_gb=10)
    server = rack.server(as_member)
    limit("cores", 4)
    resize(as_member, server, rack.small).expect(202)
    run_jobs()
    assert (in_use("cores"), in_use("ram")) == (4, 2048)
    assert_books_balance()
    used = as_member.get("/limits").json["limits"]["absolute"]  # what it is now
    assert (used["totalCoresUsed"], used["totalRAMUsed"]) == (1, 512)
    for of_user in ("", f"?user_id={server.user_id}"):
        shown = as_member.get(f"/os-quota-sets/{ALPHA}/detail{of_user}").json["quota_set"]
        assert shown["cores"] == {"limit": 4, "in_use": 1, "reserved": 3}
        assert (shown["ram"]["in_use"], shown["ram"]["reserved"]) == (512, 1536)
    confirm(as_member, server).expect(204)
    run_jobs()
    assert (in_use("cores"), in_use("ram")) == (1, 512)
    detail = as_member.get(f"/os-quota-sets/{ALPHA}/detail").json["quota_set"]
    assert (detail["cores"]["in_use"], detail["cores"]["reserved"]) == (1, 0)
    assert_books_balance()


def test_the_limit_of_the_user_counts_as_well(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    limit("ram", 2048, user_id=str(server.user_id))
    resize(as_member, server, rack.large).expect(403)


def test_a_lock_stops_everybody_but_admins(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    act(as_member, server, lock=None).expect(202)
    resize(as_member, server, rack.large).expect(409)
    resize(as_admin, server, rack.large).expect(202)
    run_jobs()
    confirm(as_member, server).expect(409)
    revert(as_member, server).expect(409)


def test_who_may_resize(as_reader: ApiClient, as_outsider: ApiClient, as_member: ApiClient) -> None:
    rack = Rack()
    server = rack.server(as_member)
    resize(as_reader, server, rack.large).expect(403)
    resize(as_outsider, server, rack.large).expect(404)


def test_the_partition_is_left_alone_where_the_image_says_so(
    as_member: ApiClient, rack: Rack
) -> None:
    image = make_image(properties={"auto_disk_config": "disabled"})
    server = rack.server(as_member, imageRef=str(image.pk))
    resize(as_member, server, rack.large, **{"OS-DCF:diskConfig": "AUTO"}).expect(400)
    resize(as_member, server, rack.large, **{"OS-DCF:diskConfig": "MANUAL"}).expect(202)


# where there is no host, or the host fails


def test_without_a_host_the_server_is_what_it_was(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    source = host_of(rack, server.host)
    huge = make_flavor(vcpus=16, memory_mb=4096, root_gb=10**5)
    resize(as_member, server, huge).expect(202)
    assert in_use("cores") == 16
    run_jobs()
    assert state(server) == ("active", None)
    assert shown(as_member, server)["status"] == "ACTIVE"
    assert held_on(source) == (1, 512, 1)
    assert (in_use("cores"), in_use("ram")) == (1, 512)
    assert move_of(server).status == "error"
    assert "No host" in ServerFault.objects.get(instance=server).message
    action = InstanceAction.objects.get(instance=server, action="resize")
    assert action.message == "Error"
    assert [event.result for event in action.events.all()] == ["Error", "Error"]
    assert_books_balance()


def test_a_resize_leaves_the_host_unless_the_site_allows_to_stay(
    as_member: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    Service.objects.exclude(host=server.host).update(disabled=True)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    host = host_of(rack, server.host)
    stay = dataclasses.replace(site.OPTIONS, allow_resize_to_same_host=True)
    with override_settings(OPTIONS=stay):
        resize(as_member, server, rack.large).expect(202)
        run_jobs()
    assert state(server) == ("resized", None)
    assert held_on(host) == (5, 4608, 2)
    revert(as_member, server).expect(202)
    run_jobs()
    assert held_on(host) == (1, 512, 1)
    with override_settings(OPTIONS=stay):
        resize(as_member, server, rack.large).expect(202)
        run_jobs()
    confirm(as_member, server).expect(204)
    run_jobs()
    assert held_on(host) == (4, 4096, 1)
    assert_books_balance()


def test_a_member_of_a_group_does_not_stand_in_its_own_way(as_member: ApiClient) -> None:
    rack = Rack()
    group = make_server_group(policy="affinity")
    server = rack.server(as_member, hints={"group": str(group.uuid)})
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)


def test_servers_that_keep_apart_do_so_when_they_move(as_member: ApiClient) -> None:
    rack = Rack()
    group = make_server_group(policy="anti-affinity")
    server = rack.server(as_member, hints={"group": str(group.uuid)})
    rack.server(as_member, hints={"group": str(group.uuid)})
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert move_of(server).status == "error"


@pytest.mark.parametrize(
    ("call", "vm_state", "stays"), [("send", "active", True), ("receive", "error", False)]
)
def test_a_host_that_fails_while_the_server_moves(
    as_member: ApiClient, rack: Rack, call: str, vm_state: str, stays: bool
) -> None:
    server = rack.server(as_member)
    source = str(server.host)
    lies_on = source if stays else other(rack, source).hypervisor_hostname
    resize(as_member, server, rack.large).expect(202)
    with failing(call):
        run_jobs()
    assert state(server) == (vm_state, None)
    assert (server.host, server.flavor_record) == (lies_on, rack.small if stays else rack.large)
    assert move_of(server).status == "error"
    assert ServerFault.objects.get(instance=server).message == "The disk is full."
    assert nodes_of(server) == [(lies_on, False)]
    assert_books_balance()


@pytest.mark.parametrize(("call", "finish"), [("drop", confirm), ("destroy", revert)])
def test_a_verdict_that_fails_may_be_given_again(
    as_member: ApiClient, rack: Rack, call: str, finish: Any
) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    with failing(call):
        finish(as_member, server)
        run_jobs()
    assert state(server) == ("resized", None)
    assert move_of(server).status == "finished"
    assert_books_balance()
    finish(as_member, server)
    run_jobs()
    assert state(server) == ("active", None)
    assert_books_balance()


def test_a_server_that_cannot_go_back_stays_in_its_zone(as_member: ApiClient, rack: Rack) -> None:
    for node in rack.hosts:
        make_zone(f"zone of {node.hypervisor_hostname}", node)
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    with failing("destroy"):
        revert(as_member, server).expect(202)
        run_jobs()
    assert state(server) == ("resized", None)
    assert server.availability_zone == f"zone of {server.host}"


def test_what_happened_since_the_server_was_found_counts(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    Instance.objects.filter(pk=server.pk).update(vm_state="stopped")
    assert server.vm_state == "active"
    resize_server(caller_of(Cast.member), server, flavor_ref=rack.large.flavorid)
    assert move_of(server).old_vm_state == "stopped"


def test_a_server_that_does_not_come_up_again_is_in_error(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    source = server.host
    resize(as_member, server, rack.large).expect(202)
    run_jobs()
    revert(as_member, server).expect(202)
    with failing("take_back"):
        run_jobs()
    assert state(server) == ("error", None)
    assert (server.host, server.vcpus, in_use("cores")) == (source, 1, 1)
    assert move_of(server).status == "error"
    assert_books_balance()


@contextlib.contextmanager
def failing(call: str) -> Iterator[None]:
    def fail(*_: Any, **__: Any) -> int:
        raise DriverFailed("The disk is full.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, call, fail)
        yield


# deletion, and states that an admin sets


def assert_all_given_back(server: Instance, status: str) -> None:
    assert state(server) == ("deleted", None)
    assert not Allocation.objects.exists()
    assert (in_use("instances"), in_use("cores"), in_use("ram")) == (0, 0, 0)
    assert move_of(server).status == status
    assert_books_balance()
    assert queued() == []


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([], "error"),
        ([run_jobs], "confirmed"),
        ([run_jobs, confirm], "confirmed"),
        ([run_jobs, revert], "error"),
    ],
)
def test_deleting_gives_everything_back(
    as_member: ApiClient, rack: Rack, steps: list[Any], status: str
) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    for step in steps:
        step() if step is run_jobs else step(as_member, server)
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert_all_given_back(server, status)


@pytest.mark.parametrize(
    ("call", "finish", "status"),
    [
        ("send", None, "error"),
        ("receive", None, "error"),
        ("drop", confirm, "confirmed"),
        ("take_back", revert, "error"),
    ],
)
def test_deleting_while_a_host_works_gives_everything_back(
    as_member: ApiClient, rack: Rack, call: str, finish: Any, status: str
) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    if finish is not None:
        run_jobs()
        finish(as_member, server)

    def delete(*_: Any, **__: Any) -> int:
        if Instance.objects.get().task_state != "deleting":
            as_member.delete(f"/servers/{server.uuid}").expect(204)
        return 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, call, delete)
        run_jobs()
    assert_all_given_back(server, status)


@pytest.mark.parametrize("jobs_run", [False, True])
@pytest.mark.parametrize("said", ["active", "error"])
def test_a_state_that_an_admin_sets_ends_the_move(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack, jobs_run: bool, said: str
) -> None:
    server = rack.server(as_member)
    resize(as_member, server, rack.large).expect(202)
    if jobs_run:
        run_jobs()
    act(as_admin, server, **{"os-resetState": {"state": said}}).expect(202)
    run_jobs()
    assert state(server) == (said, None)
    assert move_of(server).status == "error"
    assert server.vcpus == (4 if jobs_run else 1)
    assert in_use("cores") == server.vcpus
    assert [leaving for _, leaving in nodes_of(server)] == [False]
    assert_books_balance()
