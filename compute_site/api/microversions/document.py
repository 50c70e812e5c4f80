"""Writes docs/microversions.md from the catalogue and from the histories of all serializers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute_site.api.microversions.answers import AnswerSerializer
from compute_site.api.microversions.catalogue import CATALOGUE
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import LEGACY, Microversion

Operation = tuple[str, str, Contract]
"""Method, path below the version, contract."""

MOST_CHOICES = 10

HEAD = """# Microversions

Written by `manage.py write_microversions` from the catalogue and the serializers; a test compares.

A client chooses one with the header `OpenStack-API-Version: compute 2.67` (or the older
`X-OpenStack-Nova-API-Version: 2.67`; `latest` is the newest); without a header it is 2.1.

| Version | What changed |
|---|---|
"""
TABLE_HEAD = """
| Where | Key | Versions | What |
|---|---|---|---|
"""
KEYS = """
## Keys that changed

A key that is not in force is an unknown key. What is not listed is in force from 2.1 on.
`/v2` stands for the old-compatible path.
"""


def write_document(operations: list[Operation]) -> str:
    """The whole text."""
    lines = [f"| {version} | {line} |" for version, line in CATALOGUE.items()]
    parts = [HEAD + "\n".join(lines) + "\n" + KEYS]
    for method, path, contract in operations:
        rows = list(_rows(contract))
        if rows:
            table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
            parts.append(f"\n### {method} {path}\n{TABLE_HEAD}{table}\n")
    return "".join(parts)


def _rows(contract: Contract) -> Iterator[tuple[str, ...]]:
    if contract.query is not None:
        yield from _of_serializer(contract.query, "query", "")
    if contract.body is not None:
        yield from _of_serializer(contract.body, "body", "")
    for key, kind in (contract.answer or {}).items():
        shown = kind[0] if isinstance(kind, list) else kind
        if isinstance(shown, type):
            yield from _of_answer(shown, key)


def _of_serializer(
    serializer: type[VersionedSerializer], where: str, prefix: str
) -> Iterator[tuple[str, ...]]:
    for name, field in serializer.declared().items():
        yield from _of_history(name, field, where, prefix)
        for nested, many in _nested(field):
            key = _key(name, field)
            yield from _of_serializer(nested, where, f"{prefix}{key}.{'*.' if many else ''}")


def _of_answer(answer: type[AnswerSerializer], prefix: str) -> Iterator[tuple[str, ...]]:
    for name, field in answer.declared().items():
        yield from _of_history(name, field, "answer", f"{prefix}.")


def _of_history(name: str, field: Any, where: str, prefix: str) -> Iterator[tuple[str, ...]]:
    if not isinstance(field, History):
        return
    key = f"`{prefix}{_key(name, field)}`"
    for start, end, form in _spans(field):
        versions = "/v2" if start == LEGACY else f"{start} – {end}" if end else f"from {start}"
        yield where, key, versions, _words(form, start)


def _spans(field: History) -> Iterator[tuple[Microversion, Microversion | None, Any]]:
    """First and last version of each form that was in force."""
    starts = list(field.forms)
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        form = field.forms[start]
        if form is not None:
            last = following and Microversion(following.major, following.minor - 1)
            yield start, last, form


def _key(name: str, field: Any) -> str:
    forms = field.forms.values() if isinstance(field, History) else [field]
    return next((form.key for form in forms if form is not None and form.key), name)


def _nested(field: Any) -> Iterator[tuple[type[VersionedSerializer], bool]]:
    """Serializers inside a field, each once, and whether they stand in a list."""
    forms = list(field.forms.values()) if isinstance(field, History) else [field]
    seen = set()
    while forms:
        form = forms.pop(0)
        item = getattr(form, "item", None)
        if isinstance(form, VersionedSerializer) and type(form) not in seen:
            seen.add(type(form))
            yield type(form), False
        if isinstance(item, VersionedSerializer) and type(item) not in seen:
            seen.add(type(item))
            yield type(item), True
        forms += getattr(form, "forms", ())


def _words(form: Any, version: Microversion) -> str:
    schema = form.schema(version)
    words = _schema_words(schema).replace("|", "\\|")
    return f"{words}, required" if getattr(form, "required", False) else words


def _schema_words(schema: Schema) -> str:
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(_schema_words(form) for form in schema["anyOf"])
    if len(schema.get("enum", ())) > MOST_CHOICES:
        return f"one of {len(schema['enum'])} words"
    if "enum" in schema:
        return " ".join(f"`{choice}`" for choice in schema["enum"])
    kind = schema.get("type", "anything")
    words = [kind if isinstance(kind, str) else " or ".join(kind)]
    if schema.get("type") == "array":
        words[0] = f"array of {_schema_words(schema['items'])}"
    if "format" in schema:
        words.append(schema["format"].replace("_", " "))
    for low, high, unit in (
        ("minLength", "maxLength", "characters"),
        ("minItems", "maxItems", "items"),
        ("minimum", "maximum", ""),
    ):
        if low in schema or high in schema:
            words.append(f"{schema.get(low, 0)} to {schema.get(high, '…')} {unit}".strip())
    if "pattern" in schema:
        words.append(f"`{schema['pattern']}`")
    return ", ".join(words)
