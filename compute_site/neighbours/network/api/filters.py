"""Filters of the lists of the network API that are more than the values of a column."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from compute_site.faults import BadRequest
from compute_site.neighbours.ids import canonical_ids, is_address
from compute_site.neighbours.network.models import FixedIp, Network, Port
from compute_site.neighbours.service_view import Filter, by_id
from compute_site.values.keys import LARGEST_BIG_INT
from compute_site.values.words import LOOSE_FALSE, LOOSE_TRUE

Narrow = Callable[[QuerySet[Any], list[str]], QuerySet[Any]]
OPENED_THERE = frozenset(
    (
        *("network", "qos_policy", "security_group", "address_group", "address_scope"),
        "subnetpool",
    )
)
MOST_TAGS = 50
"""More tags in a filter than a thing can have in all likelihood cost more than they find."""


class WrongFilterValue(BadRequest):
    """A filter has a value that nothing of its kind can have."""

    code = "wrong_filter_value"


def by_switch(column: str) -> Filter:
    """A filter by true or false, in the words that Neutron takes."""

    def read(words: list[str]) -> list[bool]:
        wrong = [word for word in words if word.lower() not in LOOSE_TRUE | LOOSE_FALSE]
        if wrong:
            raise WrongFilterValue(f"{wrong[0][:60]!r} is neither true nor false.")
        return [word.lower() in LOOSE_TRUE for word in words]

    return Filter(column, read)


def by_number(column: str) -> Filter:
    """A filter by whole numbers."""

    def read(words: list[str]) -> list[int]:
        wrong = [word for word in words if not (word.isascii() and word.isdigit())]
        if wrong:
            raise WrongFilterValue(f"{wrong[0][:60]!r} is no whole number.")
        return [min(int(word[:19]), LARGEST_BIG_INT) for word in words]

    return Filter(column, read)


def by_range(column: str) -> Filter:
    """A filter by ranges of addresses."""

    def read(words: list[str]) -> list[str]:
        for word in words:
            try:
                ipaddress.ip_interface(word)
            except ValueError:
                raise WrongFilterValue(f"{word[:60]!r} is no range of addresses.") from None
        return words

    return Filter(column, read)


OWNER = {"project_id": Filter("project"), "tenant_id": Filter("project")}
DESCRIBED = {
    **OWNER,
    "id": by_id(),
    "description": Filter("description"),
    "revision_number": by_number("revision_number"),
}
"""What all kinds but rules are filtered by."""


def narrow_by_addresses(rows: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    """``fixed_ips=ip_address=10.0.0.4``, ``…=subnet_id=…``, ``…=ip_address_substr=10.0``; several
    of a kind are alternatives, several kinds must all hold.
    """
    wanted: dict[str, list[str]] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or key not in ADDRESS_FILTERS:
            raise WrongFilterValue(
                f"{word[:60]!r} is not {', '.join(ADDRESS_FILTERS)} with a sign = and a value."
            )
        wanted.setdefault(key, []).append(value)
    held = FixedIp.objects.all()
    for key, values in wanted.items():
        held = held.filter(ADDRESS_FILTERS[key](values))
    return rows.filter(pk__in=held.values("port"))


def _containing(parts: list[str]) -> Q:
    found = Q(pk__in=[])
    for part in parts:
        found |= Q(address__contains=part)
    return found


ADDRESS_FILTERS: Mapping[str, Callable[[list[str]], Q]] = {
    "ip_address": lambda words: Q(address__in=[word for word in words if is_address(word)]),
    "subnet_id": lambda words: Q(subnet__in=canonical_ids(words)),
    "ip_address_substr": _containing,
}


def narrow_by_groups(rows: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    """Ports in one of the security groups."""
    within = Port.security_groups.through.objects.filter(securitygroup__in=canonical_ids(words))
    return rows.filter(pk__in=within.values("port"))


def narrow_by_type(rows: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    """Nothing but networks is opened to projects; in Neutron more is."""
    wrong = set(words) - OPENED_THERE
    if wrong:
        raise WrongFilterValue(f"{min(wrong)[:60]!r} is no type of what is opened to projects.")
    return rows if "network" in words else rows.none()


def narrow_by_outside(rows: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    """Subnets of networks that are external, or not."""
    wanted = set(by_switch("").read(words))
    outside = Q(network__in=Network.objects.leading_out())
    return rows if len(wanted) > 1 else rows.filter(outside if wanted == {True} else ~outside)


def narrow_by_status(rows: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    """Floating IPs are ``ACTIVE`` on a port, otherwise ``DOWN``."""
    found = Q(pk__in=[])
    if "ACTIVE" in words:
        found |= Q(port__isnull=False)
    if "DOWN" in words:
        found |= Q(port__isnull=True)
    return rows.filter(found)


def _tags(words: list[str]) -> list[str]:
    tags = [tag for word in words for tag in word.split(",") if tag]
    if len(tags) > MOST_TAGS:
        raise WrongFilterValue(f"{len(tags)} tags are too many; give at most {MOST_TAGS}.")
    return tags


def _any_of(tags: list[str]) -> Q:
    found = Q(pk__in=[])
    for tag in tags:
        found |= Q(tags__contains=[tag])
    return found


BY_TAGS: Mapping[str, Narrow] = {
    "tags": lambda rows, words: rows.filter(tags__contains=_tags(words)),
    "tags-any": lambda rows, words: rows.filter(_any_of(_tags(words))),
    "not-tags": lambda rows, words: rows.exclude(tags__contains=_tags(words)),
    "not-tags-any": lambda rows, words: rows.exclude(_any_of(_tags(words))),
}
"""All of the tags, one of them, not all, none; several are divided by commas."""
