"""One search for everything, and suggestions for the fields of filters.

Each kind of thing is looked for in one statement of its own that reads a few rows: by the beginning
of an id, by an address or a range of addresses, and by a part of the name.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from compute_site.console.site import Page, show_pages
from compute_site.identity.models import Project, User
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.network.models import FloatingIp, Network, Port, Router, Subnet
from compute_site.neighbours.volume.models import Volume
from flavors.models import Flavor
from servers.models import ComputeNode, Instance, ServerGroup

MOST = 10
MOST_SUGGESTED = 20
LEAST_HEX = 4
"""Shorter beginnings of ids would be in words, too."""
HEX = re.compile(r"[0-9a-f]+")
WHOLE_ID = 32

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """What was typed: a text, and what else it may be."""

    text: str
    hex: str = ""
    """The beginning of an id, without dashes."""
    address: Address | None = None
    range: Range | None = None


def read_word(text: str) -> Word:
    word = " ".join(text.replace("\0", "").split())[:255]
    digits = word.lower().replace("-", "")
    is_hex = LEAST_HEX <= len(digits) <= WHOLE_ID and HEX.fullmatch(digits) is not None
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        address = None
    found_range = None
    if address is None and "/" in word:
        try:
            found_range = ipaddress.ip_network(word, strict=False)
        except ValueError:
            found_range = None
    return Word(word, digits if is_hex else "", address, found_range)


def uuids_from(digits: str) -> tuple[uuid.UUID, uuid.UUID]:
    """The smallest and the largest UUID that begin so, to be found by index."""
    return uuid.UUID(digits.ljust(WHOLE_ID, "0")), uuid.UUID(digits.ljust(WHOLE_ID, "f"))


Find = Callable[[Word], Q | None]


def by_name(*columns: str) -> Find:
    def find(word: Word) -> Q | None:
        found = [Q(**{f"{column}__icontains": word.text}) for column in columns]
        return Q(*found, _connector=Q.OR)

    return find


def by_uuid(column: str) -> Find:
    def find(word: Word) -> Q | None:
        return Q(**{f"{column}__range": uuids_from(word.hex)}) if word.hex else None

    return find


def by_key(column: str) -> Find:
    """For ids that are texts without dashes."""

    def find(word: Word) -> Q | None:
        return Q(**{f"{column}__startswith": word.hex}) if word.hex else None

    return find


def by_address(column: str) -> Find:
    def find(word: Word) -> Q | None:
        return Q(**{column: str(word.address)}) if word.address else None

    return find


def servers_by_address(word: Word) -> Q | None:
    if word.address is None:
        return None
    on_nic = Q(network_info__contains=[{"addresses": [[str(word.address)]]}])
    return on_nic | Q(**{f"access_ip_v{word.address.version}": str(word.address)})


def by_tag(word: Word) -> Q | None:
    tagged = Instance.objects.filter(tags__tag=word.text).order_by().values("pk")
    return Q(pk__in=tagged[:MOST])


def by_cidr(word: Word) -> Q | None:
    return Q(cidr=str(word.range)) if word.range else None


def ports_by_address(word: Word) -> Q | None:
    return Q(fixed_ips__address=str(word.address)) if word.address else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Things of a model, and the ways to find one."""

    title: str
    model: type[Model]
    ways: Sequence[Find]
    base: Callable[[], QuerySet[Any]] | None = None
    note: Callable[[Any], object] = lambda _row: ""
    only: Sequence[str] = ()

    def find(self, word: Word, most: int) -> list[Any]:
        rows: QuerySet[Any] = self.base() if self.base else QuerySet(self.model)
        found = [condition for way in self.ways if (condition := way(word)) is not None]
        if not found:
            return []
        if self.only:
            rows = rows.only(*self.only)
        matching = rows.filter(Q(*found, _connector=Q.OR))
        return list(matching.order_by("pk")[:most])


KINDS = (
    Kind(
        title="Servers",
        model=Instance,
        ways=(by_uuid("uuid"), by_name("display_name"), servers_by_address, by_tag),
        base=Instance.objects.alive,
        note=lambda server: f"{server.status}, {server.host or 'on no host'}",
        only=("uuid", "display_name", "vm_state", "task_state", "host"),
    ),
    Kind(
        title="Hosts",
        model=ComputeNode,
        ways=(by_uuid("uuid"), by_name("hypervisor_hostname")),
    ),
    Kind(title="Projects", model=Project, ways=(by_key("id"), by_name("name"))),
    Kind(title="Users", model=User, ways=(by_key("id"), by_name("username"))),
    Kind(title="Flavors", model=Flavor, ways=(by_name("name", "flavorid"),)),
    Kind(title="Images", model=Image, ways=(by_uuid("id"), by_name("name"))),
    Kind(title="Networks", model=Network, ways=(by_uuid("id"), by_name("name"))),
    Kind(
        title="Subnets",
        model=Subnet,
        ways=(by_uuid("id"), by_name("name"), by_cidr),
        note=lambda subnet: subnet.cidr,
    ),
    Kind(title="Ports", model=Port, ways=(by_uuid("id"), by_name("name"), ports_by_address)),
    Kind(
        title="Floating IPs",
        model=FloatingIp,
        ways=(by_uuid("id"), by_address("address"), by_address("fixed_address")),
    ),
    Kind(title="Routers", model=Router, ways=(by_uuid("id"), by_name("name"))),
    Kind(title="Volumes", model=Volume, ways=(by_uuid("id"), by_name("name"))),
    Kind(title="Server groups", model=ServerGroup, ways=(by_uuid("uuid"), by_name("name"))),
)


def view_permission(model: type[Model]) -> str:
    meta = model._meta  # noqa: SLF001 - Django's public model API
    return f"{meta.app_label}.view_{meta.model_name}"


def show_search(request: HttpRequest) -> HttpResponse:
    """What was found of each kind that the operator may see; a whole id leads to its page."""
    word = read_word(request.GET.get("q", ""))
    parts = []
    if word.text:
        for kind in KINDS:
            if request.user.has_perm(view_permission(kind.model)):
                found = kind.find(word, MOST + 1)
                if found:
                    parts.append(_part(kind, word, found))
    if len(parts) == 1 and len(parts[0]["rows"]) == 1 and len(word.hex) == WHOLE_ID:
        return redirect(parts[0]["rows"][0]["url"])
    context = {
        **admin.site.each_context(request),
        "title": f"Search: {word.text}" if word.text else "Search",
        "word": word.text,
        "parts": parts,
    }
    return TemplateResponse(request, "servers/admin/search.html", context)


def _part(kind: Kind, word: Word, found: Sequence[Any]) -> dict[str, Any]:
    meta = kind.model._meta  # noqa: SLF001 - Django's public model API
    page = f"admin:{meta.app_label}_{meta.model_name}"
    rows = [
        {
            "url": reverse(f"{page}_change", args=[row.pk]),
            "name": str(row),
            "id": getattr(row, "uuid", row.pk),
            "note": kind.note(row),
        }
        for row in found[:MOST]
    ]
    more = ""
    if len(found) > MOST:
        more = f"{reverse(f'{page}_changelist')}?{urlencode({'q': word.text})}"
    return {"title": kind.title, "rows": rows, "more": more}


SUGGESTED: dict[str, tuple[type[Model], str]] = {
    "project": (Project, "name"),
    "user": (User, "username"),
    "host": (ComputeNode, "hypervisor_hostname"),
    "flavor": (Flavor, "name"),
    "network": (Network, "name"),
    "image": (Image, "name"),
}
"""What the fields of filters suggest, by their titles: rows of a model, by a column."""


def show_suggestions(request: HttpRequest) -> HttpResponse:
    """Names that begin as was typed, for a field of a filter."""
    kind = request.GET.get("kind", "")
    if kind not in SUGGESTED:
        raise Http404("Nothing of this kind is suggested.")
    model, column = SUGGESTED[kind]
    word = request.GET.get("q", "").replace("\0", "")[:255]
    names: list[str] = []
    if word and request.user.has_perm(view_permission(model)):
        rows: QuerySet[Any, Any] = QuerySet(model)
        found = rows.filter(**{f"{column}__istartswith": word}).order_by(column)
        names = list(found.values_list(column, flat=True).distinct()[:MOST_SUGGESTED])
    return JsonResponse({"names": names})


ANY_OF_THEM = [view_permission(kind.model) for kind in KINDS]
show_pages(
    Page(path="search/", name="search", title="", permissions=ANY_OF_THEM, view=show_search),
    Page(
        path="suggest/",
        name="suggest",
        title="",
        permissions=ANY_OF_THEM,
        view=show_suggestions,
    ),
)
