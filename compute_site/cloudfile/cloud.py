"""The names and ids in the database that entries may refer to."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from compute_site.cloudfile.entry import Entry

Row = TypeVar("Row", bound=Model)
NAMESPACE = uuid.UUID("a7c5e2c4-5cf5-4d3b-93a4-0f6c3c2b7d10")


class Cloud:
    """The known projects and users: filled by the first sections, used by later ones."""

    def __init__(self) -> None:
        self._projects: dict[str, str] = {}
        self._users: dict[str, str] = {}

    def know_projects(self, ids_and_names: Iterable[tuple[str, str]]) -> None:
        for project_id, name in ids_and_names:
            self._projects[name] = self._projects[project_id] = project_id

    def know_users(self, names_and_ids: Iterable[tuple[str, str]]) -> None:
        self._users = dict(names_and_ids)

    def project(self, entry: Entry, key: str) -> str:
        """The id of the project that the entry names by name or id."""
        found = self.find_project(entry[key])
        if found is None:
            raise entry.wrong(key, f"there is no project {entry[key]}")
        return found

    def find_project(self, word: str) -> str | None:
        return self._projects.get(word)

    def find_user(self, name: str) -> str | None:
        return self._users.get(name)

    def user(self, entry: Entry, key: str) -> str:
        word = entry[key]
        if word not in self._users:
            raise entry.wrong(key, f"there is no user {word}")
        return self._users[word]


def own_id(entry: Entry, kind: str, *parts: str | None) -> uuid.UUID:
    """The id of the entry; for an entry without one, an id that is the same at every load."""
    if entry["id"] is not None:
        found: uuid.UUID = entry["id"]
        return found
    return uuid.uuid5(NAMESPACE, "/".join([kind, *(part or "" for part in parts)]))


def check_ids(entries: Iterable[Entry], key: str, model: type[Model], *, noun: str) -> None:
    """Check that every id under ``key`` is the id of a row.

    Raises:
        CloudFileError: one is not.
    """
    entries = list(entries)
    known = known_ids(model, {entry[key] for entry in entries if entry[key] is not None})
    for entry in entries:
        if entry[key] is not None and entry[key] not in known:
            raise entry.wrong(key, f"there is no {noun} {entry[key]}")


def known_ids(model: type[Model], ids: Collection[Any]) -> set[Any]:
    return set(QuerySet(model).filter(pk__in=ids).values_list("pk", flat=True))


def save_rows(
    model: type[Row], rows: Sequence[Row], *, key: str = "id", keep: Collection[str] = ()
) -> None:
    """Insert the rows, or change those that exist, in one statement.

    ``keep`` names columns that stay unchanged in existing rows, because servers have set them.
    """
    if not rows:
        return
    changed = [
        field.name
        for field in model._meta.concrete_fields  # noqa: SLF001 - public in spite of its name
        if not field.primary_key and field.name not in {key, "created_at", "uuid", *keep}
    ]
    queryset: QuerySet[Row] = QuerySet(model)
    queryset.bulk_create(rows, update_conflicts=True, unique_fields=[key], update_fields=changed)
