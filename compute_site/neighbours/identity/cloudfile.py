"""Domains, roles, the catalogue and registered limits in a cloud file: what their API takes, by the
same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, Q

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.section import Section
from compute_site.faults import Fault
from compute_site.identity.limits import register_limits
from compute_site.identity.models import Domain, NamedRole, Region, Service
from compute_site.identity.roles import imply, stop_implying
from compute_site.identity.service_models import INTERFACES
from compute_site.neighbours.identity.api.catalogue import ENDPOINT, REGION, SERVICE
from compute_site.neighbours.identity.api.domain import DOMAIN
from compute_site.neighbours.identity.api.limit import REGISTERED
from compute_site.neighbours.identity.api.records import Kind
from compute_site.neighbours.identity.api.role import ROLE
from compute_site.values.keys import Key, anything, filled_text, flag, list_of, one_of, text

NOBODY = ""
"""Who writes: no user."""


def write_domains(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    for entry in entries:
        members = {key: entry[key] for key in ("name", "description", "enabled")}
        write(DOMAIN, entry, members, ("name",))


def write_roles(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    roles = {}
    for entry in entries:
        members = {key: entry[key] for key in ("name", "description")}
        members["domain_id"] = _domain_of(entry)
        roles[entry.place] = write(ROLE, entry, members, ("name", "domain_id"), blamed=BLAMED)
    for entry in entries:
        if "implies" in entry.given:
            _write_implied(entry, roles[entry.place])


def write_regions(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    for entry in entries:
        above = entry["parent_region_id"]
        if above is not None and not Region.objects.filter(pk=above).exists():
            raise entry.wrong("parent_region_id", f"there is no region {above}")
        write(REGION, entry, dict(entry.values), ("id",))


def write_services(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    for entry in entries:
        write(SERVICE, entry, dict(entry.values), ("type", "name"))


def write_endpoints(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    naming = ("service_id", "interface", "region_id")
    for entry in entries:
        members = {key: entry[key] for key in ("interface", "url", "enabled")}
        write(ENDPOINT, entry, members | _of_service(entry), naming, blamed=BLAMED)


def write_registered(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    naming = ("service_id", "region_id", "resource_name")
    for entry in entries:
        members = {key: entry[key] for key in ("resource_name", "default_limit", "description")}
        write(REGISTERED, entry, members | _of_service(entry), naming, blamed=BLAMED)


BLAMED = {"domain_id": "domain", "service_id": "service", "region_id": "region"}
"""Member of the API's body → key of the file."""


def write(
    kind: Kind,
    entry: Entry,
    members: Mapping[str, Any],
    naming: Sequence[str],
    *,
    blamed: Mapping[str, str] | None = None,
) -> Any:
    """Make what has these members, or change the row of which those of ``naming`` are true already.

    Raises:
        CloudFileError: the API would refuse it.
    """
    try:
        read = kind.body.read_body({kind.noun: dict(members)})
        known = kind.rows().filter(**{name: read.get(name) for name in naming}).first()
        if known is None:
            if kind is REGISTERED:
                return register_limits([read], by=NOBODY)[0]
            return kind.make(read, by=NOBODY)
        changed = {name: read[name] for name in members if _value(known, name) != read[name]}
        return kind.change(known, changed, by=NOBODY) if changed else known
    except Fault as fault:
        where, _, told = fault.detail.partition(": ")
        member = where.rpartition(".")[2]
        if told and member in members:
            raise entry.wrong((blamed or {}).get(member, member), told.rstrip(".")) from None
        raise _refused(entry, naming[0], fault, blamed) from None


def _refused(
    entry: Entry, member: str, fault: Fault, blamed: Mapping[str, str] | None = None
) -> CloudFileError:
    return entry.wrong((blamed or {}).get(member, member), fault.detail.rstrip("."))


def _value(row: Model, member: str) -> Any:
    """What the row has of a member of the API's body."""
    return getattr(row, "parent_id" if member == "parent_region_id" else member, None)


def _domain_of(entry: Entry) -> str | None:
    if entry["domain"] is None:
        return None
    found = Domain.objects.filter(Q(name=entry["domain"]) | Q(pk=entry["domain"])).first()
    if found is None:
        raise entry.wrong("domain", f"there is no domain {entry['domain']}")
    return found.pk


def _of_service(entry: Entry) -> dict[str, str | None]:
    word = entry["service"]
    found = list(Service.objects.filter(Q(pk=word) | Q(name=word) | Q(type=word)).distinct()[:2])
    if len(found) != 1:
        told = "several services are called" if found else "there is no service"
        raise entry.wrong("service", f"{told} {word}; give the name, the type or the id of one")
    return {"service_id": found[0].pk, "region_id": entry["region"]}


def _write_implied(entry: Entry, prior: NamedRole) -> None:
    """The role implies those that the file lists, and no others."""
    wanted = [_implied(entry, prior, name) for name in entry["implies"]]
    held = NamedRole.objects.filter(implied_by__prior=prior)
    try:
        for role in held.exclude(pk__in=[role.pk for role in wanted]):
            stop_implying(prior, role, by=NOBODY)
        for role in wanted:
            imply(prior, role, by=NOBODY)
    except Fault as fault:
        raise _refused(entry, "implies", fault) from None


def _implied(entry: Entry, prior: NamedRole, name: str) -> NamedRole:
    """One of the same domain, or else of the cloud."""
    named = NamedRole.objects.filter(name=name)
    own = prior.domain_id and named.filter(domain=prior.domain_id).first()
    found = own or named.filter(domain=None).first()
    if found is None:
        raise entry.wrong("implies", f"there is no role {name}")
    return found


SECTIONS = (
    Section(
        name="domains",
        keys={
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "enabled": Key(flag, default=True),
        },
        write=write_domains,
        longest={"name": 64, "description": 65535},
        unique=(("name",),),
    ),
    Section(
        name="roles",
        after=("domains",),
        keys={
            "name": Key(filled_text, required=True),
            "description": Key(text),
            "domain": Key(filled_text),
            "implies": Key(list_of(filled_text), default=[]),
        },
        write=write_roles,
    ),
    Section(
        name="regions",
        label="id",
        keys={
            "id": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "parent_region_id": Key(filled_text),
        },
        write=write_regions,
        unique=(("id",),),
    ),
    Section(
        name="services",
        keys={
            "type": Key(filled_text, required=True),
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "enabled": Key(flag, default=True),
        },
        write=write_services,
        unique=(("type", "name"),),
    ),
    Section(
        name="endpoints",
        label="service",
        after=("regions", "services"),
        keys={
            "service": Key(filled_text, required=True),
            "interface": Key(one_of(*INTERFACES), required=True),
            "region": Key(filled_text),
            "url": Key(filled_text, required=True),
            "enabled": Key(flag, default=True),
        },
        write=write_endpoints,
    ),
    Section(
        name="registered_limits",
        label="resource_name",
        after=("regions", "services"),
        keys={
            "service": Key(filled_text, required=True),
            "region": Key(filled_text),
            "resource_name": Key(filled_text, required=True),
            "default_limit": Key(anything, required=True),
            "description": Key(text),
        },
        write=write_registered,
    ),
)
