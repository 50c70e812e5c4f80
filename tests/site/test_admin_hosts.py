"""Services and aggregates in the admin: changed by the same functions as through the API."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from servers.models import Aggregate, Cell, Service
from tests.cast import Cast
from tests.factories import make_instance
from tests.servers.hosts import make_host, make_zone
from tests.site.staff import operator, staff

SERVICES = reverse("admin:servers_service_changelist")
NODES = reverse("admin:servers_computenode_changelist")


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    return operator()


def act(client: Client, action: str, *services: Service) -> int:
    ticked = {"action": action, "_selected_action": [str(service.pk) for service in services]}
    return client.post(SERVICES, ticked).status_code


@pytest.mark.parametrize(
    ("action", "disabled", "forced_down"),
    [
        ("disable", True, True),
        ("enable", False, True),
        ("force_down", False, True),
        ("let_up", False, False),
    ],
)
def test_services_are_changed_with_a_record(
    admin_site: Client, action: str, disabled: bool, forced_down: bool
) -> None:
    start = {"disabled": action == "enable", "forced_down": action != "force_down"}
    service = make_host(**start).service
    other = make_host("host2", **start).service
    act(admin_site, action, service)
    service.refresh_from_db()
    assert (service.disabled, service.forced_down) == (disabled, forced_down)
    assert bool(service.disabled_reason) is disabled
    assert LogEntry.objects.get().object_id == str(service.pk)
    before = (other.disabled, other.forced_down)
    other.refresh_from_db()
    assert (other.disabled, other.forced_down) == before


def test_workers_of_the_site_are_not_changed(admin_site: Client) -> None:
    cell = Cell.objects.get(name="cell0")
    worker = Service.objects.create(host="c1", binary="nova-conductor", cell=cell)
    act(admin_site, "disable", worker)
    worker.refresh_from_db()
    assert not worker.disabled
    assert not LogEntry.objects.exists()


def test_who_may_only_look_changes_no_service(cast: Cast) -> None:
    service = make_host().service
    act(staff("servers.view_service"), "disable", service)
    service.refresh_from_db()
    assert not service.disabled


def test_nodes_show_what_is_taken_of_what_may_be_given(admin_site: Client) -> None:
    make_host(vcpus_used=8, memory_mb_used=1536, cpu_allocation_ratio=2.0)
    page = admin_site.get(NODES).content.decode()
    assert "8 of 16" in page
    assert "1.5 of 32 GiB" in page
    assert "0 of 1000 GiB" in page


def page_of(aggregate: Aggregate) -> str:
    return reverse("admin:servers_aggregate_change", args=[aggregate.pk])


def hosts_of(aggregate: Aggregate) -> list[str]:
    return sorted(aggregate.hosts.values_list("host", flat=True))


def test_an_aggregate_is_made_with_zone_and_hosts(admin_site: Client) -> None:
    service = make_host().service
    url = reverse("admin:servers_aggregate_add")
    assert admin_site.get(url).status_code == 200
    admin_site.post(url, {"name": "fast", "zone": "zone-a", "hosts": [service.pk]})
    aggregate = Aggregate.objects.get()
    assert (aggregate.name, aggregate.metadata) == ("fast", {"availability_zone": "zone-a"})
    assert hosts_of(aggregate) == ["host1"]
    assert LogEntry.objects.count() == 1


def test_an_aggregate_is_changed_and_its_other_metadata_stay(admin_site: Client) -> None:
    first, second = make_host("host1"), make_host("host2")
    aggregate = make_zone("zone-a", first)
    Aggregate.objects.update(metadata={"availability_zone": "zone-a", "ssd": "true"})
    data = {"name": "slow", "zone": "zone-b", "hosts": [second.service.pk]}
    assert admin_site.post(page_of(aggregate), data).status_code == 302
    aggregate.refresh_from_db()
    assert aggregate.name == "slow"
    assert aggregate.metadata == {"availability_zone": "zone-b", "ssd": "true"}
    assert hosts_of(aggregate) == ["host2"]


def test_what_the_api_refuses_is_refused_and_told(admin_site: Client) -> None:
    node = make_host("host1")
    make_zone("zone-a", node)
    other = make_zone("zone-b")
    data = {"name": "renamed", "zone": "zone-b", "hosts": [node.service.pk]}
    response = admin_site.post(page_of(other), data)
    assert response.url == page_of(other)
    (told,) = get_messages(response.wsgi_request)
    assert "zone-a already" in str(told)
    other.refresh_from_db()
    assert other.name == "aggregate of zone-b"
    assert hosts_of(other) == []
    assert not LogEntry.objects.exists()


def test_an_aggregate_with_hosts_is_not_deleted(admin_site: Client) -> None:
    aggregate = make_zone("zone-a", make_host())
    empty = make_zone("zone-b")
    for row in (aggregate, empty):
        url = reverse("admin:servers_aggregate_delete", args=[row.pk])
        admin_site.post(url, {"post": "yes"})
    assert list(Aggregate.objects.all()) == [aggregate]


def test_servers_do_not_change_their_zone(admin_site: Client) -> None:
    aggregate = make_zone("zone-a", make_host("host1"))
    make_instance(host="host1")
    data = {"name": aggregate.name, "zone": "zone-a", "hosts": []}
    admin_site.post(page_of(aggregate), data)
    assert hosts_of(aggregate) == ["host1"]


def test_a_cell_is_disabled(admin_site: Client) -> None:
    cell = Cell.objects.get(name="cell1")
    url = reverse("admin:servers_cell_change", args=[cell.pk])
    admin_site.post(url, {"disabled": "on", "name": "other"})
    cell.refresh_from_db()
    assert (cell.name, cell.disabled) == ("cell1", True)
