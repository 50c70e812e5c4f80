"""The funnel of the search for a host on the page of a server in the admin."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from compute_site.waiting.held import ROOM
from servers.models import Instance
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_instance
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop


def page_of(admin_client: Client, shop: Shop, client: ApiClient) -> str:
    made = shop.order(client, microversion="2.90").expect(202).json["server"]["id"]
    run_jobs()
    key = Instance.objects.get(uuid=made).pk
    return admin_client.get(reverse("admin:servers_instance_change", args=[key])).content.decode()


def test_a_server_without_a_host_shows_what_removed_them_and_what_would_help(
    admin_client: Client, as_member: ApiClient
) -> None:
    shop = Shop()
    make_host("small", memory_mb=64)
    make_host("off", disabled=True, memory_mb=64)
    shop.flavor = make_flavor(memory_mb=4096, root_gb=10)
    shown = page_of(admin_client, shop, as_member)
    assert "Search for a host" in shown
    assert '<meter min="0" max="2" value="2"></meter>' in shown
    assert "small (small)" in shown
    assert "what would help: 4096 MiB of memory on one host; the most free is 64" in shown


def test_a_server_that_was_placed_shows_where_and_why(
    admin_client: Client, as_member: ApiClient
) -> None:
    shop = Shop()
    make_host("one")
    shown = page_of(admin_client, shop, as_member)
    assert "placed on one" in shown
    assert "best weights: one" in shown
    assert "what would help" not in shown


def test_each_step_of_an_action_shows_how_long_it_took(
    admin_client: Client, as_member: ApiClient
) -> None:
    shop = Shop()
    make_host("one")
    shown = page_of(admin_client, shop, as_member)
    for words in ("s in all", "s scheduling<", "s networking, one<", "s spawning, one<"):
        assert words in shown
    assert "&lt;" not in shown


def test_the_page_of_a_server_follows_the_stream_where_that_takes_no_thread(
    admin_client: Client,
) -> None:
    server = make_instance()
    url = reverse("admin:servers_instance_change", args=[server.pk])
    assert "data-events" not in admin_client.get(url).content.decode()
    shown = admin_client.get(url, **{ROOM: object()}).content.decode()
    [(_, events)] = re.findall(r'data-(events)="([^"]+)"', shown)
    assert f'data-server="{server.uuid}"' in shown
    answer = admin_client.get(events, **{ROOM: HasRoom()})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/event-stream")


class HasRoom:
    """A web server's room for streams, in which there are none."""

    is_full = False
