"""The list of servers in the admin, and the page of one server."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.secrets.sealing import seal
from servers.lifecycle.jobs import BuildServer, Evacuated, Owner, PlaceMove
from servers.models import (
    BlockDevice,
    HardwareClaim,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    InstanceMapping,
    Migration,
    RequestSpec,
    ServerFault,
    ServerGroup,
    ServerGroupMember,
    Tag,
)
from servers.models.cell import Cell
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_order,
    make_project,
)
from tests.world.hosts import hold, make_host
from tests.world.reservations import make_reservation
from tests.world.staff import operator, staff

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]
LIST = reverse("admin:servers_instance_changelist")
CARD = {
    "port_id": "b9f2c1de-0000-4000-8000-000000000001",
    "network_id": "b9f2c1de-0000-4000-8000-000000000002",
    "label": "private",
    "mac": "fa:16:3e:00:00:01",
    "addresses": [["10.0.0.5", 4], ["fd00::5", 6]],
    "security_groups": ["default"],
    "tag": "front",
}


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def names(client: Client, query: str = "") -> list[str]:
    return sorted(listed(client, query))


def listed(client: Client, query: str) -> list[str]:
    response = client.get(LIST + query)
    assert response.status_code == 200, response
    return [server.display_name for server in response.context["cl"].result_list]


def page_url(server: Instance) -> str:
    return reverse("admin:servers_instance_change", args=[server.pk])


def show(client: Client, server: Instance) -> str:
    response = client.get(page_url(server))
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_the_list_shows_where_servers_are_and_how_they_are(admin_site: Client) -> None:
    flavor = make_flavor(name="m1.huge")
    make_instance(
        display_name="web",
        host="rack1",
        availability_zone="zone-a",
        flavor_record=flavor,
        network_info=[CARD],
        task_state="rebooting",
    )
    page = admin_site.get(LIST).content.decode()
    for expected in ("web", "REBOOT", "rebooting", "rack1", "zone-a", "m1.huge", "alpha"):
        assert expected in page
    assert "10.0.0.5, fd00::5" in page


def test_the_newest_server_stands_first(admin_site: Client) -> None:
    now = timezone.now()
    for days in (1, 3, 2):
        created = now - dt.timedelta(days=days)
        make_instance(display_name=f"{days} days", created_at=created)
    rows = admin_site.get(LIST).context["cl"].result_list
    assert [server.display_name for server in rows] == ["1 days", "2 days", "3 days"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("server", ["a", "b", "c"]),
        ("status", ["b", "a", "c"]),
        ("project", ["c", "a", "b"]),
        ("host", ["b", "c", "a"]),
        ("age", ["c", "b", "a"]),
    ],
)
def test_the_list_is_sorted_by_what_operators_look_for(
    admin_site: Client, column: str, expected: list[str]
) -> None:
    first, second = make_project(name="anton"), make_project(name="berta")
    make_instance(display_name="c", vm_state="error", host="h2", project_id=first.pk)
    make_instance(display_name="b", vm_state="active", host="h1", project_id=second.pk)
    make_instance(display_name="a", vm_state="building", host="h3", project_id=first.pk)
    page = admin_site.get(LIST).content.decode()
    (head,) = re.findall(rf"<th[^>]*column-{column}\b.*?</th>", page, re.DOTALL)
    (link,) = re.findall(r'<div class="text"><a href="([^"]+)"', head)
    query = html.unescape(link)
    found, backwards = listed(admin_site, query), listed(admin_site, query.replace("=", "=-"))
    if column == "project":  # of the two in one project either may stand first
        assert sorted(found[:2]) == ["a", "c"] == sorted(backwards[1:])
    else:
        assert found == expected
        assert backwards == expected[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["busy", "web"]),
        ("?deleted=yes", ["gone"]),
        ("?deleted=all", ["busy", "gone", "web"]),
        ("?vm_state__exact=error", ["busy"]),
        ("?task=any", ["busy"]),
        ("?task=none", ["web"]),
        ("?task=deleting", ["busy"]),
        ("?project=beta", ["busy"]),
        (f"?project={BETA}", ["busy"]),
        ("?project=nobody", []),
        ("?user=alpha-second", ["busy"]),
        ("?host=rack2", ["busy"]),
        ("?zone=zone-b", ["busy"]),
        ("?flavor=big", ["busy"]),
        ("?flavor=flavor-big", ["busy"]),
        ("?host=rack2&task=none", []),
    ],
)
def test_filters_narrow_the_list(
    admin_site: Client, cast: Cast, query: str, found: list[str]
) -> None:
    make_instance(display_name="web", host="rack1", availability_zone="zone-a")
    make_instance(display_name="gone", vm_state="deleted", deleted_at=timezone.now())
    make_instance(
        display_name="busy",
        vm_state="error",
        task_state="deleting",
        project_id=BETA,
        user_id=cast.second_member.user_id,
        host="rack2",
        availability_zone="zone-b",
        flavor_record=make_flavor(name="big", flavorid="flavor-big"),
    )
    assert names(admin_site, query) == found


def test_a_typed_filter_keeps_the_others(admin_site: Client) -> None:
    page = admin_site.get(f"{LIST}?vm_state__exact=error&host=rack2&q=web").content.decode()
    form = page.partition('name="zone"')[0].rpartition("<form")[2]
    for name, value in (("vm_state__exact", "error"), ("host", "rack2"), ("q", "web")):
        assert f'name="{name}" value="{value}"' in form


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("front", ["web-front"]),
        ("WEB", ["web-back", "web-front"]),
        ("10.0.0.5", ["web-front"]),
        ("fd00:0::5", ["web-front"]),
        ("192.0.2.7", ["web-back"]),
        ("10.0.0.6", []),
        ("5f5a0000-0000-4000-8000-000000000001", ["web-back"]),
        ("5f5a0000-0000-4000-8000-000000000009", []),
        ("%", []),
    ],
)
def test_search_finds_by_id_name_and_address(
    admin_site: Client, word: str, found: list[str]
) -> None:
    make_instance(display_name="web-front", network_info=[CARD])
    make_instance(
        display_name="web-back",
        uuid="5f5a0000-0000-4000-8000-000000000001",
        access_ip_v4="192.0.2.7",
    )
    response = admin_site.get(LIST, {"q": word})
    assert sorted(server.display_name for server in response.context["cl"].result_list) == found


def test_the_list_costs_the_same_for_1_and_200_servers(
    admin_site: Client, statements: Statements
) -> None:
    make_instance(host="rack1")
    admin_site.get(LIST)  # content types are read once a process
    with statements() as few:
        admin_site.get(LIST)
    for _ in range(199):
        make_instance(host="rack1", network_info=[CARD])
    with statements() as many:
        admin_site.get(LIST)
    assert len(few) == len(many)
    counts = [entry["sql"] for entry in many.captured_queries if "COUNT(" in entry["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts), "a count reads no more than it must"


def test_the_newest_servers_are_read_by_the_index_of_all_projects(
    admin_site: Client, statements: Callable[[], AbstractContextManager[CaptureQueriesContext]]
) -> None:
    """Its condition has to stand in the statement; those of one project have an index of their
    own.
    """
    for query, has_it in (("", True), ("?project=alpha", False)):
        with statements() as seen:
            admin_site.get(LIST + query)
        lists = [one["sql"] for one in seen if 'BY "servers_instance"."created_at"' in one["sql"]]
        assert ['"servers_instance"."id" > 0' in sql for sql in lists] == [has_it]


def make_whole_server(cast: Cast) -> Instance:
    """A server with a row of everything that can be said of one on a host."""
    node = make_host("rack1")
    image = make_image(name="debian")
    server = make_instance(
        display_name="web",
        host="rack1",
        node="rack1",
        image_ref=str(image.pk),
        network_info=[CARD],
        metadata={"role": "front"},
        key_name="laptop",
        locked=True,
        locked_by="admin",
        locked_reason="audit",
    )
    group = ServerGroup.objects.create(
        name="apart", policy="anti-affinity", project_id=ALPHA, user_id=cast.member.user_id
    )
    ServerGroupMember.objects.create(group=group, instance=server)
    RequestSpec.objects.create(
        instance=server,
        flavor=server.flavor,
        image={"name": "debian"},
        instance_group=group,
        scheduler_hints={"different_host": ["somewhere"]},
    )
    InstanceMapping.objects.create(
        instance=server,
        cell=Cell.objects.get(name="cell1"),
        project_id=ALPHA,
        user_id=cast.member.user_id,
    )
    BlockDevice.objects.create(
        instance=server,
        device_name="/dev/vdz",
        source_type="volume",
        destination_type="volume",
        volume_id="b9f2c1de-0000-4000-8000-000000000003",
        volume_size=7,
    )
    Tag.objects.create(instance=server, tag="blue")
    hold(server, node)
    Migration.objects.create(
        instance=server,
        migration_type="resize",
        status="confirmed",
        source_compute="left-behind",
        old_flavor=server.flavor,
        new_flavor=server.flavor | {"name": "m1.grown"},
    )
    make_history(server, cast)
    return server


def make_history(server: Instance, cast: Cast) -> None:
    ServerFault.objects.create(instance=server, message="The disk is gone.", details="a trace")
    action = InstanceAction.objects.create(
        instance=server,
        action="reboot",
        request_id="req-1",
        user_id=cast.member.user_id,
        project_id=ALPHA,
    )
    InstanceActionEvent.objects.create(
        action=action, event="compute_reboot_instance", result="Error", details="no answer"
    )


def test_a_page_shows_everything_of_a_server_with_links(admin_site: Client, cast: Cast) -> None:
    server = make_whole_server(cast)
    page = show(admin_site, server)
    for expected in (
        *(str(server.uuid), "ACTIVE", "laptop", "by admin: audit", "cell1", "apart", "debian"),
        *("different_host", "/dev/vdz", "7 GiB", "blue", "role", "front", "fa:16:3e:00:00:01"),
        *("The disk is gone.", "a trace", "reboot", "compute_reboot_instance", "no answer"),
        *("alpha-member", "512 MiB", "left-behind", "→ m1.grown"),
    ):
        assert expected in page, expected
    for model, key in (
        ("identity_project", ALPHA),
        ("identity_user", cast.member.user_id),
        ("flavors_flavor", server.flavor_record_id),
        ("image_image", server.image_ref),
        ("network_port", CARD["port_id"]),
        ("network_network", CARD["network_id"]),
        ("volume_volume", "b9f2c1de-0000-4000-8000-000000000003"),
        ("servers_servergroup", server.group_membership.group_id),
        ("servers_requestspec", server.request_spec.pk),
    ):
        assert reverse(f"admin:{model}_change", args=[key]) in page, model
    assert reverse("admin:servers_computenode_change", args=["rack1"]) in page


def test_the_page_of_an_order_shows_it_but_never_the_password(admin_site: Client) -> None:
    sealed = seal("top-secret")
    order = make_order(tags=["blue"])
    order.admin_password = sealed
    order.injected_files = [{"path": "/etc/motd", "contents": "c2VjcmV0LWZpbGU="}]
    order.requested_networks = [{"network_id": "wanted-network", "fixed_ip": None}]
    order.save()
    own = reverse("admin:servers_buildrequest_change", args=[order.pk])
    for page in (show(admin_site, order.instance), admin_site.get(own).content.decode()):
        for expected in ("/etc/motd", "wanted-network", "blue"):
            assert expected in page
        for hidden in (sealed, "top-secret", "c2VjcmV0LWZpbGU="):
            assert hidden not in page


def test_the_page_shows_the_jobs_about_the_server(admin_site: Client) -> None:
    (server,) = make_reservation(password="top-secret")
    page = show(admin_site, server)
    assert "servers.schedule_and_build" in page
    assert "top-secret" not in page


def test_jobs_hide_what_is_sealed_in_them(admin_site: Client) -> None:
    then = Evacuated(stopped=True, sealed_password="sealed-text")
    PlaceMove(server_id="some-server", move=1, then=then).defer()
    owner = Owner(user_id="u", user_name="u", project_id="p", project_name="p")
    BuildServer(
        server_id="another-server",
        node_id=1,
        owner=owner,
        files=({"path": "/etc/secret", "contents": ""},),
        sealed_password="sealed-text",
    ).defer()
    key, other = ProcrastinateJob.objects.order_by("pk").values_list("pk", flat=True)
    for job in (key, other):
        url = reverse("admin:procrastinate_procrastinatejob_change", args=[job])
        page = admin_site.get(url).content.decode()
        assert ("some-server" if job == key else "another-server") in page
        assert "hidden" in page
        assert "sealed-text" not in page
        assert "/etc/secret" not in page
    listed = admin_site.get(
        reverse("admin:procrastinate_procrastinatejob_changelist"), {"q": "some-server"}
    )
    assert [row.pk for row in listed.context["cl"].result_list] == [key]
    assert "sealed-text" not in listed.content.decode()


def test_values_of_users_are_escaped(admin_site: Client) -> None:
    bad = "<script>alert(1)</script>"
    server = make_instance(display_name=bad, metadata={bad: [bad]}, availability_zone=bad)
    ServerFault.objects.create(instance=server, message=bad, details=bad)
    for url in (page_url(server), LIST, reverse("admin:index")):
        assert bad not in admin_site.get(url).content.decode()


def test_the_page_costs_the_same_with_much_history(
    admin_site: Client, cast: Cast, statements: Statements
) -> None:
    server = make_whole_server(cast)
    admin_site.get(page_url(server))
    with statements() as few:
        show(admin_site, server)
    for number in range(200):
        make_history(server, cast)
        Tag.objects.create(instance=server, tag=f"tag-{number}")
    with statements() as many:
        show(admin_site, server)
    assert len(few) == len(many)


@pytest.mark.parametrize("key", ["0", "999999999", "99999999999999999999999", "word", "-1"])
def test_no_such_server_has_no_page(admin_site: Client, key: str) -> None:
    url = reverse("admin:servers_instance_change", args=[key])
    assert admin_site.get(url).status_code == 404


def test_who_may_see_servers_only_sees_nothing_else(cast: Cast) -> None:
    server = make_whole_server(cast)
    client = staff("servers.view_instance")
    page = show(client, server)
    assert str(server.uuid) in page
    for hidden in ("The disk is gone.", "different_host", "compute_reboot_instance", "/dev/vdz"):
        assert hidden not in page
    for link in (reverse("admin:identity_project_change", args=[ALPHA]), "/admin/flavors/"):
        assert link not in page
    assert "Delete" not in page
    assert "Set error" not in page
    assert "The disk is gone." in show(
        staff("servers.view_instance", "servers.view_serverfault"), server
    )


def test_who_may_not_see_servers_sees_none(cast: Cast) -> None:
    server = make_instance()
    client = staff("flavors.view_flavor")
    assert client.get(LIST).status_code == 403
    assert client.get(page_url(server)).status_code == 403


def test_servers_cannot_be_added_or_edited(admin_site: Client) -> None:
    server = make_instance(display_name="web")
    assert admin_site.get("/admin/servers/instance/add/").status_code == 403
    admin_site.post(page_url(server), {"display_name": "other", "vm_state": "error"})
    server.refresh_from_db()
    assert (server.display_name, server.vm_state) == ("web", "active")


def test_a_rule_is_granted_on_one_server(admin_site: Client, cast: Cast) -> None:
    server = make_instance()
    rules = reverse("admin:servers_instance_permissions", args=[server.pk])
    assert rules in show(admin_site, server)
    assert admin_site.get(rules).status_code == 200
    one_user = reverse(
        "admin:servers_instance_permissions_manage_user", args=[server.pk, cast.outsider.user_id]
    )
    show_rule = "os_compute_api:servers:show"
    assert show_rule in admin_site.get(one_user).content.decode()
    admin_site.post(one_user, {"permissions": [show_rule], "submit": "Save"})
    assert cast.outsider.user.has_perm(f"servers.{show_rule}", server)


def test_the_page_shows_cpus_and_devices_of_the_host(admin_site: Client) -> None:
    node = make_host("host1")
    server = make_instance(host="host1", node="host1")
    hold(server, node)
    placement = {
        "cells": [{"host_cell": 1, "pinning": {"0": 17}}],
        "devices": [{"name": "card", "addresses": ["0000:3b:00.1"]}],
        "emulator_policy": None,
    }
    HardwareClaim.objects.create(consumer=server.consumers.get(), node=node, placement=placement)
    page = admin_site.get(reverse("admin:servers_instance_change", args=[server.pk]))
    text = page.content.decode()
    assert "CPUs, pages and devices" in text
    assert "<th>0</th><td>17</td>" in text
    assert "0000:3b:00.1" in text
