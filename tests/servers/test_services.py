"""Services as the admin changes them, and the two that are always there."""

from __future__ import annotations

import pytest

from servers.hosts.errors import NoSuchService
from servers.hosts.services import ServiceChange, change_service, find_service
from servers.models import Service
from servers.worker.run import announce
from tests.world.hosts import make_host

pytestmark = pytest.mark.django_db


def test_a_service_that_was_removed_meanwhile_cannot_be_changed() -> None:
    service = make_host("host1").service
    Service.objects.filter(pk=service.pk).delete()
    with pytest.raises(NoSuchService):
        change_service(service, ServiceChange(disabled=True))


def test_a_service_is_found_by_both_of_its_ids() -> None:
    service = make_host("host1").service
    assert find_service(service.pk) == find_service(service.uuid) == service


@pytest.mark.django_db(transaction=True)  # it begins with closing old connections
def test_workers_do_the_work_of_one_conductor_and_one_scheduler() -> None:
    assert [service.is_up for service in Service.objects.control()] == [False, False]
    announce()
    announce()
    shown = Service.objects.control().order_by("binary")
    assert [(service.binary, service.host, service.is_up) for service in shown] == [
        ("nova-conductor", "conductor", True),
        ("nova-scheduler", "scheduler", True),
    ]
