"""The services of the cloud: find, list, change, remove. API, admin and commands call this."""

from __future__ import annotations

import dataclasses
import uuid

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from servers.hosts.agents import fence
from servers.hosts.errors import NoSuchService, NothingToChange, ServiceInUse, ServiceUnchangeable
from servers.models import Aggregate, Allocation, Instance, ResourceProvider, Service
from servers.models.service import COMPUTE_BINARY


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChange:
    """What is to change of a service; ``None`` stays as it is. A reason goes with ``disabled``."""

    disabled: bool | None = None
    reason: str | None = None
    forced_down: bool | None = None

    @property
    def columns(self) -> dict[str, bool | str | None]:
        columns: dict[str, bool | str | None] = {}
        if self.disabled is not None:
            columns |= {
                "disabled": self.disabled,
                "disabled_reason": self.reason if self.disabled else None,
            }
        if self.forced_down is not None:
            columns["forced_down"] = self.forced_down
        return columns


def list_services(host: str | None = None, binary: str | None = None) -> list[Service]:
    """All services, or those of a host or of a kind, in the order in which they came."""
    services = Service.objects.select_related("node").order_by("pk")
    if host:
        services = services.filter(host=host)
    if binary:
        services = services.filter(binary=binary)
    return list(services)


@dataclasses.dataclass(frozen=True, slots=True)
class HostCounts:
    """How many hosts are up, down, and disabled; a disabled one is up or down as well."""

    up: int
    down: int
    disabled: int


def count_hosts() -> HostCounts:
    """The numbers of hosts by state, in one statement."""
    up = Q(pk__in=Service.objects.computes().up().values("pk"))
    found = Service.objects.computes().aggregate(
        up=Count("pk", filter=up),
        down=Count("pk", filter=~up),
        disabled=Count("pk", filter=Q(disabled=True)),
    )
    return HostCounts(**found)


def find_service(key: int | uuid.UUID) -> Service:
    """The service with this id, or with this UUID.

    Raises:
        NoSuchService: there is none.
    """
    named = {"uuid": key} if isinstance(key, uuid.UUID) else {"pk": key}
    service = Service.objects.select_related("node").filter(**named).first()
    if service is None:
        raise NoSuchService(f"There is no service {key}.")
    return service


def find_compute_service(host: str, binary: str = COMPUTE_BINARY) -> Service:
    """The service that runs the servers of a host.

    Raises:
        ServiceUnchangeable: another kind of service was named.
        NoSuchService: the host has none.
    """
    check_changeable(binary)
    service = Service.objects.computes().select_related("node").filter(host=host).first()
    if service is None:
        raise NoSuchService(f"There is no service {binary} on a host {host}.")
    return service


@dataclasses.dataclass(frozen=True, slots=True)
class HostService:
    """A service by the name of its host and its kind."""

    host: str
    binary: str


def find_changeable(named: uuid.UUID | HostService) -> Service:
    """The service, if it is one that can be changed.

    Raises:
        NoSuchService: there is none.
        ServiceUnchangeable: it runs no servers.
    """
    if isinstance(named, HostService):
        return find_compute_service(named.host, named.binary)
    service = find_service(named)
    check_changeable(service.binary)
    return service


def check_changeable(binary: str) -> None:
    """Raises ``ServiceUnchangeable`` for kinds of services that run no servers."""
    if binary != COMPUTE_BINARY:
        raise ServiceUnchangeable(
            f"A service {binary[:60]} cannot be changed, only one of {COMPUTE_BINARY}."
        )


def change_service(service: Service, change: ServiceChange) -> Service:
    """Enable or disable a service, or say that it is down whatever it says itself.

    A disabled host keeps its servers and gets no new ones.

    Raises:
        NothingToChange: nothing is to change, or a reason was given for enabling.
        NoSuchService: it was removed meanwhile.
    """
    if change.disabled is False and change.reason:
        raise NothingToChange("A service is enabled without reason.", field="disabled_reason")
    if not change.columns:
        raise NothingToChange("Give status or forced_down.")
    columns = {**change.columns, "updated_at": timezone.now()}
    if not Service.objects.filter(pk=service.pk).update(**columns):
        raise NoSuchService(f"There is no service {service.uuid}.")
    if change.forced_down:
        fence([service.host])
    for name, value in columns.items():
        setattr(service, name, value)
    return service


@transaction.atomic
def delete_service(service: Service) -> None:
    """Remove a service; a host leaves its aggregates as well.

    Raises:
        ServiceInUse: servers run on the host, or are about to.
        NoSuchService: it was removed meanwhile.
    """
    # Nothing of the host is given away meanwhile. The provider is locked first, as claims do: they
    # come to the service later, by the reference of the node.
    provider = ResourceProvider.objects.filter(node__service=service.pk).first()
    if provider is not None:
        ResourceProvider.objects.lock_trees([provider.pk])
    if not Service.objects.select_for_update().filter(pk=service.pk).exists():
        raise NoSuchService(f"There is no service {service.uuid}.")
    runs_servers = service.binary == COMPUTE_BINARY and (
        Instance.objects.alive().filter(host=service.host).exists()
        or Allocation.objects.filter(provider__root=provider).exists()
    )
    if runs_servers:
        raise ServiceInUse(
            f"The host {service.host} runs servers; move or delete them before its service."
        )
    Aggregate.hosts.through.objects.filter(service=service.pk).delete()
    Service.objects.filter(pk=service.pk).delete()
