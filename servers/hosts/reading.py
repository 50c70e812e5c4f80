"""Reads what people write of hosts and resource providers, by the keys of ``values.keys``.
Cloud files and the admin read by this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import os_resource_classes
import os_traits

from compute_site.values.keys import (
    LARGEST_FLOAT,
    LARGEST_INT,
    Key,
    WrongValue,
    filled_text,
    list_of,
    mapping,
    number,
    positive,
    record,
    shown,
    text,
    up_to,
    whole,
)
from servers.hardware.properties import ARCHITECTURES, HYPERVISORS, VM_MODES
from servers.hosts.description import ProviderDescription, Stock

MOST_TRAITS = 1000
DEEPEST = 8
"""So many providers may lie below each other."""
LONGEST_NAME = 200
"""Characters of the name of a node and its providers, as in Placement."""

_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")
_STANDARD_TRAITS = frozenset(os_traits.get_traits())
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,3})(?:\.(\d{1,3}))?")

name_of_node = up_to(LONGEST_NAME, filled_text)


def resource_class(value: Any) -> str:
    name = text(value)
    if name not in os_resource_classes.STANDARDS and not _CUSTOM.fullmatch(name):
        raise WrongValue(
            f"{shown(name)} is no resource class; give a standard one or CUSTOM_ with capital"
            " letters, digits and underscores"
        )
    return name


def trait(value: Any) -> str:
    name = text(value)
    if name not in _STANDARD_TRAITS and not _CUSTOM.fullmatch(name):
        raise WrongValue(
            f"{shown(name)} is no trait; give a standard one or CUSTOM_ with capital letters, "
            "digits and underscores"
        )
    return name


traits = list_of(trait, most=MOST_TRAITS)


def known_traits(names: Iterable[str]) -> frozenset[str]:
    """Those that are standard ones."""
    return _STANDARD_TRAITS & set(names)


def ratio(value: Any) -> float:
    found = number(value)
    if not found > 0:
        raise WrongValue(f"give a number above 0 and up to {LARGEST_FLOAT}, not {shown(value)}")
    return found


INVENTORY_KEYS = {
    "total": Key(positive),
    "reserved": Key(whole),
    "min_unit": Key(positive),
    "max_unit": Key(positive),
    "step_size": Key(positive),
    "allocation_ratio": Key(ratio),
}
_read_inventory = record(INVENTORY_KEYS)


def inventories(value: Any) -> dict[str, dict[str, Any]]:
    """The keys of each resource class that are given; ``stocks_of`` makes stocks of them."""
    found = {}
    for name, keys in mapping(value).items():
        try:
            known = resource_class(name)
            found[known] = {
                key: part for key, part in _read_inventory(keys).items() if part is not None
            }
        except WrongValue as error:
            raise WrongValue(f"class {name[:60]}: {error}") from None
    return found


def stocks_of(
    given: Mapping[str, Mapping[str, Any]], totals: Mapping[str, int | None] = {}
) -> dict[str, Stock]:
    """``totals`` are those that stand elsewhere, by resource class.

    Raises:
        WrongValue: a total is missing or stands there twice, or numbers do not go together.
    """
    stocks = {}
    for name in [*given, *(other for other in totals if other not in given)]:
        keys, elsewhere = dict(given.get(name, {})), totals.get(name)
        total = keys.pop("total", elsewhere)
        if total is None:
            raise WrongValue(f"class {name}: key total: is required")
        if elsewhere is not None and total != elsewhere:
            raise WrongValue(f"class {name}: key total: is {elsewhere} by the host's other keys")
        stock = Stock(total=total, **keys)
        check_stock(name, stock)
        stocks[name] = stock
    return stocks


def check_stock(name: str, stock: Stock) -> None:
    """Raises ``WrongValue`` where the numbers do not go together."""
    if stock.reserved is not None and stock.reserved > stock.total:
        raise WrongValue(
            f"class {name}: key reserved: {stock.reserved} of {stock.total} are too many"
        )
    least, most = stock.min_unit or 1, stock.max_unit or LARGEST_INT
    if least > most:
        raise WrongValue(f"class {name}: key max_unit: {most} is less than min_unit, {least}")


def providers(value: Any, depth: int = 1) -> list[ProviderDescription]:
    """The providers below another one. What is given of inventories and traits is all there is."""
    if depth > DEEPEST:
        raise WrongValue(f"give at most {DEEPEST} levels of providers")
    keys = {
        "name": Key(name_of_node, required=True),
        "inventories": Key(lambda given: stocks_of(inventories(given))),
        "traits": Key(traits),
        "providers": Key(lambda given: providers(given, depth + 1), default=[]),
    }
    read_keys = record(keys)
    found: list[ProviderDescription] = list_of(lambda given: _provider(read_keys(given)))(value)
    return found


def _provider(values: Mapping[str, Any]) -> ProviderDescription:
    return ProviderDescription(
        name=values["name"],
        stocks=values["inventories"] or {},
        traits=frozenset(values["traits"] or ()),
        children=tuple(values["providers"]),
        all_stocks=values["inventories"] is not None,
        all_traits=values["traits"] is not None,
    )


def hypervisor_version(value: Any) -> int:
    """1,000,000 × major + 1,000 × minor + micro, as a number or as a text such as 8.2.0."""
    if isinstance(value, str):
        match = _VERSION.fullmatch(value)
        if match is None:
            raise WrongValue(f"give a version such as '8.2.0', or a number, not {shown(value)}")
        major, minor, micro = (int(part or 0) for part in match.groups())
        value = major * 1_000_000 + minor * 1000 + micro
    return int(whole(value))


def supported_instances(value: Any) -> tuple[tuple[str, str, str], ...]:
    """Architecture, hypervisor type and VM mode of guests that the host can run."""
    return tuple(list_of(_kind)(value))


def _kind(value: Any) -> tuple[str, str, str]:
    words = list_of(text)(value)
    sets = (ARCHITECTURES, HYPERVISORS, VM_MODES)
    if len(words) != len(sets):
        raise WrongValue(
            f"give architecture, hypervisor type and VM mode, such as [x86_64, kvm, hvm], not"
            f" {shown(value)}"
        )
    for word, known in zip(words, sets, strict=True):
        if word not in known.split():
            raise WrongValue(f"give one of {', '.join(known.split())}, not {shown(word)}")
    architecture, hypervisor, mode = words
    return architecture, hypervisor, mode
