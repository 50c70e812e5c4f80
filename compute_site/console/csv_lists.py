"""Lists of the admin as CSV: the columns of the page, with all rows that it counts."""

from __future__ import annotations

import csv
import datetime as dt
import html
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.db.models import Manager
from django.http import HttpResponse
from django.utils.html import strip_tags

MOST_ROWS = 5000
"""A list shows so many rows at most; filters and search find the others."""
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""With these a text begins that spreadsheets would run."""


def as_cell(value: Any) -> str:
    """A value as a cell; a text that a spreadsheet would take for a formula is quoted."""
    if value is None or value == "–":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(sep=" ", timespec="seconds")
    text = str(value)
    if isinstance(value, int | float) or not text.startswith(FORMULAS):
        return text
    return f"'{text}"


def as_file(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """Rows of cells to be saved as ``name`` with the ending of CSV."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(answer)
    writer.writerow(header)
    writer.writerows(rows)
    return answer


def list_as_csv(changes: ChangeList, name: str) -> HttpResponse:
    """The rows that the list has found, in its order."""
    page: Any = changes.model_admin
    rows = list(changes.queryset[:MOST_ROWS])
    page.count_for_all(rows)
    page.name_users(rows)
    columns = [column for column in changes.list_display if column != "action_checkbox"]
    labels = [str(label_for_field(column, changes.model, page)) for column in columns]
    cells = ([as_cell(row.pk), *(_cell(column, row, page) for column in columns)] for row in rows)
    return as_file(name, ["key", *labels], cells)


def _cell(column: Any, row: Any, page: Any) -> str:
    field, _, value = lookup_field(column, row, page)
    if field is not None and field.choices:
        value = dict(field.flatchoices).get(value, value)
    if isinstance(value, Manager):
        return ""
    if hasattr(value, "__html__"):  # a column with links or bars: its text
        text = html.unescape(strip_tags(str(value).replace("<", " <")))
        return as_cell(" ".join(text.split()))
    return as_cell(value)
