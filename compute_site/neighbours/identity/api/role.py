"""Roles, what they imply, and who holds them where."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.identity.assignments import (
    Assignment,
    Holder,
    Place,
    Wanted,
    assign,
    find_assignments,
    find_role,
    roles_held,
    unassign,
)
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import (
    Domain,
    ImpliedRole,
    NamedRole,
    Project,
    Role,
    User,
    UserGroup,
)
from compute_site.identity.projects import subtree_of
from compute_site.identity.roles import (
    change_role,
    find_rule,
    imply,
    make_role,
    remove_role,
    stop_implying,
)
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.domain import DOMAIN
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed, check_known, is_true
from compute_site.neighbours.identity.api.group import GROUP
from compute_site.neighbours.identity.api.project import PROJECT
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import show_list, show_role
from compute_site.neighbours.identity.api.serializers import RoleBody
from compute_site.neighbours.identity.api.user import USER, check_reach
from compute_site.policy.rights import MoreRights

ROLE = Kind(
    noun="role",
    plural="roles",
    rows=NamedRole.objects.all,
    rules={
        "list": policies.LIST_ROLES,
        "get": policies.GET_ROLE,
        "create": policies.CREATE_ROLE,
        "update": policies.UPDATE_ROLE,
        "delete": policies.DELETE_ROLE,
    },
    body=RoleBody,
    listed=Listed({"name": "name", "domain_id": "domain"}),
    order="name",
    show=show_role,
    make=make_role,
    change=change_role,
    remove=remove_role,
)


class RoleList(RecordList):
    """``/identity/v3/roles``: those of the cloud, or with ``domain_id`` those of a domain."""

    of = ROLE

    def in_reach(self, rows: Any) -> Any:
        self.reach(policies.LIST_ROLES)
        return rows if self.request.GET.get("domain_id") else rows.filter(domain=None)


class RoleDetail(RecordDetail):
    """``/identity/v3/roles/{key}``"""

    of = ROLE

    def permit_on(self, what: str, thing: Any) -> ValidToken:
        """In a domain one sees the roles of the cloud, too."""
        caller = self.caller()
        return self.permit(self.of.rules[what], domain_id=caller.token.domain_id)


class ImpliedList(IdentityView):
    """``GET /identity/v3/roles/{prior_role_id}/implies``"""

    def get(self, request: Request, prior_role_id: str) -> Response:
        self.permit(policies.LIST_IMPLIED)
        prior = find_role(prior_role_id)
        found = NamedRole.objects.filter(implied_by__prior=prior)
        shown = show_inference(prior, list(found), root=self.root)
        links = {"self": request.build_absolute_uri()}
        return Response({"role_inference": shown, "links": links})


class Implied(IdentityView):
    """``/identity/v3/roles/{prior_role_id}/implies/{implied_role_id}``"""

    def get(self, request: Request, prior_role_id: str, implied_role_id: str) -> Response:
        self.permit(policies.GET_IMPLIED)
        prior, implied = find_role(prior_role_id), find_role(implied_role_id)
        find_rule(prior, implied)
        return Response(status=204) if request.method == "HEAD" else self.answer(prior, implied)

    def put(self, request: Request, prior_role_id: str, implied_role_id: str) -> Response:
        caller = self.permit(policies.CREATE_IMPLIED)
        prior, implied = find_role(prior_role_id), find_role(implied_role_id)
        imply(prior, implied, by=caller.user_id)
        return self.answer(prior, implied, status=201)

    def delete(self, request: Request, prior_role_id: str, implied_role_id: str) -> Response:
        caller = self.permit(policies.DELETE_IMPLIED)
        stop_implying(find_role(prior_role_id), find_role(implied_role_id), by=caller.user_id)
        return Response(status=204)

    def answer(self, prior: NamedRole, implied: NamedRole, *, status: int = 200) -> Response:
        shown = {
            "prior_role": show_brief(prior, root=self.root),
            "implies": show_brief(implied, root=self.root),
        }
        links = {"self": self.request.build_absolute_uri()}
        return Response({"role_inference": shown, "links": links}, status=status)


class Inferences(IdentityView):
    """``GET /identity/v3/role_inferences``"""

    def get(self, request: Request) -> Response:
        self.permit(policies.LIST_INFERENCES)
        implied = defaultdict(list)
        for rule in ImpliedRole.objects.select_related("prior", "implied").order_by("pk"):
            implied[rule.prior].append(rule.implied)
        shown = [show_inference(prior, found, root=self.root) for prior, found in implied.items()]
        links = {"self": request.build_absolute_uri()}
        return Response({"role_inferences": shown, "links": links})


def show_inference(prior: NamedRole, implied: list[NamedRole], *, root: str) -> dict[str, Any]:
    return {
        "prior_role": show_brief(prior, root=root),
        "implies": [show_brief(role, root=root) for role in implied],
    }


def show_brief(role: NamedRole, *, root: str) -> dict[str, Any]:
    shown = show_role(role, root=root)
    return {key: shown[key] for key in ("id", "name", "links")}


class GrantView(IdentityView):
    """Roles of a user or group in a project or domain, or on the system; ``inherited``: by the
    projects below.
    """

    inherited = False
    rules = {
        "list": (policies.LIST_GRANTS, policies.LIST_SYSTEM_GRANTS),
        "check": (policies.CHECK_GRANT, policies.CHECK_SYSTEM_GRANT),
        "create": (policies.CREATE_GRANT, policies.CREATE_SYSTEM_GRANT),
        "revoke": (policies.REVOKE_GRANT, policies.REVOKE_SYSTEM_GRANT),
    }

    def found(self, what: str, names: dict[str, str]) -> tuple[Holder, Place, ValidToken]:
        """Who holds the role, where, and the caller, who may do this.

        Raises:
            PolicyRefused: the rule is not granted there.
            NoSuchThing: there is no such user, group, project or domain.
        """
        of_place, of_system = self.rules[what]
        kind, key = next(
            ((kind, names[name]) for name, kind in PLACES.items() if name in names), (None, "")
        )
        thing: Any = None
        if kind is None:
            caller = self.permit(of_system)
        else:
            thing = kind.look_up(key)
            caller = self.permit(
                of_place,
                project_id=key if kind is PROJECT else "none",
                domain_id=kind.domain_of(thing),
            )
            kind.there(thing, key)
        holder_kind, holder_key = (
            (GROUP, names["group_id"]) if "group_id" in names else (USER, names["user_id"])
        )
        place = Place(
            project=thing if isinstance(thing, Project) else None,
            domain=thing if isinstance(thing, Domain) else None,
            inherited=self.inherited,
        )
        return holder_kind.find(holder_key), place, caller


PLACES = {"project_id": PROJECT, "domain_id": DOMAIN}
OF_MANAGERS = frozenset((Role.MANAGER.value, Role.MEMBER.value, Role.READER.value))
"""What the manager of a domain gives and takes."""


class GrantList(GrantView):
    """The roles that a user or group was given there."""

    def get(self, request: Request, **names: str) -> Response:
        holder, place, _ = self.found("list", names)
        shown = [show_role(role, root=self.root) for role in roles_held(holder, place)]
        return Response(show_list("roles", shown, url=request.build_absolute_uri()))


class Grant(GrantView):
    """One role of the user or group there: check, give or take it away."""

    def get(self, request: Request, role_id: str, **names: str) -> Response:
        holder, place, _ = self.found("check", names)
        role = find_role(role_id)
        if role not in roles_held(holder, place):
            raise NoSuchThing(f"The role {role.name} is not held {place.name}.")
        return Response(status=204)

    def put(self, request: Request, role_id: str, **names: str) -> Response:
        holder, place, caller = self.found("create", names)
        role = find_role(role_id)
        check_gives(caller, role)
        assign(holder, place, role, by=caller.user_id)
        return Response(status=204)

    def delete(self, request: Request, role_id: str, **names: str) -> Response:
        holder, place, caller = self.found("revoke", names)
        role = find_role(role_id)
        check_gives(caller, role)
        if isinstance(holder, User):
            check_reach(caller, holder)
        unassign(holder, place, role, by=caller.user_id)
        return Response(status=204)


class InheritedGrantList(GrantList):
    """The roles that the projects below inherit."""

    inherited = True


class InheritedGrant(Grant):
    """One role that the projects below inherit."""

    inherited = True


def check_gives(caller: ValidToken, role: NamedRole) -> None:
    """May the caller give or take this role?

    Raises:
        MoreRights: only admins may; in a domain, those of ``OF_MANAGERS`` are given by managers.
    """
    if caller.is_admin:
        return
    if role.name == Role.ADMIN.value and role.is_built_in:
        raise MoreRights("Only those who hold the role admin give it to others.")
    if caller.token.project_id is None and role.name not in OF_MANAGERS:
        raise MoreRights(f"Managers give the roles {', '.join(sorted(OF_MANAGERS))}.")
    if not role.is_built_in and NamedRole.objects.filter(implied_by__prior=role).exists():
        raise MoreRights("Only those who hold the role admin give roles that imply others.")


WORDS = ("effective", "include_names", "include_subtree")
FILTERS = (
    *("user.id", "group.id", "role.id", "scope.project.id", "scope.domain.id", "scope.system"),
    "scope.OS-INHERIT:inherited_to",
)


class AssignmentList(IdentityView):
    """``GET /identity/v3/role_assignments``"""

    query_parameters = frozenset((*FILTERS, *WORDS))

    def get(self, request: Request) -> Response:
        _, domain_id = self.reach(policies.LIST_ASSIGNMENTS)
        asked = {key: request.GET[key] for key in request.GET}
        check_known(asked, (*FILTERS, *WORDS))
        wants = {key: is_true(asked, key) for key in WORDS}
        wanted = read_wanted(asked, effective=wants["effective"], subtree=wants["include_subtree"])
        wanted = dataclasses.replace(wanted, within=domain_id)
        found = [] if any("\0" in text for text in asked.values()) else find_assignments(wanted)
        shown = show_assignments(found, root=self.root, names=wants["include_names"])
        return Response(show_list("role_assignments", shown, url=request.build_absolute_uri()))


def read_wanted(asked: dict[str, str], *, effective: bool, subtree: bool) -> Wanted:
    """Raises: BadRequest: filters that exclude each other."""
    scopes = [
        key for key in ("scope.project.id", "scope.domain.id", "scope.system") if asked.get(key)
    ]
    if len(scopes) > 1:
        raise BadRequest(f"{scopes[1]}: name one scope.", field=scopes[1])
    if asked.get("user.id") and asked.get("group.id"):
        raise BadRequest("group.id: name a user or a group.", field="group.id")
    if effective and asked.get("group.id"):
        raise BadRequest("effective: a group holds nothing but by its users.", field="effective")
    if subtree and "scope.project.id" not in scopes:
        raise BadRequest("include_subtree: name a project.", field="include_subtree")
    inherited = asked.get("scope.OS-INHERIT:inherited_to")
    if inherited not in (None, "", "projects"):
        raise BadRequest("scope.OS-INHERIT:inherited_to: give projects.", field="inherited_to")
    projects = None
    if asked.get("scope.project.id"):
        projects = [asked["scope.project.id"]]
        top = PROJECT.look_up(projects[0])
        if subtree and top is not None:
            projects += [one.pk for one in subtree_of(top)]
        elif subtree:  # Keystone: a domain is a project, too
            projects += Project.objects.filter(domain=projects[0]).values_list("pk", flat=True)
    return Wanted(
        user_id=asked.get("user.id") or None,
        group_id=asked.get("group.id") or None,
        role_id=asked.get("role.id") or None,
        projects=projects,
        domain_id=asked.get("scope.domain.id") or None,
        on_system=bool(asked.get("scope.system")),
        only_inherited=bool(inherited),
        effective=effective,
    )


def show_assignments(found: list[Assignment], *, root: str, names: bool) -> list[dict[str, Any]]:
    named = find_names(found) if names else {}
    return [show_assignment(one, root=root, named=named) for one in found]


def show_assignment(
    one: Assignment, *, root: str, named: dict[tuple[str, str | None], dict[str, Any]]
) -> dict[str, Any]:
    def show(kind: str, key: str | None) -> dict[str, Any]:
        return {"id": key, **named.get((kind, key), {})}

    scope: dict[str, Any] = {"system": {"all": True}}
    place = "system"
    if one.project_id is not None:
        scope, place = {"project": show("project", one.project_id)}, f"projects/{one.project_id}"
    elif one.domain_id is not None:
        scope, place = {"domain": show("domain", one.domain_id)}, f"domains/{one.domain_id}"
    holder = f"users/{one.user_id}" if one.user_id else f"groups/{one.group_id}"
    url = f"{root}/identity/v3/{place}/{holder}/roles/{one.role_id}"
    if one.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
        url = (
            f"{root}/identity/v3/OS-INHERIT/{place}/{holder}/roles/{one.role_id}"
            "/inherited_to_projects"
        )
    who = {"user": show("user", one.user_id)}
    if one.group_id:
        who = {"group": show("group", one.group_id)}
    return {
        "role": show("role", one.role_id),
        **who,
        "scope": scope,
        "links": {"assignment": url},
    }


def find_names(found: list[Assignment]) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Kind and id → name and domain; a statement a kind."""
    named: dict[tuple[str, str | None], dict[str, Any]] = {}
    domains = dict(Domain.objects.values_list("pk", "name"))
    for kind, model, name in (
        ("user", User, "username"),
        ("group", UserGroup, "name"),
        ("project", Project, "name"),
        ("role", NamedRole, "name"),
    ):
        ids = {getattr(one, f"{kind}_id") for one in found} - {None}
        for key, text, domain in model.objects.filter(pk__in=ids).values_list("pk", name, "domain"):
            named[kind, key] = {"name": text}
            if domain is not None:
                named[kind, key]["domain"] = {"id": domain, "name": domains[domain]}
    for key, text in domains.items():
        named["domain", key] = {"name": text}
    return named
