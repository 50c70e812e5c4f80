"""Query sets of the hot paths that are compiled to SQL only once.

Django builds and compiles a query set at every use, which costs several times as much as the
database takes to answer. A ``CompiledQuery`` is written as a query set, including the rules of
visibility, and compiled at its first use; after that only the parameters change.

::

    FIND = CompiledQuery(
        lambda caller, flavorid: Flavor.objects.visible_to(caller).filter(flavorid=flavorid)
        .values_list("id", "name")
    )
    rows = FIND.rows(caller, "m1.small")
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.db.prepared import prepared_cursor
from compute_site.db.statements import Statement

Value = str | uuid.UUID
Converters = list[tuple[int, list[Callable[..., Any]], Any]]


class _TextSlot(str):
    """A placeholder for a text parameter; holds the position of its value."""

    __slots__ = ()

    @property
    def number(self) -> int:
        return int(self)


class _UuidSlot(uuid.UUID):
    """A placeholder for a UUID parameter; holds the position of its value."""

    __slots__ = ()

    @property
    def number(self) -> int:
        return self.int


MOST_VALUES = 16
"""Each number of values is compiled by itself; longer lists are too rare to keep."""
PROJECT = "0"
"""The number of the caller's project among the values."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    parameters: Sequence[Any]
    places: Sequence[tuple[int, int]]
    """Which of the parameters are placeholders, and the number of the value of each."""
    converters: Converters


class CompiledQuery:
    """``build`` makes a ``values_list`` from a caller and values. Of the caller it may use the
    project and ``is_admin``; it must not depend on the values, which are placeholders. Without
    ``keeps_plan``, the database makes a plan for the values each time.
    """

    def __init__(
        self, build: Callable[..., QuerySet[Any, Any]], *, keeps_plan: bool = True
    ) -> None:
        self._build = build
        self._keeps_plan = keeps_plan
        self._known: dict[tuple[bool, tuple[type[Value], ...]], _Compiled] = {}

    def rows(self, caller: Caller, *values: Value) -> list[tuple[Any, ...]]:
        """The rows for these values; compiled once for each number and types of values."""
        if len(values) > MOST_VALUES:
            return list(self._build(caller, *values))
        compiled = self._compiled(caller, values)
        statement = self._statement(compiled, caller, values)
        with prepared_cursor(keeps_plans=statement.keeps_plan) as cursor:
            cursor.execute(statement.text, statement.values)
            return _convert(cursor.fetchall(), compiled.converters)

    def statement(self, caller: Caller, *values: Value) -> Statement:
        """What ``rows`` sends for up to ``MOST_VALUES`` values, to be read ahead."""
        return self._statement(self._compiled(caller, values), caller, values)

    def _statement(self, compiled: _Compiled, caller: Caller, values: Sequence[Value]) -> Statement:
        given = (caller.project_id, *values)
        parameters = list(compiled.parameters)
        for place, number in compiled.places:
            parameters[place] = given[number]
        return Statement(compiled.sql, parameters, self._keeps_plan)

    def _compiled(self, caller: Caller, values: Sequence[Value]) -> _Compiled:
        shape = caller.is_admin, tuple(type(value) for value in values)
        compiled = self._known.get(shape)
        if compiled is None:
            compiled = self._known[shape] = self._compile(*shape)
        return compiled

    def _compile(self, is_admin: bool, kinds: tuple[type[Value], ...]) -> _Compiled:
        slots = [_slot(number, kind) for number, kind in enumerate(kinds, start=1)]
        caller = Caller(
            user_id="",
            user_name="",
            project_id=_TextSlot(PROJECT),
            project_name="",
            roles=frozenset(["admin"] if is_admin else []),
            rules=frozenset(),
        )
        query = self._build(caller, *slots).query
        compiler = query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters(expression for expression, *_ in compiler.select)
        places = [
            (place, parameter.number)
            for place, parameter in enumerate(parameters)
            if isinstance(parameter, _TextSlot | _UuidSlot)
        ]
        return _Compiled(sql, parameters, places, [(at, *pair) for at, pair in converters.items()])


def _slot(number: int, kind: type[Value]) -> _TextSlot | _UuidSlot:
    return _UuidSlot(int=number) if issubclass(kind, uuid.UUID) else _TextSlot(number)


def _convert(rows: list[tuple[Any, ...]], converters: Converters) -> list[tuple[Any, ...]]:
    """Apply the converters that Django has for some kinds of fields, such as JSON."""
    if not converters or not rows:
        return rows
    lists = [list(row) for row in rows]
    for at, functions, expression in converters:
        for row in lists:
            for function in functions:
                row[at] = function(row[at], expression, connection)
    return [tuple(row) for row in lists]
