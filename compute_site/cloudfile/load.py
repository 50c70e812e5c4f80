"""Makes the database match a cloud file, in one transaction."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from importlib import import_module
from typing import Any

import yaml
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.utils.module_loading import module_has_submodule

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.section import Section
from compute_site.db.locks import Lock, alone


@functools.cache
def sections() -> Sequence[Section]:
    """All sections, each after those that its entries refer to. An app defines its sections as
    ``SECTIONS`` in its module ``cloudfile``.
    """
    found: dict[str, Section] = {}
    for config in apps.get_app_configs():
        if module_has_submodule(config.module, "cloudfile"):
            module = import_module(f"{config.name}.cloudfile")
            found |= {section.name: section for section in getattr(module, "SECTIONS", ())}
    order = TopologicalSorter({name: section.after for name, section in found.items()})
    return [found[name] for name in order.static_order()]


def parse(text: str) -> Any:
    """The document of a YAML or JSON text (JSON is YAML).

    Raises:
        CloudFileError: it is neither.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)  # noqa: S506 - both loaders are the safe one
    except yaml.YAMLError as error:
        raise CloudFileError([f"This is neither YAML nor JSON: {error}"]) from None


def load_cloud(document: Any) -> dict[str, int]:
    """Make the database match the document; return the number of entries of each section.

    Concurrent loads wait for each other. Rows that the file does not mention stay, as do values
    that servers have changed (the state of volumes, the holders of ports, the usage of hosts).

    Raises:
        CloudFileError: something is wrong; nothing has changed.
    """
    entries = _read(document)
    cloud = Cloud()
    with alone(Lock.CLOUD), transaction.atomic():
        for section in sections():
            try:
                with transaction.atomic():
                    section.write(entries[section.name], cloud)
                    connection.check_constraints()  # those that wait for the commit otherwise
            except DatabaseError as error:
                told = " ".join(str(error).split())
                raise CloudFileError([f"{section.name}: {told}"]) from error
    return {name: len(found) for name, found in entries.items()}


def _read(document: Any) -> dict[str, list[Entry]]:
    """The entries of all sections; raises ``CloudFileError`` with all faults of their form."""
    if not isinstance(document, Mapping):
        raise CloudFileError(["The file holds sections by name, such as projects and images."])
    known = {section.name for section in sections()}
    problems = [
        f"{name}: no section has this name; known are {', '.join(sorted(known))}"
        for name in document
        if name not in known
    ]
    entries = {}
    for section in sections():
        raw = document.get(section.name)
        entries[section.name], wrong = section.read([] if raw is None else raw)
        problems += wrong
    if problems:
        raise CloudFileError(problems)
    return entries
