"""Columns that hold the key of a row without a relation to it: they are shown as the row's name,
with a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.html import format_html

NOTHING = "–"
KINDS = {
    "identity.user": ("pk", "username"),
    "identity.project": ("pk", "name"),
    "image.image": ("pk", "name"),
    "volume.volume": ("pk", "name"),
    "servers.instance": ("uuid", "display_name"),
}
"""By what the rows of a model are found, and what their name is."""


class NamedColumn:
    """``column`` of a row holds the key of a row of ``model`` (``app.name``)."""

    def __init__(self, column: str, model: str) -> None:
        self.column = column
        self.model = model

    def read_names(self, rows: Iterable[Any]) -> dict[str, str]:
        """The names by key, of all rows in one statement."""
        by, name = KINDS[self.model]
        target: type[Model] = apps.get_model(self.model)
        field = target._meta.pk if by == "pk" else target._meta.get_field(by)  # noqa: SLF001 - the way to a field
        keys = {key for row in rows if (key := _read_key(field, getattr(row, self.column)))}
        if not keys:
            return {}
        found: QuerySet[Any, Any] = QuerySet(target).filter(**{f"{by}__in": keys})
        return {str(key): str(name) for key, name in found.values_list(by, name)}

    def show(self, row: Any, name: str | None, *, may_view: bool) -> str:
        key = getattr(row, self.column)
        if not key:
            return NOTHING
        if name is None or not may_view:
            return format_html("{}", name or key)
        app, _, model = self.model.partition(".")
        url = reverse(f"admin:{app}_{model}_change", args=[key])
        return format_html('<a href="{}" title="{}">{}</a>', url, key, name or key)


def _read_key(field: Any, value: Any) -> Any:
    """The key as the model has it; ``None`` for what it cannot have."""
    try:
        return field.to_python(value)
    except ValidationError:
        return None


def named(column: str, model: str, label: str) -> Callable[[Any, Any], str]:
    """A column of the admin for ``list_display`` and ``readonly_fields`` of a ``ListAdmin``."""
    of = NamedColumn(column, model)

    @admin.display(description=label)
    def shown(_page: Any, row: Any) -> str:
        names = getattr(row, "names_of_others", {}).get(column)
        if names is None:
            names = of.read_names([row])
        viewer = getattr(row, "viewer", None)
        app, _, name = model.partition(".")
        may_view = viewer is None or viewer.has_perm(f"{app}.view_{name}")
        return of.show(row, names.get(str(getattr(row, column))), may_view=may_view)

    shown.named_column = of  # type: ignore[attr-defined] # for the list, which reads many at once
    return shown


def name_rows(page: Any, columns: Sequence[Any], rows: Sequence[Any], viewer: Any) -> None:
    """Read the names for all rows of a list, a statement for each column that is shown."""
    for row in rows:
        row.viewer = viewer
        row.names_of_others = {}
    for column in columns:
        shown = getattr(type(page), column, None) if isinstance(column, str) else None
        of = getattr(shown, "named_column", None)
        if of is not None:
            names = of.read_names(rows)
            for row in rows:
                row.names_of_others[of.column] = names
