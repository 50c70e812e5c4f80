"""Cells, hosts with their resources, and aggregates."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.cloudfile.cloud import Cloud, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.values.keys import (
    Key,
    filled_text,
    flag,
    line,
    list_of,
    texts_by_name,
)
from servers.hosts.errors import HostRefused
from servers.hosts.register import mirror_aggregates
from servers.hosts.save import Host, save_hosts
from servers.hosts.written import HOST_KEYS, NODE_NAME, WrongKey, describe_written
from servers.models import Aggregate, Cell, Service
from servers.models.cell import CELL0, CELL1
from servers.models.service import COMPUTE_BINARY

ZONE = "availability_zone"


def write_cells(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - needs no names
    names = {CELL0, CELL1, *(entry["name"] for entry in entries)}
    Cell.objects.bulk_create([Cell(name=name) for name in sorted(names)], ignore_conflicts=True)
    for disabled in (False, True):
        chosen = [entry["name"] for entry in entries if entry["disabled"] is disabled]
        Cell.objects.filter(name__in=chosen).update(disabled=disabled)


def write_hosts(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - needs no names
    by_node = _by_node(entries)
    try:
        save_hosts([_host(entry) for entry in entries])
    except HostRefused as fault:
        raise by_node[fault.host].wrong(fault.field or NODE_NAME, fault.detail) from None


def _by_node(entries: Sequence[Entry]) -> dict[str, Entry]:
    """A name without a key of its own is blamed last."""
    found: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry[NODE_NAME] is not None):
        name = entry[NODE_NAME] or entry["name"]
        if name in found:
            raise entry.wrong(NODE_NAME, f"{name} is the name of {found[name].place} too")
        found[name] = entry
    return found


def _host(entry: Entry) -> Host:
    try:
        description = describe_written(entry.values)
    except WrongKey as fault:
        raise entry.wrong(fault.key, str(fault)) from None
    return Host(
        name=entry["name"],
        cell=entry["cell"],
        enabled=entry["enabled"],
        description=description,
    )


def write_aggregates(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - as above
    services = {
        service.host: service.pk for service in Service.objects.filter(binary=COMPUTE_BINARY)
    }
    rows = []
    for entry in entries:
        for host in entry["hosts"]:
            if host not in services:
                raise entry.wrong("hosts", f"there is no host {host}")
        zone = {} if entry[ZONE] is None else {ZONE: entry[ZONE]}
        rows.append(Aggregate(name=entry["name"], metadata=entry["metadata"] | zone))
    save_rows(Aggregate, rows, key="name")
    wanted = {
        (row.pk, services[host])
        for row, entry in zip(rows, entries, strict=True)
        for host in entry["hosts"]
    }
    through = Aggregate.hosts.through
    held = through.objects.filter(aggregate__in=rows)
    surplus = [link.pk for link in held if (link.aggregate_id, link.service_id) not in wanted]
    through.objects.filter(pk__in=surplus).delete()
    through.objects.bulk_create(
        [through(aggregate_id=row_id, service_id=service_id) for row_id, service_id in wanted],
        ignore_conflicts=True,
    )
    mirror_aggregates(services.values())


SECTIONS = (
    Section(
        name="cells",
        keys={"name": Key(filled_text, required=True), "disabled": Key(flag, default=False)},
        write=write_cells,
        unique=(("name",),),
    ),
    Section(
        name="hosts",
        after=("cells",),
        keys=HOST_KEYS,
        write=write_hosts,
        longest={"driver": 32},
        unique=(("name",), ("hypervisor_hostname",)),
    ),
    Section(
        name="aggregates",
        after=("hosts",),
        keys={
            "name": Key(filled_text, required=True),
            ZONE: Key(filled_text),
            "hosts": Key(list_of(line), default=[]),
            "metadata": Key(texts_by_name, default={}),
        },
        write=write_aggregates,
        unique=(("name",),),
    ),
)
