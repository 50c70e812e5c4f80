"""Which zones there are, which of them are available, and which services are up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from servers.hosts.zones import available_zones, zone_of_hosts, zones_with_state
from servers.models import Aggregate, Cell, Service
from tests.world.hosts import make_host, make_zone

pytestmark = pytest.mark.django_db


def test_a_host_outside_of_every_zone_is_in_the_default_one() -> None:
    make_host("host1")
    make_zone("zone-a", make_host("host2"))
    assert zone_of_hosts() == {"host1": "nova", "host2": "zone-a"}


def test_an_aggregate_without_zone_does_not_hide_the_zone_of_another() -> None:
    node = make_host("host1")
    Aggregate.objects.create(name="fast", metadata={"ssd": "true"}).hosts.add(node.service)
    make_zone("zone-a", node)
    Aggregate.objects.create(name="big", metadata={}).hosts.add(node.service)
    assert zone_of_hosts(["host1"]) == {"host1": "zone-a"}


def test_an_aggregate_without_hosts_makes_no_zone() -> None:
    make_zone("zone-a")
    assert zones_with_state() == {}


def test_a_zone_is_available_when_one_of_its_hosts_is_enabled_and_up() -> None:
    make_host("host1")
    make_zone("zone-off", make_host("host2", disabled=True))
    make_zone("zone-down", make_host("host3", forced_down=True))
    make_zone("zone-mixed", make_host("host4", disabled=True), make_host("host5"))
    assert zones_with_state() == {
        "nova": True,
        "zone-off": False,
        "zone-down": False,
        "zone-mixed": True,
    }
    assert available_zones() == {"internal", "nova", "zone-mixed"}


def test_zones_cost_a_constant_number_of_statements(django_assert_num_queries: Any) -> None:
    for number in range(5):
        make_zone(f"zone-{number}", make_host(f"host{number}"))
    with django_assert_num_queries(2):
        zones_with_state()


@pytest.mark.parametrize(
    ("values", "up"),
    [
        ({}, True),  # simulated: no process could be lost
        ({"forced_down": True}, False),
        ({"driver": "libvirt", "last_seen_up": None}, False),
        ({"driver": "libvirt", "seconds_ago": 5}, True),
        ({"driver": "libvirt", "seconds_ago": 5, "forced_down": True}, False),
        ({"driver": "libvirt", "seconds_ago": 3600}, False),
        ({"seconds_ago": 3600, "disabled": True}, True),
    ],
)
def test_a_service_is_up_when_seen_lately_and_not_forced_down(
    values: dict[str, Any], up: bool
) -> None:
    values = dict(values)
    if "seconds_ago" in values:
        values["last_seen_up"] = timezone.now() - timedelta(seconds=values.pop("seconds_ago"))
    service = make_host(**values).service
    assert service.is_up is up
    assert Service.objects.up().filter(pk=service.pk).exists() is up


def test_a_service_without_node_is_up_by_its_heartbeat() -> None:
    cell = Cell.objects.get(name="cell0")
    service = Service.objects.create(host="c1", binary="nova-conductor", cell=cell)
    assert not service.is_up
    service.last_seen_up = timezone.now()
    service.save()
    assert Service.objects.get(pk=service.pk).is_up
    assert Service.objects.up().get() == service
