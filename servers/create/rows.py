"""Inserts any number of rows that differ in a few columns only, in one statement.

``bulk_create`` sends every column of every row; for a hundred servers that is twenty thousand
values, of which nearly all are the same. Here the shared values are sent once and the database
repeats them, so that a request for a hundred servers costs little more than one for a single
server. They are sent as one JSON value for each table, because psycopg needs long to convert a
hundred single values and does not cache a statement with so many.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from django.db import connection, models

from compute_site.db.prepared import array, prepared_cursor, send_later

LENGTH = re.compile(r"\(\d+\)")
Field: TypeAlias = "models.Field[Any, Any]"


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a model. ``varying`` has one value for each row, ``shared`` one for all of them.

    Names are attribute names of columns (``instance_id``). Other columns get their default, which
    is the same for all rows.
    """

    model: type[models.Model]
    shared: Mapping[str, Any]
    varying: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> tuple[type[models.Model], tuple[str, ...]]:
        return self.model, tuple(self.varying)


def insert_rows(parents: Rows, children: Sequence[Rows] = (), *, link: str = "") -> list[int]:
    """Insert the parents, and for each of them a row of every child, whose column ``link`` is
    the parent's key. Return the keys of the parents, which ascend in the order of the rows.
    """
    with prepared_cursor() as cursor:
        cursor.execute(*_fill(parents, children, link))
        return sorted(row[0] for row in cursor.fetchall())


def insert_rows_later(parents: Rows, children: Sequence[Rows] = (), *, link: str = "") -> None:
    """Insert the same rows together with what comes next (``send_later``)."""
    send_later(*_fill(parents, children, link))


def _fill(parents: Rows, children: Sequence[Rows], link: str) -> tuple[str, list[str]]:
    """The statement and its values."""
    statement, columns = _prepare(parents.kind, tuple(rows.kind for rows in children), link)
    parameters = [
        array(values) for rows in (parents, *children) for values in rows.varying.values()
    ]
    for rows, fields in zip((parents, *children), columns, strict=True):
        shared = {
            field.column: rows.shared[field.attname]
            if field.attname in rows.shared
            else field.get_default()
            for field in fields
        }
        parameters.append(orjson.dumps(shared).decode())
    return statement, parameters


Kind = tuple[type[models.Model], tuple[str, ...]]


@functools.cache
def _prepare(parent: Kind, children: tuple[Kind, ...], link: str) -> tuple[str, list[list[Field]]]:
    """The statement, and for each model the fields that its JSON of shared values has.

    ``given`` numbers the rows and has the varying values. The parents' keys are drawn there, in
    its order, so that the children's rows can use them in the same statement.
    """
    tables = [_Table(number, *kind) for number, kind in enumerate((parent, *children))]
    key = tables[0].key
    arrays = [f"%s::{_array_type(field)}[]" for table in tables for field in table.varying]
    names = [name for table in tables for name in table.names]
    drawn = (
        f"SELECT nextval(pg_get_serial_sequence('{tables[0].name}', '{key}')) AS key, given.* "  # noqa: S608 - names of our own models
        f"FROM unnest({', '.join(arrays)}) WITH ORDINALITY AS given ({', '.join(names)}, position) "
        "ORDER BY position"
    )
    steps = [f"drawn AS MATERIALIZED ({drawn})"]
    steps += [f"step_{table.number} AS ({table.insert(link)})" for table in tables]
    statement = f"WITH {', '.join(steps)} SELECT key FROM drawn"  # noqa: S608 - names of our own models
    return statement, [table.shared_fields(link) for table in tables]


class _Table:
    """The part of the statement that fills one table; the first is the parents'."""

    def __init__(self, number: int, model: type[models.Model], varying: tuple[str, ...]) -> None:
        meta = model._meta  # noqa: SLF001 - the documented door to a model's fields
        self.number = number
        self.name = meta.db_table
        self.key = meta.pk.column
        self.fields: list[Field] = [f for f in meta.concrete_fields if not f.primary_key]
        by_name = {field.attname: field for field in self.fields}
        self.varying = [by_name[name] for name in varying]
        self.names = [f"own_{number}_{field.column}" for field in self.varying]

    def shared_fields(self, link: str) -> list[Field]:
        return [
            field
            for field in self.fields
            if field not in self.varying and (self.number == 0 or field.attname != link)
        ]

    def insert(self, link: str) -> str:
        shared = self.shared_fields(link)
        key = self.key if self.number == 0 else link
        columns = [key, *(field.column for field in (*self.varying, *shared))]
        values = [
            "key",
            *(
                f"{name}::{_type(field)}"
                for name, field in zip(self.names, self.varying, strict=True)
            ),
            *(f"s.{_quote(field.column)}" for field in shared),
        ]
        return (
            f'INSERT INTO "{self.name}" ({", ".join(map(_quote, columns))}) '  # noqa: S608
            f"SELECT {', '.join(values)} "
            f'FROM drawn, jsonb_populate_record(NULL::"{self.name}", %s::jsonb) AS s'
        )


def _quote(column: str | None) -> str:
    return f'"{column}"'


def _type(field: Field) -> str:
    """The type of the column without a length: a cast to ``varchar(9)`` truncates silently."""
    return LENGTH.sub("", field.db_type(connection) or "")


def _array_type(field: Field) -> str:
    """The type in which an array of values is sent; JSON is sent as text."""
    kind = _type(field)
    return "text" if kind == "jsonb" else kind
