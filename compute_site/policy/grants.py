"""Turns declared rules into permissions, and roles into grants of them (guardian object
permissions).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connections, transaction
from django.db.models import Model
from guardian.models import UserObjectPermission

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.derived import holders_in, refresh
from compute_site.identity.models import (
    Domain,
    NamedRole,
    Project,
    ProjectRole,
    Role,
    System,
    User,
    WideRole,
)
from compute_site.identity.seed import SERVICE_ROLE
from compute_site.identity.wide_roles import make_wide_roles, name_of_group
from compute_site.policy.granted import forget
from compute_site.policy.models import RuleDefault
from compute_site.policy.rules import Rule, registry

NEEDED_TABLES = {
    *("guardian_groupobjectpermission", "identity_projectrole", "policy_ruledefault"),
    *("servers_instance", "identity_system", "identity_widerole"),
}

# One statement for any number of projects: the database makes the rows itself.
GRANT_ON_PROJECT = """
INSERT INTO guardian_groupobjectpermission (group_id, permission_id, content_type_id, object_pk)
SELECT entry.group_id, rule.id, rule.content_type_id, entry.project_id
  FROM unnest(%(roles)s::text[], %(rules)s::text[]) AS wanted (role, codename)
  JOIN identity_projectrole entry ON entry.role = wanted.role
  JOIN auth_permission rule
    ON rule.codename = wanted.codename AND rule.content_type_id = %(type)s
 WHERE entry.id = ANY(%(entries)s)
    ON CONFLICT DO NOTHING
"""
GRANT_ON_PLACE = f"""
INSERT INTO guardian_groupobjectpermission (group_id, permission_id, content_type_id, object_pk)
SELECT entry.group_id, rule.id, rule.content_type_id, COALESCE(entry.domain_id, '{System.KEY}')
  FROM unnest(%(roles)s::text[], %(rules)s::text[]) AS wanted (role, codename)
  JOIN identity_widerole entry ON entry.role = wanted.role
  JOIN auth_permission rule
    ON rule.codename = wanted.codename AND rule.content_type_id = %(type)s
 WHERE entry.id = ANY(%(entries)s)
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from constants
GRANT_EVERYWHERE = """
INSERT INTO auth_group_permissions (group_id, permission_id)
SELECT entry.group_id, rule.id
  FROM unnest(%(roles)s::text[], %(rules)s::text[]) AS wanted (role, codename)
  JOIN identity_projectrole entry ON entry.role = wanted.role
  JOIN auth_permission rule
    ON rule.codename = wanted.codename AND rule.content_type_id = %(type)s
 WHERE entry.id = ANY(%(entries)s)
    ON CONFLICT DO NOTHING
"""


@transaction.atomic
def synchronise(using: str = "default", **_: Any) -> None:
    """Make the permissions of all rules exist, and grant the default of each *new* one to every
    role.

    A rule is new as long as its permission does not exist; the grants of the others stay as the
    operators have set them. Runs after each ``migrate``.
    """
    if using != "default" or not _tables_exist(using):
        return
    forget()
    RuleDefault.objects.bulk_create(
        [RuleDefault(rule=name) for name in registry.names], ignore_conflicts=True
    )
    new = _make_permissions(Project, registry)
    instance = apps.get_model("servers", "Instance")
    _make_permissions(instance, [rule for rule in registry if rule.on_instance])
    _synchronise_places()
    if new:
        entries = list(ProjectRole.objects.values_list("id", flat=True))
        rules = [registry[name] for name in new]
        _grant_defaults(entries, rules)
        _grant_to_services(entries, rules)


def _synchronise_places() -> None:
    """The same for what roles hold in domains and on the system; both may be new themselves."""
    System.objects.get_or_create(pk=System.KEY)
    known = list(WideRole.objects.all())
    for model in (Domain, System):
        new = _make_permissions(model, [registry[name] for name in rules_on_place(model)])
        _grant_on_places(known, model, [registry[name] for name in new])
    make_roles_of_places([None, *Domain.objects.all()])


def rules_on_place(model: type[Model]) -> dict[str, Role]:
    """The rules that can be granted in domains, or on the system: name → the smallest role that has
    it by default.
    """
    declared = {
        rule.name: rule.on_system if model is System else rule.in_domain for rule in registry
    }
    return {name: role for name, role in declared.items() if role is not None}


def make_roles_of_places(places: Sequence[Domain | None]) -> None:
    """Make the missing groups of ``Role`` in domains, and with ``None`` on the system, with their
    defaults.
    """
    new = make_wide_roles(places)
    for model in (Domain, System):
        _grant_on_places(new, model, [registry[name] for name in rules_on_place(model)])


def follow_domain(
    instance: Domain, *, created: bool, raw: bool = False, using: str = "default", **_: Any
) -> None:
    """Make the groups of roles in each new domain, and rename them with it (``post_save``)."""
    if raw or using != "default":
        return
    if created:
        make_roles_of_places([instance])
        return
    roles = dict(NamedRole.objects.values_list("pk", "name"))
    for entry in instance.roles_in_it.select_related("group"):
        name = name_of_group(instance, entry.role, roles.get(entry.role, ""))
        if entry.group.name != name:
            Group.objects.filter(pk=entry.group_id).update(name=name)


def follow_roles(entries: Sequence[ProjectRole], **_: Any) -> None:
    """Grant the rules of services to new groups of the role ``service`` (``role_groups_made``)."""
    _grant_to_services([entry.pk for entry in entries], registry)


def forget_role(instance: ProjectRole | WideRole, **_: Any) -> None:
    """Delete the group of a deleted role (signal ``post_delete``)."""
    Group.objects.filter(pk=instance.group_id).delete()


def forget_place(instance: Project | Domain, **_: Any) -> None:
    """Delete the grants to single users on a deleted project or domain (``post_delete``)."""
    UserObjectPermission.objects.filter(
        content_type=ContentType.objects.get_for_model(instance), object_pk=instance.pk
    ).delete()


def follow_project(instance: Project, *, created: bool, raw: bool = False, **_: Any) -> None:
    """Make the role groups of each new project, with those who inherit roles in it, and rename them
    when the project is renamed (signal ``post_save``).
    """
    if raw:
        return
    if created:
        make_roles_of([instance])
        refresh(holders_in([instance.pk]))
        return
    for entry in instance.roles.filter(role__in=Role.values).select_related("group"):
        name = _group_name(instance, Role(entry.role))
        if entry.group.name != name:
            Group.objects.filter(pk=entry.group_id).update(name=name)


def make_roles(project: Project) -> dict[Role, Group]:
    """Make the role groups that the project does not have yet, with the default grants; return
    all of them.
    """
    make_roles_of([project])
    entries = ProjectRole.objects.filter(project=project, role__in=Role.values)
    entries = entries.select_related("group")
    return {Role(entry.role): entry.group for entry in entries}


@transaction.atomic
def make_roles_of(projects: Sequence[Project]) -> None:
    """Make the missing role groups of many projects, for example after a ``bulk_create``."""
    known = set(ProjectRole.objects.filter(project__in=projects).values_list("project_id", "role"))
    missing = [
        (project, role)
        for project in projects
        for role in Role
        if (project.pk, role.value) not in known
    ]
    groups = Group.objects.bulk_create(
        Group(name=_group_name(project, role)) for project, role in missing
    )
    entries = ProjectRole.objects.bulk_create(
        ProjectRole(project=project, role=role, group=group)
        for (project, role), group in zip(missing, groups, strict=True)
    )
    _grant_defaults([entry.pk for entry in entries], registry)


def rules_of_users(obj: Model) -> list[tuple[str, str, list[str]]]:
    """Id, name and rules of each user who holds rules on the object, by name; one statement."""
    rows = UserObjectPermission.objects.filter(
        content_type=ContentType.objects.get_for_model(obj),
        object_pk=str(obj.pk),
        permission__codename__in=list(registry.names),
    )
    by_user = rows.order_by("user__username").values_list("user_id", "user__username")
    rules = ArrayAgg("permission__codename", order_by="permission__codename")
    return list(by_user.annotate(rules=rules))


def set_rules_of_user(obj: Model, user: User, rules: Collection[str]) -> int:
    """Let a user hold exactly these rules on the object, such as a server; returns how many rows
    were taken away.
    """
    content_type = ContentType.objects.get_for_model(obj)
    held = UserObjectPermission.objects.filter(
        user=user, content_type=content_type, object_pk=str(obj.pk)
    )
    known = Permission.objects.filter(content_type=content_type, codename__in=list(registry.names))
    wanted = known.filter(codename__in=rules)
    with transaction.atomic():
        gone, _ = held.filter(permission__in=known).exclude(permission__in=wanted).delete()
        UserObjectPermission.objects.bulk_create(
            (
                UserObjectPermission(
                    user=user, permission=rule, content_type=content_type, object_pk=str(obj.pk)
                )
                for rule in wanted
            ),
            ignore_conflicts=True,
        )
    return gone


def find_default_roles() -> dict[str, Role]:
    """For each rule, the smallest role that holds it in a new project: the site's setting, or else
    the role that the rule declares.
    """
    chosen = dict(RuleDefault.objects.exclude(role="").values_list("rule", "role"))
    return {rule.name: Role(chosen.get(rule.name, rule.role)) for rule in registry}


def set_default_roles(roles: Mapping[str, Role]) -> None:
    """Set, for each of the rules, the smallest role that holds it in projects made from now on."""
    RuleDefault.objects.bulk_create(
        [RuleDefault(rule=rule, role=role) for rule, role in roles.items()],
        update_conflicts=True,
        unique_fields=["rule"],
        update_fields=["role"],
    )


def give_role(user: User, project: Project, role: Role) -> None:
    """Put the user into the group of the role."""
    user.groups.add(ProjectRole.objects.get(project=project, role=role).group_id)


def _group_name(project: Project, role: Role) -> str:
    """Names of projects are unique in their domain, those of Django's groups in the site."""
    if project.domain_id == DOMAIN_ID:
        return f"{project.name}/{role.value}"
    return f"{project.name} ({project.pk})/{role.value}"


def _tables_exist(using: str) -> bool:
    """Are the tables of permissions there? Not after a partial ``migrate``; the next complete one
    calls ``synchronise`` again.
    """
    return set(connections[using].introspection.table_names()) >= NEEDED_TABLES


def _make_permissions(model: type[Model], rules: Iterable[Rule]) -> set[str]:
    """Make the missing permissions and correct changed labels; return what is new."""
    content_type = ContentType.objects.get_for_model(model)
    known = {
        permission.codename: permission
        for permission in Permission.objects.filter(content_type=content_type)
    }
    new: list[Permission] = []
    changed: list[Permission] = []
    for rule in rules:
        permission = known.get(rule.name) or Permission(
            codename=rule.name, content_type=content_type
        )
        if permission.name == rule.label:
            continue
        permission.name = rule.label
        (new if permission.pk is None else changed).append(permission)
    Permission.objects.bulk_create(new)
    Permission.objects.bulk_update(changed, ["name"])
    return {permission.codename for permission in new}


def _grant_defaults(entries: Sequence[int], rules: Iterable[Rule]) -> None:
    """Grant the rules to admins in every project, and to the other roles on their own project
    according to the site's default roles.
    """
    if not entries:
        return
    rules = list(rules)
    smallest = find_default_roles()
    content_type = ContentType.objects.get_for_model(Project).pk
    on_project = [
        (role.value, rule.name)
        for role in Role
        if role is not Role.ADMIN
        for rule in rules
        if smallest[rule.name] in role.implied
    ]
    everywhere = [(Role.ADMIN.value, rule.name) for rule in rules]
    for statement, wanted in ((GRANT_ON_PROJECT, on_project), (GRANT_EVERYWHERE, everywhere)):
        _grant(statement, wanted, entries, content_type)


def _grant_on_places(
    entries: Sequence[WideRole], model: type[Model], rules: Iterable[Rule]
) -> None:
    """Grant the rules in domains, or on the system, to those of these groups that are there."""
    smallest = rules_on_place(model)
    wanted = [
        (role.value, rule.name)
        for role in Role
        for rule in rules
        if smallest[rule.name] in role.implied
    ]
    there = [entry.pk for entry in entries if (entry.domain_id is None) == (model is System)]
    if there and wanted:
        content_type = ContentType.objects.get_for_model(model).pk
        _grant(GRANT_ON_PLACE, wanted, there, content_type)


def _grant_to_services(entries: Sequence[int], rules: Iterable[Rule]) -> None:
    """Grant the rules of services to the role ``service``, in every project, as it has no project
    of its own in OpenStack's policies.
    """
    wanted = [(SERVICE_ROLE, rule.name) for rule in rules if rule.of_services]
    if entries and wanted:
        content_type = ContentType.objects.get_for_model(Project).pk
        _grant(GRANT_EVERYWHERE, wanted, entries, content_type)


def _grant(
    statement: str, wanted: Sequence[tuple[str, str]], entries: Sequence[int], content_type: int
) -> None:
    parameters: dict[str, Any] = {
        "roles": [role for role, _ in wanted],
        "rules": [name for _, name in wanted],
        "type": content_type,
        "entries": list(entries),
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
