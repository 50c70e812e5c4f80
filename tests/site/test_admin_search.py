"""The one search of the admin, suggestions of filters, and the ways between things."""

from __future__ import annotations

import html
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from compute_site.identity.models import Project
from compute_site.neighbours.network.models import FloatingIp
from servers.models import InstanceAction, Tag
from tests.world.cast import ALPHA, Cast
from tests.world.factories import (
    make_image,
    make_instance,
    make_network,
    make_port,
    make_user,
)
from tests.world.hosts import make_host
from tests.world.staff import operator, staff

Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def found(client: Client, word: str) -> dict[str, list[str]]:
    """The names of what was found, by kind."""
    answer: Any = client.get("/admin/search/", {"q": word})
    assert answer.status_code == 200
    return {
        part["title"]: [row["name"] for row in part["rows"]] for part in answer.context["parts"]
    }


def test_servers_are_found_by_id_name_address_and_tag(admin_site: Client) -> None:
    nic = {"addresses": [["10.9.8.7", 4]]}
    server = make_instance(
        display_name="web-frontend", network_info=[nic], access_ip_v6="2001:db8::7"
    )
    Tag.objects.create(instance=server, tag="blue")
    make_instance()
    for word in ("frontend", str(server.uuid)[:13], "10.9.8.7", "2001:DB8::7", "blue"):
        assert found(admin_site, word) == {"Servers": ["web-frontend"]}, word


def test_a_whole_id_leads_to_its_page(admin_site: Client) -> None:
    server = make_instance()
    answer = admin_site.get("/admin/search/", {"q": str(server.uuid)})
    assert answer.url == reverse("admin:servers_instance_change", args=[server.pk])


def test_other_things_are_found(admin_site: Client, cast: Cast) -> None:
    host, image = make_host("rack7"), make_image(name="debian-13")
    network = make_network(name="backbone")
    subnet = network.subnets.get()
    port = make_port(network, name="uplink")
    port.fixed_ips.create(network=network, subnet=subnet, address="10.0.0.99")
    outside = make_port(network)
    FloatingIp.objects.create(project_id=ALPHA, outside=outside, address="198.51.100.5")
    assert found(admin_site, "rack7") == {"Hosts": [str(host)]}
    assert found(admin_site, str(host.uuid)[:8]) == {"Hosts": [str(host)]}
    assert found(admin_site, "debian") == {"Images": [str(image)]}
    assert found(admin_site, "backbone")["Networks"] == [str(network)]
    assert found(admin_site, subnet.cidr) == {"Subnets": [str(subnet)]}
    assert found(admin_site, "10.0.0.99") == {"Ports": [str(port)]}
    assert found(admin_site, "198.51.100.5")["Floating IPs"] != []
    assert "alpha" in found(admin_site, "alpha")["Projects"]
    assert found(admin_site, cast.member.name)["Users"] == [cast.member.name]
    assert "alpha" in found(admin_site, ALPHA[:6])["Projects"]


def test_a_list_of_many_is_cut_with_a_link_to_all(admin_site: Client) -> None:
    for number in range(12):
        make_instance(display_name=f"many-{number}")
    answer: Any = admin_site.get("/admin/search/", {"q": "many"})
    [part] = answer.context["parts"]
    assert len(part["rows"]) == 10
    assert part["more"] == f"{reverse('admin:servers_instance_changelist')}?q=many"


@pytest.mark.parametrize("word", ["", "\0", "x" * 5000, "10.0.0.0/99", "%", "a" * 32, "ä'\"<b>"])
def test_any_word_can_be_typed(admin_site: Client, word: str) -> None:
    answer = admin_site.get("/admin/search/", {"q": word})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode().replace("<b></b>", "")


def test_who_may_see_hosts_finds_hosts_alone(cast: Cast) -> None:
    make_host("rack7")
    make_instance(display_name="rack7-server")
    client = staff("servers.view_computenode")
    assert list(found(client, "rack7")) == ["Hosts"]
    assert staff().get("/admin/search/").status_code == 403


def test_the_search_costs_the_same_for_few_and_many(
    admin_site: Client, statements: Statements
) -> None:
    costs = []
    for number in (1, 9):
        for index in range(number):
            make_instance(display_name=f"thing-{number}-{index}")
            make_host(f"thing-{number}-{index}")
            make_image(name=f"thing-{number}-{index}")
        admin_site.get("/admin/search/", {"q": "thing"})
        with statements() as seen:
            admin_site.get("/admin/search/", {"q": "thing"})
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_filters_suggest_names(admin_site: Client, cast: Cast) -> None:
    make_host("rack1")
    make_host("rack2")
    assert admin_site.get("/admin/suggest/", {"kind": "host", "q": "RACK"}).json() == {
        "names": ["rack1", "rack2"]
    }
    assert admin_site.get("/admin/suggest/", {"kind": "project", "q": "al"}).json() == {
        "names": ["alpha"]
    }
    for query in ({"kind": "host"}, {"kind": "host", "q": "\0"}):
        assert admin_site.get("/admin/suggest/", query).json() == {"names": []}
    assert admin_site.get("/admin/suggest/", {"kind": "secret", "q": "a"}).status_code == 404
    client = staff("servers.view_computenode")
    assert client.get("/admin/suggest/", {"kind": "user", "q": "a"}).json() == {"names": []}
    page = admin_site.get(reverse("admin:servers_instance_changelist")).content.decode()
    assert 'data-suggest="project"' in page


def test_rows_are_found_by_uuid_in_urls(admin_site: Client) -> None:
    node, server = make_host("rack1"), make_instance(display_name="web")
    for key in (server.uuid, server.pk):
        page = admin_site.get(f"/admin/servers/instance/{key}/change/")
        assert "web" in page.content.decode()
    for key in (node.uuid, node.pk, "rack1"):
        assert admin_site.get(f"/admin/servers/computenode/{key}/change/").status_code == 200
    service = f"/admin/servers/service/{node.service.uuid}/change/"
    assert admin_site.get(service).status_code == 200
    gone = "00000000-0000-4000-8000-000000000000"
    for model in ("instance", "computenode", "service"):
        assert admin_site.get(f"/admin/servers/{model}/{gone}/change/").status_code in (302, 404)


def test_things_lead_to_their_servers(admin_site: Client, cast: Cast) -> None:
    network, image = make_network(), make_image()
    nic = {"network_id": str(network.pk), "addresses": []}
    server = make_instance(network_info=[nic], image_ref=str(image.pk), display_name="web")
    make_instance(user_id=make_user().pk, project_id=cast.beta.pk)
    for row in (network, image, server.flavor_record, cast.alpha, cast.member.user):
        meta = row._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
        page: Any = admin_site.get(url)
        assert html.escape(page.context["servers_url"]) in page.content.decode()
        listed: Any = admin_site.get(page.context["servers_url"])
        assert [s.pk for s in listed.context["cl"].result_list] == [server.pk], meta.label


def test_who_may_not_see_servers_gets_no_such_link(cast: Cast) -> None:
    url = reverse("admin:identity_project_change", args=[ALPHA])
    assert "servers_url" not in staff("identity.view_project").get(url).context


@pytest.mark.parametrize("word", ["no-such-network", "\0", "00000000-0000-4000-8000-000000000000"])
def test_a_network_that_is_not_there_has_no_servers(admin_site: Client, word: str) -> None:
    make_instance()
    url = reverse("admin:servers_instance_changelist")
    listed: Any = admin_site.get(url, {"network": word})
    assert len(listed.context["cl"].result_list) == (1 if word == "\0" else 0)


def test_lists_name_users(admin_site: Client, cast: Cast) -> None:
    for user in (cast.member.user_id, "gone", ""):
        InstanceAction.objects.create(
            instance=make_instance(), action="stop", user_id=user, project_id="", request_id="-"
        )
    page = admin_site.get(reverse("admin:servers_instanceaction_changelist")).content.decode()
    for shown in (cast.member.name, "gone", "the site"):
        assert f'<td class="field-user_named">{shown}</td>' in page


def test_times_say_their_zone(admin_site: Client, cast: Cast) -> None:
    server = make_instance()
    assert (
        f"{server.created_at:%Y-%m-%d %H:%M:%S} UTC"
        in admin_site.get(f"/admin/servers/instance/{server.pk}/change/").content.decode()
    )
    page = admin_site.get(reverse("admin:identity_project_changelist")).content.decode()
    created = Project.objects.get(pk=ALPHA).created_at
    assert f"{created:%Y-%m-%d %H:%M:%S} UTC" in page
