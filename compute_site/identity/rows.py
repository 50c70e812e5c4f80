"""Writes rows of the identity service from checked members, and notes who did so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet

from compute_site.db.conflicts import is_duplicate
from compute_site.identity.errors import Immutable, NameInUse
from compute_site.identity.extra import EXTRA, with_extra
from compute_site.identity.records import GONE, MADE, describe_members, note_change

Row = TypeVar("Row", bound=Model)
IMMUTABLE = "immutable"


def make_row(
    row: Row, members: Mapping[str, Any], *, columns: Mapping[str, str], by: str, shown: Any = ()
) -> Row:
    """Make a row; ``columns``: member → attribute; ``shown``: members that the site fills itself.

    Raises:
        NameInUse: there is one of this name.
        MalformedRequest: the unknown members are too large.
    """
    with transaction.atomic():
        saved = save_row(row, members, columns=columns, shown=shown)
        note_change(saved, MADE, by=by)  # type: ignore[arg-type] # callers pass what is recorded
    return saved


def change_row(
    row: Row, members: Mapping[str, Any], *, columns: Mapping[str, str], by: str, shown: Any = ()
) -> Row:
    """Change what is named; raises as ``make_row``, and ``Immutable``."""
    with transaction.atomic():
        rows: QuerySet[Row] = QuerySet(type(row))
        locked = rows.select_for_update(of=("self",)).get(pk=row.pk)
        check_mutable(locked, members)
        saved = save_row(locked, members, columns=columns, shown=shown)
        note_change(saved, describe_members(members), by=by)  # type: ignore[arg-type] # as above
    return saved


def remove_row(row: Model, *, by: str) -> None:
    """Delete the row.

    Raises:
        Immutable: it is marked so.
    """
    check_mutable(row, {})
    with transaction.atomic():
        note_change(row, GONE, by=by)  # type: ignore[arg-type] # as above
        row.delete()


def save_row(
    row: Row, members: Mapping[str, Any], *, columns: Mapping[str, str], shown: Collection[str]
) -> Row:
    for member, column in columns.items():
        if member in members:
            setattr(row, column, members[member])
    if "options" in members and hasattr(row, "options"):
        row.options = with_options(row.options, members["options"])
    if hasattr(row, "extra"):
        hidden = {"id", "links", "extra", *shown}
        row.extra = with_extra(row.extra, {EXTRA: {}, **members}, shown=hidden)
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)  # noqa: SLF001 - one of this id is not changed
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        kind = row._meta.verbose_name  # noqa: SLF001 - Django's public model API
        raise NameInUse(f"There is a {kind} {row} already.") from None
    return row


def with_options(kept: Mapping[str, Any], asked: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options after a change; null takes one away."""
    options = {**kept, **(asked or {})}
    return {name: value for name, value in options.items() if value is not None}


def check_mutable(row: Model, members: Mapping[str, Any]) -> None:
    """Raises ``Immutable`` where the row is marked so, unless that mark alone is taken away."""
    if not getattr(row, "options", {}).get(IMMUTABLE):
        return
    asked = {name for name in members if name != EXTRA or members[EXTRA]}
    freed = asked == {"options"} and not (members["options"] or {}).get(IMMUTABLE, True)
    if not freed or getattr(row, "is_built_in", False):
        raise Immutable(f"{row} is immutable: it is not changed or deleted.")
