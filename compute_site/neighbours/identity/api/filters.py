"""Filters lists of the identity API by the query string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.db.models import Model, QuerySet

from compute_site.identity.auth_request import DOMAIN_ID

Row = TypeVar("Row", bound=Model)
FALSE = {"0", "false", "no", "off"}
"""Every other text after ``enabled=`` is true."""


def chosen(
    rows: QuerySet[Row], asked: Mapping[str, str], *, columns: Mapping[str, str]
) -> QuerySet[Row]:
    """The rows that match the query string. ``columns``: the columns of ``name`` and ``enabled``.

    All projects and users are in the one domain, which is the parent of every project, as Keystone
    shows it where projects are not nested.
    """
    for key in ("domain_id", "parent_id"):
        if asked.get(key, DOMAIN_ID) != DOMAIN_ID:
            return rows.none()
    if is_true(asked.get("is_domain", "false")):
        return rows.none()
    if "name" in asked:
        name = asked["name"]
        rows = rows.filter(**{columns["name"]: name}) if "\0" not in name else rows.none()
    if "enabled" in asked:
        rows = rows.filter(**{columns["enabled"]: is_true(asked["enabled"])})
    return rows


def is_true(word: str) -> bool:
    return word.lower() not in FALSE
