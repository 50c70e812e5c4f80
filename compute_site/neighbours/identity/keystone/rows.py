"""The rows of projects and users that a Keystone elsewhere knows: made when they are first seen,
and changed when it says otherwise. Servers, quotas and grants of rules refer to them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from compute_site.faults import Forbidden
from compute_site.identity.derived import role_groups
from compute_site.identity.models import Domain, Project, Role, User
from compute_site.neighbours.identity.keystone.tokens import KnownToken, Named

Row = TypeVar("Row", Project, User)

NO_PASSWORD = "!"  # noqa: S105 - Django's mark of accounts that nobody signs in with


class IdTooLong(Forbidden):
    """Keystone names the user or project by an id that is longer than those of this site may be."""

    code = "id_too_long"


def note_token(known: KnownToken) -> None:
    """Let there be rows as the token says, and let the user hold those roles in the project which
    it tells, for what is done later without it. One for an application credential does not have all
    roles: it takes none away.
    """
    note_user(known.user)
    if known.project is not None:
        note_project(known.project)
        _hold_roles(known.user.id, known.project.id, known.roles, adds_only=known.by_credential)


def note_user(user: Named) -> None:
    _note(User, "username", user, password=NO_PASSWORD)


def note_project(project: Named) -> None:
    _note(Project, "name", project)


def _note(model: type[Row], column: str, named: Named, **values: Any) -> None:
    longest = model._meta.pk.max_length or 0  # noqa: SLF001 - Django's public model API
    if len(named.id) > longest:
        raise IdTooLong(f"The id {named.id} has more than {longest} characters.")
    rows: models.QuerySet[Any] = model._default_manager.filter(pk=named.id)  # noqa: SLF001 - Django's public model API
    present = rows.values_list(column, flat=True).first()
    if present is not None and present in _names(model, column, named):
        return
    for name in _names(model, column, named):
        try:
            with transaction.atomic():
                if present is None:
                    _note_domain(named)
                    values |= {column: name, "domain_id": named.domain_id}
                    model._default_manager.create(pk=named.id, **values)  # noqa: SLF001
                else:
                    _rename(rows, column, name)
        except IntegrityError:
            if present is None and rows.exists():
                return  # another request was faster
            continue  # another domain has one of that name
        return


def _note_domain(named: Named) -> None:
    """There are rows of domains, in which names are unique; one here may have the name already."""
    if Domain.objects.filter(pk=named.domain_id).exists():
        return
    taken = Domain.objects.filter(name=named.domain_name).exists()
    name = named.domain_id if taken else named.domain_name
    Domain.objects.get_or_create(pk=named.domain_id, defaults={"name": name})


def _rename(rows: models.QuerySet[Any], column: str, name: str) -> None:
    row = rows.get()
    setattr(row, column, name)
    row.save(update_fields=[column])


def _names(model: type[Row], column: str, named: Named) -> Iterator[str]:
    """Names for a row, the best first: Keystone's are unique in a domain only."""
    field: Any = model._meta.get_field(column)  # noqa: SLF001 - Django's public model API
    for more in ("", f" ({named.domain_name})", f" ({named.id})"):
        yield named.name[: field.max_length - len(more)] + more


def _hold_roles(user_id: str, project_id: str, roles: Collection[str], *, adds_only: bool) -> None:
    groups = role_groups({(project_id, role) for role in roles} or {(project_id, Role.READER)})
    wanted = {groups[project_id, role] for role in roles}
    memberships = User.groups.through.objects.filter(user=user_id, group__in=groups.values())
    held = set(memberships.values_list("group", flat=True))
    if not adds_only and held - wanted:
        memberships.exclude(group__in=wanted).delete()
    if wanted - held:
        User.groups.through.objects.bulk_create(
            [User.groups.through(user_id=user_id, group_id=group) for group in wanted - held],
            ignore_conflicts=True,
        )
