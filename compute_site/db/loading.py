"""Rows that were read by plain SQL, as models."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def load(model: type[Row], **values: Any) -> Row:
    """The row with these columns; the others would be read when somebody asks for them."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's public model API
    names = [field.attname for field in fields if field.attname in values]
    return model.from_db(DEFAULT_DB_ALIAS, names, [values[name] for name in names])
