"""What operators do with servers in the admin: the same as the API does, with a record."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from compute_site.secrets.sealing import seal, unseal
from servers.actions.console import read_console
from servers.lifecycle.jobs import DeleteServer
from servers.models import (
    BlockDevice,
    BuildRequest,
    Cell,
    ComputeNode,
    ConsoleToken,
    Instance,
    InstanceAction,
    KeptRequest,
    ServerFault,
    Tag,
)
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image, make_instance, make_order
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs
from tests.world.reservations import make_reservation, usage_of
from tests.world.staff import operator, staff

LIST = reverse("admin:servers_instance_changelist")
ALL = [
    *("retry", "start", "stop", "reboot", "lock", "unlock", "migrate", "live_migrate"),
    *("confirm_resize", "revert_resize", "restore", "resize", "rebuild", "rescue", "unrescue"),
    *("shelve", "unshelve", "set_active", "set_error", "delete_servers"),
]


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def url_of(operation: str, *servers: Instance) -> str:
    keys = "&".join(f"key={server.pk}" for server in servers)
    return f"{reverse('admin:servers_instance_operation', args=[operation])}?{keys}"


def operate(client: Client, operation: str, *servers: Instance, **values: str) -> list[str]:
    """Press the button and confirm; what the operator is told."""
    url = url_of(operation, *servers)
    assert client.get(url).status_code == 200
    response = client.post(url, values)
    assert response.status_code == 302, response.content.decode()
    return [str(message) for message in get_messages(response.wsgi_request)]


def fresh(server: Instance) -> Instance:
    return Instance.objects.get(pk=server.pk)


def log_of(server: Instance) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(server.pk)).order_by("pk")
    return [entry.get_change_message() for entry in entries]


def buttons(client: Client, server: Instance) -> list[str]:
    context = client.get(reverse("admin:servers_instance_change", args=[server.pk])).context
    return [operation.name for operation in context["operations"]]


def bury_one(**values: Any) -> Instance:
    """A server for which there was no host."""
    (server,) = make_reservation(**values)
    run_jobs()
    assert fresh(server).vm_state == "error"
    return server


def test_a_server_on_a_host_is_deleted_by_the_host(admin_site: Client, cast: Cast) -> None:
    node = make_host()
    (server,) = make_reservation()
    run_jobs()
    assert operate(admin_site, "delete_servers", server) == ["Delete: server-0."]
    assert fresh(server).task_state == "deleting"
    assert queued(DeleteServer.task_name) == [{"server_id": str(server.uuid)}]
    run_jobs()
    assert fresh(server).vm_state == "deleted"
    assert usage_of() == {}
    assert ComputeNode.objects.get(pk=node.pk).vcpus_used == 0
    action = InstanceAction.objects.get(instance=server, action="delete")
    entry = LogEntry.objects.get(object_id=str(server.pk))
    assert action.user_id == entry.user_id != cast.member.user_id
    assert log_of(server) == ["Delete: asked for in the admin."]


def test_an_order_is_deleted_before_anybody_builds_it(admin_site: Client) -> None:
    (server,) = make_reservation()
    operate(admin_site, "delete_servers", server)
    assert fresh(server).vm_state == "deleted"
    assert not BuildRequest.objects.exists()
    assert usage_of() == {}


def test_a_lock_does_not_stop_an_operator(admin_site: Client) -> None:
    server = make_instance(locked=True, vm_state="error", host=None)
    operate(admin_site, "delete_servers", server)
    assert fresh(server).vm_state == "deleted"


def test_the_state_is_set_with_a_record(admin_site: Client) -> None:
    server = make_instance(vm_state="active", task_state="rebooting")
    operate(admin_site, "set_error", server)
    assert (fresh(server).vm_state, fresh(server).task_state) == ("error", None)
    operate(admin_site, "set_active", server)
    assert (fresh(server).vm_state, fresh(server).task_state) == ("active", None)
    actions = InstanceAction.objects.filter(instance=server).values_list("action", flat=True)
    assert list(actions) == ["resetState", "resetState"]
    assert log_of(server) == [
        "Set error: asked for in the admin.",
        "Set active: asked for in the admin.",
    ]


def test_what_refuses_is_told_and_does_not_stop_the_others(admin_site: Client) -> None:
    homeless = make_instance(vm_state="error", host=None, node=None, display_name="homeless")
    other = make_instance(vm_state="error", display_name="other")
    told = operate(admin_site, "set_active", homeless, other)
    assert told[0] == "Set active: other."
    assert told[1].startswith("homeless: ")
    assert fresh(homeless).vm_state == "error"
    assert fresh(other).vm_state == "active"
    assert log_of(homeless) == []


def test_a_build_is_tried_again_with_all_that_was_asked(admin_site: Client) -> None:
    server = bury_one(
        password="top-secret", files=[{"path": "/etc/motd", "contents": "aGk="}], tags=["blue"]
    )
    used = usage_of()
    make_host()
    assert operate(admin_site, "retry", server) == ["Retry build: server-0."]
    waiting = fresh(server)
    assert (waiting.vm_state, waiting.task_state) == ("building", "scheduling")
    assert waiting.mapping.cell is None
    order = BuildRequest.objects.get(instance=server)
    assert unseal(order.admin_password) == "top-secret"
    assert order.injected_files == [{"path": "/etc/motd", "contents": "aGk="}]
    assert order.requested_networks == "none"
    run_jobs()
    built = fresh(server)
    assert (built.vm_state, built.task_state, built.host) == ("active", None, "host1")
    assert built.mapping.cell == Cell.objects.get(name="cell1")
    assert BlockDevice.objects.filter(instance=server).count() == 1
    assert list(Tag.objects.filter(instance=server).values_list("tag", flat=True)) == ["blue"]
    assert usage_of() == used
    assert not KeptRequest.objects.exists()
    actions = InstanceAction.objects.filter(instance=server).order_by("pk")
    assert [action.action for action in actions] == ["create", "retryBuild", "create"]
    assert actions[1].request_id == actions[2].request_id


def test_a_build_that_fails_again_can_be_tried_again(admin_site: Client) -> None:
    server = bury_one()
    for _ in range(2):
        operate(admin_site, "retry", server)
        run_jobs()
        assert fresh(server).vm_state == "error"
    assert ServerFault.objects.filter(instance=server).count() == 3
    assert buttons(admin_site, server) == ["retry", "lock", "delete_servers"]


def test_only_the_chosen_server_of_a_reservation_is_tried_again(admin_site: Client) -> None:
    servers = make_reservation(count=2)
    run_jobs()
    make_host()
    operate(admin_site, "retry", servers[1])
    run_jobs()
    assert [fresh(server).vm_state for server in servers] == ["error", "active"]


def test_a_deleted_server_leaves_no_order_behind(admin_site: Client) -> None:
    server = bury_one(password="top-secret")
    assert KeptRequest.objects.get().order["admin_password"] != "top-secret"
    operate(admin_site, "delete_servers", server)
    assert not KeptRequest.objects.exists()
    assert usage_of() == {}


def test_a_server_that_was_on_a_host_is_not_tried_again(admin_site: Client) -> None:
    server = make_instance(vm_state="error", host=None, node=None)
    assert buttons(admin_site, server) == ["lock", "delete_servers"]
    page = admin_site.get(reverse("admin:servers_instance_change", args=[server.pk]))
    assert "cannot be tried again" in page.content.decode()
    (told,) = operate(admin_site, "retry", server)
    assert "cannot be tried again" in told
    assert fresh(server).vm_state == "error"
    assert not BuildRequest.objects.exists()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {},
            [
                *("stop", "reboot", "lock", "migrate", "live_migrate"),
                *("resize", "rebuild", "rescue", "shelve", "set_error", "delete_servers"),
            ],
        ),
        (
            {"vm_state": "stopped"},
            [
                *("start", "reboot", "lock", "migrate", "resize", "rebuild", "rescue", "shelve"),
                *ALL[-3:],
            ],
        ),
        (
            {"vm_state": "error"},
            ["stop", "reboot", "lock", "rebuild", "rescue", "set_active", "delete_servers"],
        ),
        ({"task_state": "rebooting"}, ["reboot", "lock", *ALL[-3:]]),
        ({"vm_state": "resized"}, ["lock", "confirm_resize", "revert_resize", *ALL[-3:]]),
        ({"vm_state": "soft-delete"}, ["lock", "restore", *ALL[-3:]]),
        ({"vm_state": "rescued"}, ["lock", "unrescue", *ALL[-3:]]),
        ({"vm_state": "shelved", "locked": True}, ["unlock", "unshelve", *ALL[-3:]]),
        (
            {"vm_state": "shelved_offloaded", "host": None},
            ["lock", "unshelve", "set_error", "delete_servers"],
        ),
    ],
)
def test_the_buttons_fit_the_state(
    admin_site: Client, values: dict[str, Any], expected: list[str]
) -> None:
    assert buttons(admin_site, make_instance(**values)) == expected


def test_an_order_can_only_be_deleted(admin_site: Client) -> None:
    assert buttons(admin_site, make_order().instance) == ["delete_servers"]


def make_server() -> Instance:
    """A server that runs on host1."""
    make_host("host1")
    (server,) = make_reservation()
    run_jobs()
    return fresh(server)


def test_a_server_is_stopped_started_and_rebooted(admin_site: Client) -> None:
    server = make_server()
    for operation, values, task, state in (
        ("stop", {}, "powering-off", "stopped"),
        ("start", {}, "powering-on", "active"),
        ("reboot", {"kind": "soft"}, "rebooting", "active"),
        ("reboot", {"kind": "hard"}, "rebooting_hard", "active"),
    ):
        operate(admin_site, operation, server, **values)
        assert fresh(server).task_state == task
        run_jobs()
        assert (fresh(server).vm_state, fresh(server).task_state) == (state, None)
    actions = InstanceAction.objects.filter(instance=server).order_by("pk")
    assert [action.action for action in actions][1:] == ["stop", "start", "reboot", "reboot"]
    assert len({action.user_id for action in actions[1:]}) == 1
    assert len(log_of(server)) == 4


def test_a_reboot_is_soft_or_hard_and_nothing_else(admin_site: Client) -> None:
    server = make_server()
    answer = admin_site.post(url_of("reboot", server), {"kind": "brutal"})
    assert "kind" in answer.context["form"].errors
    assert fresh(server).task_state is None


def test_the_lock_of_an_operator_is_an_admins(admin_site: Client, as_member: ApiClient) -> None:
    server = make_server()
    operate(admin_site, "lock", server, reason="audit")
    locked = fresh(server)
    assert (locked.locked, locked.locked_by, locked.locked_reason) == (True, "admin", "audit")
    as_member.post(f"/servers/{server.uuid}/action", {"unlock": None}).expect(403)
    operate(admin_site, "unlock", server)
    assert not fresh(server).locked


def test_a_server_is_migrated_and_the_move_confirmed_or_reverted(admin_site: Client) -> None:
    server = make_server()
    make_host("host2")
    for operation, end in (("revert_resize", "host1"), ("confirm_resize", "host2")):
        operate(admin_site, "migrate", server, host="host2")
        run_jobs()
        assert (fresh(server).vm_state, fresh(server).host) == ("resized", "host2")
        operate(admin_site, operation, server)
        run_jobs()
        assert (fresh(server).vm_state, fresh(server).host) == ("active", end)


def test_a_server_is_migrated_while_it_runs(admin_site: Client) -> None:
    server = make_server()
    make_host("host2")
    (told,) = operate(admin_site, "live_migrate", server, host="nowhere")
    assert "There is no host nowhere" in told
    operate(admin_site, "live_migrate", server, host="")
    run_jobs()
    assert (fresh(server).vm_state, fresh(server).host) == ("active", "host2")


def test_a_server_gets_another_flavor_by_its_name(admin_site: Client) -> None:
    server = make_server()
    make_host("host2")
    flavor = make_flavor(name="m1.larger", vcpus=2)
    (told,) = operate(admin_site, "resize", server, flavor="nosuch")
    assert "nosuch" in told
    operate(admin_site, "resize", server, flavor="m1.larger")
    run_jobs()
    assert (fresh(server).vm_state, fresh(server).flavor_record_id) == ("resized", flavor.pk)


def test_a_server_is_rebuilt_from_an_image(admin_site: Client) -> None:
    server = make_server()
    (told,) = operate(admin_site, "rebuild", server, image="")
    assert "There is no image" in told  # it was made of none
    image = make_image(name="another")
    for word in ("another", ""):  # and then of the same again
        operate(admin_site, "rebuild", server, image=word)
        assert fresh(server).task_state == "rebuilding"
        run_jobs()
        assert (fresh(server).vm_state, str(fresh(server).image_ref)) == ("active", str(image.pk))


def test_an_image_of_an_operation_is_named_without_doubt(admin_site: Client) -> None:
    server = make_server()
    make_image(name="twin")
    make_image(name="twin")
    for word, told in (("twin", "Several bear the name"), ("nosuch", "There is no image nosuch.")):
        answer = admin_site.post(url_of("rescue", server), {"image": word})
        assert told in str(answer.context["form"].errors["image"])
    (told,) = operate(admin_site, "rescue", server, image="4a5c0e58-6f0b-4a9e-9d0e-0c5a51b1cfff")
    assert "4a5c0e58-6f0b-4a9e-9d0e-0c5a51b1cfff" in told
    assert fresh(server).task_state is None


def test_a_server_is_rescued_shelved_and_brought_back(admin_site: Client) -> None:
    server = make_server()
    for operation, state in (
        ("rescue", "rescued"),
        ("unrescue", "active"),
        ("shelve", "shelved_offloaded"),
        ("unshelve", "active"),
    ):
        operate(admin_site, operation, server)
        run_jobs()
        assert (fresh(server).vm_state, fresh(server).task_state) == (state, None)
    assert len(log_of(server)) == 4


def test_a_deleted_server_is_restored(admin_site: Client, settings: Any) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, reclaim_instance_interval=3600)
    server = make_server()
    operate(admin_site, "delete_servers", server)
    run_jobs()
    assert fresh(server).vm_state == "soft-delete"
    operate(admin_site, "restore", server)
    run_jobs()
    assert fresh(server).vm_state == "active"


def test_the_console_log_is_read_by_who_may_change_servers(admin_site: Client, cast: Cast) -> None:
    server = make_server()
    url = reverse("admin:servers_instance_console_log", args=[server.pk])
    output = read_console(server, None)
    assert output
    assert output.split("\n")[0] in html.unescape(admin_site.get(url).content.decode())
    assert staff("servers.view_instance").get(url).status_code == 403
    homeless = make_instance(vm_state="error", host=None, node=None)
    url = reverse("admin:servers_instance_console_log", args=[homeless.pk])
    assert "runs on no host" in admin_site.get(url).content.decode()
    url = reverse("admin:servers_instance_console_log", args=[10**9])
    assert admin_site.get(url).status_code == 404


def test_a_console_is_opened_with_a_record(admin_site: Client, cast: Cast) -> None:
    server = make_server()
    url = reverse("admin:servers_instance_console", args=[server.pk])
    assert "Open novnc" in admin_site.get(url).content.decode()
    assert not ConsoleToken.objects.exists()
    page = admin_site.post(url, {"kind": "novnc"})
    assert page.context["url"].startswith("http://127.0.0.1:6080/vnc_auto.html")
    assert ConsoleToken.objects.get().instance == server
    assert log_of(server) == ["Console opened: novnc."]
    refused = admin_site.post(url, {"kind": "telepathy"})
    assert refused.context["refusal"]
    assert staff("servers.view_instance").post(url, {"kind": "novnc"}).status_code == 403
    assert ConsoleToken.objects.count() == 1


def test_ticked_servers_lead_to_the_page_that_asks(admin_site: Client) -> None:
    servers = [make_instance(vm_state="error") for _ in range(3)]
    ticked = {"action": "set_active", "_selected_action": [str(s.pk) for s in servers[:2]]}
    response = admin_site.post(LIST, ticked)
    assert response.status_code == 302
    assert [fresh(server).vm_state for server in servers] == ["error"] * 3
    assert admin_site.post(response.url).url == LIST
    assert [fresh(server).vm_state for server in servers] == ["active", "active", "error"]


def test_the_page_of_djangos_deletion_leads_to_ours(admin_site: Client) -> None:
    server = make_instance()
    url = reverse("admin:servers_instance_delete", args=[server.pk])
    for response in (admin_site.get(url), admin_site.post(url, {"post": "yes"})):
        assert response.url == url_of("delete_servers", server)
    assert fresh(server).vm_state == "active"


@pytest.mark.parametrize("key", ["", "word", "9" * 24, "9" * 5000])
def test_nothing_happens_to_nobody(admin_site: Client, key: str) -> None:
    url = reverse("admin:servers_instance_operation", args=["set_error"]) + f"?key={key}"
    assert "No server was chosen" in admin_site.get(url).content.decode()
    assert admin_site.post(url).status_code == 302


def test_there_is_no_page_of_a_server_with_a_number_beyond_all_keys(admin_site: Client) -> None:
    url = reverse("admin:servers_instance_change", args=["9" * 5000])
    assert admin_site.get(url).status_code in (302, 404)


def test_there_is_no_other_operation(admin_site: Client) -> None:
    url = reverse("admin:servers_instance_operation", args=["explode"])
    assert admin_site.post(url).status_code == 404


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (["servers.view_instance"], []),
        (["servers.view_instance", "servers.change_instance"], ALL[:-1]),
        (["servers.view_instance", "servers.delete_instance"], ALL[-1:]),
    ],
)
def test_rights_decide_what_an_operator_may_do(
    cast: Cast, permissions: list[str], allowed: list[str]
) -> None:
    client = staff(*permissions)
    server = make_instance(task_state="rebooting")
    fit = ("reboot", "lock", "set_active", "set_error", "delete_servers")
    assert buttons(client, server) == [name for name in fit if name in allowed]
    form = client.get(LIST).context["action_form"]
    offered = [name for name, _ in form.fields["action"].choices if name] if form else []
    assert offered == allowed
    for name in ALL:
        if name not in allowed:
            assert client.get(url_of(name, server)).status_code == 403
            assert client.post(url_of(name, server)).status_code == 403
    assert (fresh(server).vm_state, fresh(server).task_state) == ("active", "rebooting")
    assert not LogEntry.objects.exists()


def test_a_form_of_another_site_does_nothing(cast: Cast) -> None:
    server = make_instance()
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.admin.user)
    assert client.post(url_of("delete_servers", server)).status_code == 403
    assert fresh(server).vm_state == "active"


def test_seals_are_kept_as_they_are(admin_site: Client) -> None:
    """The password is not unsealed to be kept: its text stays the same."""
    (server,) = make_reservation()
    sealed = seal("top-secret")
    BuildRequest.objects.update(admin_password=sealed)
    run_jobs()
    assert KeptRequest.objects.get(instance=server).order["admin_password"] == sealed
