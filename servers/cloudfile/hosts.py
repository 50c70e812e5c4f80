"""Cells, hosts with their resources, and aggregates."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.cloudfile.cloud import Cloud, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.keys import (
    Key,
    filled_text,
    flag,
    list_of,
    text,
    texts_by_name,
    whole,
)
from servers.hosts.description import HostDescription, describe_host
from servers.hosts.register import mirror_aggregates, register_hosts
from servers.models import Aggregate, Cell, Service
from servers.models.cell import CELL0, CELL1
from servers.models.host import COMPUTE_BINARY

ZONE = "availability_zone"


def write_cells(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - needs no names
    names = {CELL0, CELL1, *(entry["name"] for entry in entries)}
    Cell.objects.bulk_create([Cell(name=name) for name in sorted(names)], ignore_conflicts=True)
    for disabled in (False, True):
        chosen = [entry["name"] for entry in entries if entry["disabled"] is disabled]
        Cell.objects.filter(name__in=chosen).update(disabled=disabled)


def write_hosts(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - needs no names
    cells = {cell.name: cell for cell in Cell.objects.exclude(name=CELL0)}
    names = [entry["name"] for entry in entries]
    known = {
        service.host: service
        for service in Service.objects.filter(binary=COMPUTE_BINARY, host__in=names)
    }
    for entry in entries:
        if entry["cell"] not in cells:
            raise entry.wrong("cell", f"no cell {entry['cell']} can have hosts")
        service = known.setdefault(entry["name"], Service(host=entry["name"]))
        service.cell = cells[entry["cell"]]
        service.disabled = not entry["enabled"]
    new = [service for service in known.values() if service.pk is None]
    Service.objects.bulk_update(
        [service for service in known.values() if service.pk is not None], ["cell", "disabled"]
    )
    Service.objects.bulk_create(new)
    register_hosts({known[entry["name"]].pk: _describe(entry) for entry in entries})


def _describe(entry: Entry) -> HostDescription:
    return describe_host(
        entry["hypervisor_hostname"] or entry["name"],
        driver=entry["driver"],
        vcpus=entry["vcpus"],
        memory_mb=entry["memory_mb"],
        local_gb=entry["local_gb"],
        traits=frozenset(entry["traits"]),
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
        keys={
            "name": Key(filled_text, required=True),
            "hypervisor_hostname": Key(filled_text),
            "cell": Key(text, default=CELL1),
            "vcpus": Key(whole, required=True),
            "memory_mb": Key(whole, required=True),
            "local_gb": Key(whole, required=True),
            "enabled": Key(flag, default=True),
            "driver": Key(filled_text, default="fake"),
            "traits": Key(list_of(text), default=[]),
        },
        write=write_hosts,
        unique=(("name",), ("hypervisor_hostname",)),
    ),
    Section(
        name="aggregates",
        after=("hosts",),
        keys={
            "name": Key(filled_text, required=True),
            ZONE: Key(filled_text),
            "hosts": Key(list_of(text), default=[]),
            "metadata": Key(texts_by_name, default={}),
        },
        write=write_aggregates,
        unique=(("name",),),
    ),
)
