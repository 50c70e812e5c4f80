"""Roles in domains and on the system: who holds which, and the groups that have their rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.contrib.auth.models import Group
from django.db import transaction

from compute_site.db.prepared import array, prepared_cursor
from compute_site.identity.derived import implications
from compute_site.identity.models import Domain, NamedRole, Role, RoleAssignment, WideRole

# With what the held roles imply. Roles of domains are left out at the end, as in tokens.
HELD = """
WITH RECURSIVE held (account, place, role) AS (
  SELECT account.id, entry.domain_id, entry.role_id
    FROM unnest(%(users)s::text[]) AS account (id)
    JOIN identity_roleassignment entry
      ON entry.project_id IS NULL AND NOT entry.inherited
     AND (entry.user_id = account.id
          OR entry.group_id IN (SELECT usergroup_id FROM identity_usergroup_members
                                 WHERE user_id = account.id))
   WHERE %(anywhere)s OR entry.domain_id IS NOT DISTINCT FROM %(domain)s::text
   UNION
  SELECT held.account, held.place, inference.implied_id
    FROM held JOIN identity_impliedrole inference ON inference.prior_id = held.role)
SELECT held.account, known.key, entry.group_id
  FROM held
  JOIN (SELECT id, CASE WHEN is_built_in THEN name ELSE id END AS key
          FROM identity_namedrole WHERE domain_id IS NULL) AS known ON known.id = held.role
  LEFT JOIN identity_widerole entry
    ON entry.role = known.key AND entry.domain_id IS NOT DISTINCT FROM held.place
"""


def find_wide_roles(user_id: str, domain_id: str | None) -> dict[str, int | None]:
    """The keys of the roles that a user holds in the domain, or, with ``None``, on the system, with
    all that they imply, and the group of each; one statement.
    """
    return {key: group for _, key, group in _read([user_id], domain_id, anywhere=False)}


def find_wide_groups(user_ids: Iterable[str]) -> dict[str, set[int]]:
    """The groups of the roles that users hold in all domains and on the system; one statement."""
    found: dict[str, set[int]] = defaultdict(set)
    for user_id, _, group in _read(user_ids, None, anywhere=True):
        if group is not None:
            found[user_id].add(group)
    return found


def _read(
    user_ids: Iterable[str], domain_id: str | None, *, anywhere: bool
) -> list[tuple[str, str, int | None]]:
    asked = {"users": array(user_ids), "domain": domain_id, "anywhere": anywhere}
    with prepared_cursor() as cursor:
        cursor.execute(HELD, asked)
        return list(cursor.fetchall())


@transaction.atomic
def make_wide_roles(domains: Collection[Domain | None]) -> list[WideRole]:
    """The groups of ``Role`` in domains, and with ``None`` on the system, that are not there yet;
    they have no rights.
    """
    wanted = {(domain.pk if domain else None, role.value) for domain in domains for role in Role}
    return _make_missing(wanted)


@transaction.atomic
def follow_assignments() -> None:
    """Make the groups of other roles that somebody holds in a domain or on the system, so that they
    can be granted rules there.
    """
    others = {
        role.pk: role.key
        for role in NamedRole.objects.filter(domain=None)
        if not (role.is_built_in and role.key in Role.values)
    }
    held = RoleAssignment.objects.filter(project=None, inherited=False)
    implied = implications()
    _make_missing(
        {
            (domain, others[one])
            for domain, role in held.values_list("domain", "role").distinct()
            for one in (role, *implied.get(role, ()))
            if one in others
        }
    )


def _make_missing(wanted: Collection[tuple[str | None, str]]) -> list[WideRole]:
    known = set(WideRole.objects.values_list("domain", "role"))
    missing = sorted(set(wanted) - known, key=str)
    if not missing:
        return []
    domains = Domain.objects.in_bulk({domain for domain, _ in missing if domain})
    roles = dict(NamedRole.objects.values_list("pk", "name"))
    groups = Group.objects.bulk_create(
        Group(name=name_of_group(domains.get(domain or ""), role, roles.get(role, "")))
        for domain, role in missing
    )
    return WideRole.objects.bulk_create(
        WideRole(domain_id=domain, role=role, group=group)
        for (domain, role), group in zip(missing, groups, strict=True)
    )


def name_of_group(domain: Domain | None, key: str, role: str) -> str:
    """Groups of roles in projects have a stroke before the role; ``role``: of other roles, whose
    names can stand twice.
    """
    place = f"domain {domain.name}" if domain is not None else "system"
    return f"{place}: {f'{role[:20]} ({key})' if role else key}"
