"""Aggregates of hosts: find, list, make, change, delete. API, admin and commands call this.

A host is in one zone at most, and does not change its zone while it has servers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from django.db import IntegrityError, connection, transaction
from django.db.models import Prefetch
from django.utils import timezone

from servers.hosts.errors import (
    AggregateExists,
    AggregateNotEmpty,
    HostInAggregate,
    HostNotInAggregate,
    HostZoneClash,
    NoSuchAggregate,
    NoSuchHost,
    ZoneClash,
)
from servers.hosts.register import mirror_aggregates
from servers.models import Aggregate, Instance, Service

ZONE = "availability_zone"
Members = Aggregate.hosts.through


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AggregateUpdate:
    """What is to change. With ``names_zone`` the zone becomes ``zone``, where null means that the
    aggregate is no zone any more.
    """

    name: str | None = None
    names_zone: bool = False
    zone: str | None = None


def list_aggregates() -> list[Aggregate]:
    """All aggregates with their hosts, in the order in which they were made (two statements)."""
    hosts = Service.objects.order_by("pk")
    return list(Aggregate.objects.order_by("pk").prefetch_related(Prefetch("hosts", hosts)))


def find_aggregate(key: int) -> Aggregate:
    """The aggregate with its hosts.

    Raises:
        NoSuchAggregate: there is none.
    """
    aggregate = Aggregate.objects.filter(pk=key).first()
    if aggregate is None:
        raise NoSuchAggregate(f"There is no aggregate {key}.")
    return aggregate


def create_aggregate(name: str, zone: str | None = None) -> Aggregate:
    """Make an aggregate without hosts; a zone when it names one.

    Raises:
        AggregateExists: another has the name.
    """
    aggregate = Aggregate(name=name, metadata={ZONE: zone} if zone else {})
    _save(aggregate)
    return aggregate


@transaction.atomic
def update_aggregate(key: int, update: AggregateUpdate) -> Aggregate:
    """Change the name, the zone or both. Nova: only a new name changes the stored time.

    Raises:
        NoSuchAggregate: there is none.
        AggregateExists: another has the name.
        ZoneClash: a host would be in two zones, or its servers would change theirs.
    """
    aggregate = _lock(key)
    if update.name is not None:
        aggregate.name = update.name
        aggregate.updated_at = timezone.now()
        _save(aggregate)
    if update.names_zone:
        _set_metadata(aggregate, {ZONE: update.zone or ""})
    return aggregate


@transaction.atomic
def set_metadata(key: int, metadata: Mapping[str, str | None]) -> Aggregate:
    """Add items or change them; null removes one. Raises as ``update_aggregate`` does."""
    aggregate = _lock(key)
    _set_metadata(aggregate, metadata)
    return aggregate


@transaction.atomic
def delete_aggregate(key: int) -> None:
    """Remove an aggregate.

    Raises:
        NoSuchAggregate: there is none.
        AggregateNotEmpty: it has hosts.
    """
    aggregate = _lock(key)
    if Members.objects.filter(aggregate=aggregate).exists():
        raise AggregateNotEmpty(f"The aggregate {aggregate.name} has hosts; remove them first.")
    aggregate.delete()


@transaction.atomic
def add_host(key: int, host: str) -> Aggregate:
    """Put a host into an aggregate.

    Raises:
        NoSuchHost: no host that runs servers has the name.
        NoSuchAggregate: there is no such aggregate.
        HostZoneClash: the host is in another zone, or has servers and would change its zone.
        HostInAggregate: it is in the aggregate already.
    """
    service, aggregate = _lock_both(key, host)
    zone = aggregate.availability_zone
    if zone is not None:
        others = _zones_of([service.pk], besides=aggregate)
        if others - {zone}:
            raise HostZoneClash(f"The host {host} is in the zone {min(others)} already.")
        if not others:
            _check_no_servers([host], HostZoneClash)
    _, is_new = Members.objects.get_or_create(aggregate=aggregate, service=service)
    if not is_new:
        raise HostInAggregate(f"The host {host} is in the aggregate {aggregate.name} already.")
    mirror_aggregates([service.pk])
    return aggregate


@transaction.atomic
def remove_host(key: int, host: str) -> Aggregate:
    """Take a host out of an aggregate.

    Raises:
        NoSuchHost, NoSuchAggregate: there is no such host or aggregate.
        HostNotInAggregate: the aggregate does not have the host.
        HostZoneClash: the host has servers and would change its zone.
    """
    service, aggregate = _lock_both(key, host)
    zone = aggregate.availability_zone
    if zone is not None and zone not in _zones_of([service.pk], besides=aggregate):
        _check_no_servers([host], HostZoneClash)
    removed, _ = Members.objects.filter(aggregate=aggregate, service=service).delete()
    if not removed:
        raise HostNotInAggregate(f"The aggregate {aggregate.name} does not have the host {host}.")
    mirror_aggregates([service.pk])
    return aggregate


def _set_metadata(aggregate: Aggregate, items: Mapping[str, str | None]) -> None:
    if ZONE in items:
        _check_zone(aggregate, items[ZONE])
    changed = {**aggregate.metadata, **items}
    aggregate.metadata = {name: value for name, value in changed.items() if value is not None}
    aggregate.save(update_fields=["metadata"])
    aggregate.updated_at = timezone.now()  # Nova: shown once, not kept


def _check_zone(aggregate: Aggregate, zone: str | None) -> None:
    """Check that the hosts of the aggregate may be in this zone: that they are in no other, and
    that no server would change its zone.
    """
    if not zone:
        raise ZoneClash(f"The aggregate {aggregate.name} needs a zone with a name.")
    services = list(aggregate.hosts.values_list("pk", "host"))
    clash = _zones_of([key for key, _ in services], besides=aggregate) - {zone}
    if clash:
        raise ZoneClash(f"A host of {aggregate.name} is in the zone {min(clash)} already.")
    if zone != aggregate.availability_zone:
        _check_no_servers([host for _, host in services], ZoneClash)


def _zones_of(services: Collection[int], *, besides: Aggregate) -> set[str]:
    """The zones that these hosts are in by other aggregates."""
    others = Aggregate.objects.filter(
        hosts__in=services, **{f"metadata__{ZONE}__isnull": False}
    ).exclude(pk=besides.pk)
    return {str(metadata[ZONE]) for metadata in others.values_list("metadata", flat=True)}


def _check_no_servers(hosts: Collection[str], error: type[ZoneClash | HostZoneClash]) -> None:
    """Raise where the hosts have servers, whose zone would change with that of their host."""
    taken = Instance.objects.alive().filter(host__in=hosts).values_list("host", flat=True).first()
    if taken is not None:
        raise error(f"The host {taken} has servers, which would change their zone.")


def _save(aggregate: Aggregate) -> None:
    try:
        with transaction.atomic():
            aggregate.save()
    except IntegrityError:
        raise AggregateExists(
            f"There is an aggregate {aggregate.name} already.", field="aggregate.name"
        ) from None


def _lock(key: int) -> Aggregate:
    """Let changes of aggregates, which are rare, wait for each other: each looks at more rows than
    it writes, so that locks of rows would not do.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('aggregates'))")
    return find_aggregate(key)


def _lock_both(key: int, host: str) -> tuple[Service, Aggregate]:
    """Lock the host and the aggregate. Nova: where both do not exist, the host is named in the
    error.
    """
    return _lock_host(host), _lock(key)


def _lock_host(host: str) -> Service:
    """Lock the host's service, so that nobody removes it meanwhile."""
    computes = Service.objects.computes().filter(host=host)
    service = computes.select_for_update(no_key=True).first()
    if service is None:
        raise NoSuchHost(f"There is no host {host} that runs servers.")
    return service
