"""Each call of a service says when it may run, and those in this database hold to it."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any, Protocol

import pytest
from django.db import transaction

from compute_site.neighbours.calls import (
    EITHER,
    JOINS,
    OUTSIDE,
    WHEN,
    CannotJoin,
    check_service,
    joins_transaction,
    outside_transactions,
    runs_outside,
)
from compute_site.neighbours.image import local as images
from compute_site.neighbours.image.protocol import ImageService
from compute_site.neighbours.network import local as network
from compute_site.neighbours.network import openstack as network_elsewhere
from compute_site.neighbours.network.protocol import NetworkService
from compute_site.neighbours.volume import local as volumes
from compute_site.neighbours.volume import openstack as volumes_elsewhere
from compute_site.neighbours.volume.protocol import VolumeService

SERVICES: dict[type, ModuleType] = {
    ImageService: images,
    NetworkService: network,
    VolumeService: volumes,
}
READING = (
    "find_",
    "are_",
    "lookups",
    "list_",
    "available_",
    "can_",
    "taken_",
    "port_quota",
    "nics",
    "attached_",
    "free_",
)
CALLS = [
    (service, name, call)
    for service in SERVICES
    for name, call in inspect.getmembers(service, inspect.isfunction)
    if not name.startswith("_")
]
OUTSIDE_CALLS = [
    (SERVICES[service], name, call)
    for service, name, call in CALLS
    if getattr(call, WHEN, None) == OUTSIDE
]


@pytest.mark.parametrize(("service", "name", "call"), CALLS)
def test_a_call_reads_or_says_when_it_runs(service: type, name: str, call: Any) -> None:
    reads = name.startswith(READING)
    assert getattr(call, WHEN, None) in ((None,) if reads else (JOINS, EITHER, OUTSIDE)), service


@pytest.mark.django_db
@pytest.mark.parametrize(("service", "name", "call"), OUTSIDE_CALLS)
def test_what_runs_outside_of_transactions_refuses_to_run_inside(
    service: ModuleType, name: str, call: Any
) -> None:
    """So that every test that goes through such a call shows that it is outside."""
    needed = [None for _ in list(inspect.signature(call).parameters)[1:]]
    positional = needed[: call.__code__.co_argcount - 1]
    with transaction.atomic(), pytest.raises(RuntimeError, match=r"durable|is open"):
        getattr(service, name)(*positional)


def test_a_service_whose_calls_cannot_join_our_transactions_is_not_taken() -> None:
    class Joining(Protocol):
        @joins_transaction
        def change(self) -> None: ...

    elsewhere = ModuleType("elsewhere")
    setattr(elsewhere, "change", outside_transactions(lambda *_: None))  # noqa: B010 - a module
    with pytest.raises(CannotJoin, match=r"elsewhere runs .* change"):
        check_service(Joining, elsewhere)


@pytest.mark.parametrize(
    ("protocol", "service"),
    [*SERVICES.items(), (NetworkService, network_elsewhere), (VolumeService, volumes_elsewhere)],
)
def test_the_services_that_there_are_are_taken(protocol: type, service: ModuleType) -> None:
    check_service(protocol, service)


@pytest.mark.parametrize(
    ("protocol", "service"),
    [(NetworkService, network_elsewhere), (VolumeService, volumes_elsewhere)],
)
def test_what_a_service_elsewhere_changes_it_changes_outside_of_transactions(
    protocol: type, service: ModuleType
) -> None:
    changing = {name for kind, name, call in CALLS if kind is protocol and hasattr(call, WHEN)}
    inside = {name for name in changing if not runs_outside(getattr(service, name))}
    # the one is refused, the other does nothing
    assert inside <= {"reimage", "connect_again"}
