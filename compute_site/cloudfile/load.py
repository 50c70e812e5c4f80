"""Makes the database match a cloud file: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from django.db import DatabaseError, connection, transaction

from compute_site.cloudfile import (
    flavors,
    hosts,
    images,
    keypairs,
    networks,
    people,
    ports,
    quotas,
    server_groups,
    volumes,
)
from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.section import Entry

SECTIONS = (
    *people.SECTIONS,
    *hosts.SECTIONS,
    *flavors.SECTIONS,
    *images.SECTIONS,
    *networks.SECTIONS,
    *ports.SECTIONS,
    *volumes.SECTIONS,
    *keypairs.SECTIONS,
    *server_groups.SECTIONS,
    *quotas.SECTIONS,
)
"""In this order: each section refers only to those before it."""


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
    """Make the database match; how many entries each section had.

    What the file does not mention stays. What servers have changed (the state of volumes, the
    holders of ports, the use of hosts) stays as well.

    Raises:
        CloudFileError: something is wrong; nothing has changed.
    """
    entries = _read(document)
    cloud = Cloud()
    with transaction.atomic():
        for section in SECTIONS:
            try:
                with transaction.atomic():
                    section.write(entries[section.name], cloud)
                    connection.check_constraints()  # those that wait for the commit otherwise
            except DatabaseError as error:
                told = " ".join(str(error).split())
                raise CloudFileError([f"{section.name}: {told}"]) from error
    return {name: len(found) for name, found in entries.items()}


def _read(document: Any) -> dict[str, list[Entry]]:
    """The entries of all sections, or everything that is wrong with their form."""
    if not isinstance(document, Mapping):
        raise CloudFileError(["The file holds sections by name, such as projects and images."])
    known = {section.name for section in SECTIONS}
    problems = [
        f"{name}: no section has this name; known are {', '.join(sorted(known))}"
        for name in document
        if name not in known
    ]
    entries = {}
    for section in SECTIONS:
        raw = document.get(section.name)
        entries[section.name], wrong = section.read([] if raw is None else raw)
        problems += wrong
    if problems:
        raise CloudFileError(problems)
    return entries
