"""Projects with the rules that they begin with, and users with their roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import check_password, make_password

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.identity.assignments import Place, end_lost_places, row_of
from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.derived import holders_in, refresh
from compute_site.identity.groups import places_of
from compute_site.identity.models import (
    ApplicationCredential,
    NamedRole,
    Project,
    ProjectRole,
    Role,
    RoleAssignment,
    User,
    UserGroup,
    new_id,
)
from compute_site.identity.tokens import sign_out
from compute_site.policy.grants import make_roles_of, set_default_roles
from compute_site.policy.rules import registry
from compute_site.values.keys import (
    IGNORED,
    Key,
    WrongValue,
    filled_line,
    filled_text,
    flag,
    list_of,
    one_of,
    project_id,
    record,
    text,
)

MEMBERSHIP = {
    "project": Key(text, required=True),
    "role": Key(one_of(*Role.values), default=Role.MEMBER.value),
}


def rule_name(value: Any) -> str:
    if not isinstance(value, str) or value not in registry:
        raise WrongValue(f"there is no rule {value!r}; manage.py list_policies prints all")
    return value


def unpack_policy_defaults(raw: Any) -> Any:
    """Turn the section, written as a mapping of rule to role, into a list of entries."""
    if not isinstance(raw, Mapping):
        return raw
    return [{"rule": rule, "role": role} for rule, role in raw.items()]


def write_policy_defaults(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001
    """Set the default roles for the projects that this file makes and for all later ones."""
    set_default_roles({entry["rule"]: Role(entry["role"]) for entry in entries})


def write_projects(entries: Sequence[Entry], cloud: Cloud) -> None:
    by_id = {project.pk: project for project in Project.objects.all()}
    by_name = {one.name: one for one in by_id.values() if one.domain_id == DOMAIN_ID}
    new = []
    for entry in entries:
        known = by_name.get(entry["name"])
        if entry["id"] is not None:
            if known is not None and known.pk != entry["id"]:
                raise entry.wrong("name", f"project {known.pk} has this name already")
            known = by_id.get(entry["id"])
        fields = {key: entry[key] for key in ("name", "description", "enabled", "tags")}
        if known is None:
            new.append(Project(id=entry["id"] or new_id(), **fields))
        elif any(getattr(known, key) != value for key, value in fields.items()):
            for key, value in fields.items():
                setattr(known, key, value)
            known.save()
    Project.objects.bulk_create(new)
    make_roles_of(new)
    refresh(holders_in([project.pk for project in new]))
    known_ones = Project.objects.values_list("pk", "name", "domain")
    cloud.know_projects((pk, name if of == DOMAIN_ID else pk) for pk, name, of in known_ones)


def write_users(entries: Sequence[Entry], cloud: Cloud) -> None:
    users = User.objects.filter(domain=DOMAIN_ID)
    known = {user.username: user for user in users.filter(username__in=_names(entries))}
    hashes = _password_hashes(entries, known)
    new: list[User] = []
    changed: list[User] = []
    ended: list[str] = []
    for entry in entries:
        user = known.get(entry["name"])
        if user is not None and (user.password != hashes[entry["name"]] or not entry["enabled"]):
            ended.append(user.pk)
        (new if user is None else changed).append(user := user or User(username=entry["name"]))
        user.password = hashes[entry["name"]]
        user.is_active = entry["enabled"]
        user.email = entry["email"]
        memberships = entry["projects"]
        homes = [_project_of(entry, membership, cloud) for membership in memberships]
        user.default_project_id = homes[0] if homes else None
        roles = {membership["role"] for membership in memberships}
        # an admin of the cloud is a superuser of the Django admin
        user.is_staff = user.is_superuser = Role.ADMIN.value in roles
    User.objects.bulk_create(new)
    User.objects.bulk_update(
        changed,
        ["password", "is_active", "email", "default_project", "is_staff", "is_superuser"],
    )
    sign_out(ended)
    ApplicationCredential.objects.filter(user__in=ended, user__is_active=False).delete()
    cloud.know_users(users.values_list("username", "pk"))
    _write_roles(entries, cloud)
    _write_system_roles(entries, cloud)


def _write_system_roles(entries: Sequence[Entry], cloud: Cloud) -> None:
    """Give the users that the file says a role on the system, and no other role of ``Role`` there;
    those of whom it says nothing keep theirs.
    """
    roles = {
        role.name: role for role in NamedRole.objects.filter(name__in=Role.values, domain=None)
    }
    wanted = {cloud.user(entry, "name"): entry["system"] for entry in entries if entry["system"]}
    users = User.objects.in_bulk(wanted)
    rows = [row_of(users[user], Place(), roles[role]) for user, role in sorted(wanted.items())]
    held = RoleAssignment.objects.filter(
        user__in=wanted, project=None, domain=None, role__in=roles.values()
    )
    held.exclude(pk__in=[row.pk for row in rows]).delete()
    RoleAssignment.objects.bulk_create(rows, ignore_conflicts=True)
    end_lost_places(wanted, Place())


def _write_roles(entries: Sequence[Entry], cloud: Cloud) -> None:
    """Give the users exactly the roles that the file lists; take away all others."""
    own = ProjectRole.objects.filter(role__in=Role.values)
    groups = {(entry.project_id, entry.role): entry.group_id for entry in own}
    wanted = {
        (
            cloud.user(entry, "name"),
            groups[_project_of(entry, membership, cloud), membership["role"]],
        )
        for entry in entries
        for membership in entry["projects"]
    }
    through = User.groups.through
    held = through.objects.filter(
        user__in={cloud.user(entry, "name") for entry in entries}, group__in=list(groups.values())
    )
    surplus = [row.pk for row in held if (row.user_id, row.group_id) not in wanted]
    through.objects.filter(pk__in=surplus).delete()
    through.objects.bulk_create(
        [through(user_id=user_id, group_id=group_id) for user_id, group_id in wanted],
        ignore_conflicts=True,
    )
    refresh(cloud.user(entry, "name") for entry in entries)


def write_groups(entries: Sequence[Entry], cloud: Cloud) -> None:
    """Groups of users with exactly these members and these roles in projects; roles elsewhere
    stay.
    """
    groups = _write_rows_of_groups(entries)
    members = {
        (groups[entry["name"]].pk, _user_of(entry, name, cloud))
        for entry in entries
        for name in entry["users"]
    }
    roles = {
        (groups[entry["name"]].pk, _project_of(entry, one, cloud), one["role"])
        for entry in entries
        for one in entry["projects"]
    }
    keys = [group.pk for group in groups.values()]
    held = set(MEMBERSHIPS.objects.filter(usergroup__in=keys).values_list("usergroup", "user"))
    _write_members(held, members)
    _write_roles_of_groups(list(groups.values()), roles)
    refresh({user for _, user in held | members})
    over = held - members
    for place in places_of({group for group, _ in over}):
        end_lost_places({user for _, user in over}, place)


MEMBERSHIPS = UserGroup.members.through


def _write_rows_of_groups(entries: Sequence[Entry]) -> dict[str, UserGroup]:
    own = UserGroup.objects.filter(domain=DOMAIN_ID, name__in=_names(entries))
    groups = {group.name: group for group in own}
    new = [UserGroup(name=name) for name in _names(entries) if name not in groups]
    groups |= {group.name: group for group in new}
    for entry in entries:
        groups[entry["name"]].description = entry["description"]
    UserGroup.objects.bulk_create(new)
    UserGroup.objects.bulk_update(groups.values(), ["description"])
    return groups


def _write_members(held: set[tuple[str, str]], wanted: set[tuple[str, str]]) -> None:
    """Pairs of group and user."""
    over = held - wanted
    rows = MEMBERSHIPS.objects.filter(usergroup__in={group for group, _ in over})
    surplus = rows.values_list("pk", "usergroup", "user")
    gone = [pk for pk, *pair in surplus if tuple(pair) in over]
    MEMBERSHIPS.objects.filter(pk__in=gone).delete()
    new = sorted(wanted - held)
    MEMBERSHIPS.objects.bulk_create(
        MEMBERSHIPS(usergroup_id=group, user_id=user) for group, user in new
    )


def _write_roles_of_groups(groups: Sequence[UserGroup], wanted: set[tuple[str, str, str]]) -> None:
    """Triples of group, project and role."""
    roles = {role.name: role for role in NamedRole.objects.filter(is_built_in=True)}
    by_key = {group.pk: group for group in groups}
    projects = Project.objects.in_bulk({project for _, project, _ in wanted})
    rows = [
        row_of(by_key[group], Place(project=projects[project]), roles[role])
        for group, project, role in sorted(wanted)
    ]
    held = RoleAssignment.objects.filter(
        group__in=groups, project__isnull=False, inherited=False, role__in=roles.values()
    )
    held.exclude(pk__in=[row.pk for row in rows]).delete()
    RoleAssignment.objects.bulk_create(rows, ignore_conflicts=True)


def _user_of(entry: Entry, name: str, cloud: Cloud) -> str:
    found = cloud.find_user(name)
    if found is None:
        raise entry.wrong("users", f"there is no user {name}")
    return found


def _password_hashes(entries: Sequence[Entry], known: dict[str, User]) -> dict[str, str]:
    """The hash of each user's password, one after the other: no more are made at a time anyway."""

    def make_hash(entry: Entry) -> str:
        user, password = known.get(entry["name"]), entry["password"]
        if user is not None and (password is None or check_password(password, user.password)):
            return user.password
        return make_password(password)

    return {entry["name"]: make_hash(entry) for entry in entries}


def _project_of(entry: Entry, membership: dict[str, str], cloud: Cloud) -> str:
    found = cloud.find_project(membership["project"])
    if found is None:
        raise entry.wrong("projects", f"there is no project {membership['project']}")
    return found


def _names(entries: Sequence[Entry]) -> list[str]:
    return [entry["name"] for entry in entries]


LONGEST_DESCRIPTION = 65535

SECTIONS = (
    Section(
        name="policy_defaults",
        label="rule",
        keys={
            "rule": Key(rule_name, required=True),
            "role": Key(one_of(*Role.values), required=True),
        },
        write=write_policy_defaults,
        unpack=unpack_policy_defaults,
    ),
    Section(
        name="projects",
        after=("policy_defaults",),
        keys={
            "id": Key(project_id),
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "enabled": Key(flag, default=True),
            "tags": Key(list_of(filled_line), default=[]),
            "domain_id": IGNORED,
        },
        write=write_projects,
        longest={"name": 64, "description": LONGEST_DESCRIPTION},
        unique=(("name",), ("id",)),
    ),
    Section(
        name="users",
        after=("projects",),
        keys={
            "name": Key(filled_text, required=True),
            "password": Key(filled_text),
            "email": Key(text, default=""),
            "enabled": Key(flag, default=True),
            "projects": Key(list_of(record(MEMBERSHIP)), default=[]),
            "system": Key(one_of(*Role.values)),
        },
        write=write_users,
        longest={"name": 150, "password": 4096},
        unique=(("name",),),
    ),
    Section(
        name="groups",
        after=("users",),
        keys={
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "users": Key(list_of(text), default=[]),
            "projects": Key(list_of(record(MEMBERSHIP)), default=[]),
        },
        write=write_groups,
        longest={"name": 64, "description": LONGEST_DESCRIPTION},
        unique=(("name",),),
    ),
)
