"""What the admin's forms need beyond Django's: fields and controls that take what the APIs take,
and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.fields import InvalidJSONInput

from compute_site.faults import Fault
from compute_site.values.keys import WrongValue
from compute_site.values.strict_json import MalformedJson, Unkeepable, check_keepable, read_json

Reader = Callable[[Any], Any]
"""Returns the value as it is stored, or raises ``WrongValue`` or a fault."""


class StrictJSONField(forms.JSONField):
    """A text in JSON that can be stored and shown again. Django's own field takes NaN, which
    PostgreSQL refuses, NUL characters, and any depth.

    ``kind`` is the class that the value has, ``read`` checks the rest.
    """

    def __init__(self, *, kind: type | None = None, read: Reader | None = None, **kw: Any) -> None:
        self.kind, self.read = kind, read
        super().__init__(**kw)

    def to_python(self, value: Any) -> Any:
        if self.disabled or value in self.empty_values:
            return super().to_python(value)
        try:
            found = read_json(value) if isinstance(value, str) else value
            check_keepable(found)
            return self._checked(found)
        except (MalformedJson, Unkeepable, WrongValue, Fault) as error:
            raise ValidationError(str(error), code="invalid") from None

    def _checked(self, found: Any) -> Any:
        if self.kind is not None and not isinstance(found, self.kind):
            what = "names with values in braces" if self.kind is dict else "a list in brackets"
            raise WrongValue(f"give {what}")
        return found if self.read is None else self.read(found)

    def prepare_value(self, value: Any) -> Any:
        """Nothing is an empty input, and not the word ``null``."""
        return "" if value is None else super().prepare_value(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What the page shows: a text that is no JSON as it was typed."""
        if self.disabled or data is None:
            return super().bound_data(data, initial)
        try:
            return read_json(data)
        except MalformedJson:
            return InvalidJSONInput(data)


def strict_field(column: models.JSONField, read: Reader | None, **options: Any) -> forms.Field:
    """The form field of a column. A column that holds an object or a list unless it is told
    otherwise never holds anything else.
    """
    kind = column.default if column.default in (dict, list) else None
    field = column.formfield(form_class=StrictJSONField, kind=kind, read=read, **options)
    assert field is not None  # noqa: S101 - the columns of forms are editable
    return field


class SafeKeys:
    """Mixed into Django's controls that choose rows by their keys. Text with a NUL character, or
    that is no key of such a row at all, is a wrong choice; Django would look for it in the
    database when it shows the page again, which fails.
    """

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        chosen = super().value_from_datadict(data, files, name)  # type: ignore[misc]
        if isinstance(chosen, list):
            return [_without_nul(key) for key in chosen]
        return chosen if chosen is None else _without_nul(chosen)

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        key = self.field.target_field  # type: ignore[attr-defined]
        known = [word for word in value if not word or _is_key(key, word)]
        return super().optgroups(name, known, attrs)  # type: ignore[misc]


def _without_nul(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _is_key(column: Any, word: str) -> bool:
    try:
        column.to_python(word)
    except ValidationError:
        return False
    return True


class RowSelect(SafeKeys, AutocompleteSelect):
    """Chooses a row."""


class RowSelectMultiple(SafeKeys, AutocompleteSelectMultiple):
    """Chooses several rows."""


class RowSelects:
    """Mixed into admins and inlines: fields with ``autocomplete_fields`` get the controls above."""

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", RowSelect(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", RowSelectMultiple(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
