"""The four roles, and the role assignments of users in projects."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.assignments import (
    assign,
    find_assignments,
    find_role,
    roles_of,
    unassign,
)
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import Project, Role, User
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import is_true
from compute_site.neighbours.identity.api.project import find_project
from compute_site.neighbours.identity.api.representation import (
    show_assignment,
    show_list,
    show_role,
)
from compute_site.neighbours.identity.api.user import find_user, find_user_in_reach


class RoleList(IdentityView):
    """``GET /identity/v3/roles``: the four roles are fixed; clients cannot make others."""

    def get(self, request: Request) -> Response:
        self.caller()
        asked = request.GET
        shown = [
            show_role(role, root=self.root)
            for role in Role
            if asked.get("name", role.value) == role.value and not asked.get("domain_id")
        ]
        return Response(show_list("roles", shown, url=request.build_absolute_uri()))


class RoleDetail(IdentityView):
    """``GET /identity/v3/roles/{role_id}``"""

    def get(self, request: Request, role_id: str) -> Response:
        self.caller()
        return Response({"role": show_role(find_role(role_id), root=self.root)})


class GrantView(IdentityView):
    """The base of the views of ``/identity/v3/projects/{project_id}/users/{user_id}/roles``."""

    def both(self, project_id: str, user_id: str) -> tuple[User, Project]:
        """The user and the project of the URL, for the cloud's admin."""
        admin = self.admin()
        return find_user(admin, user_id), find_project(admin, project_id)


class GrantList(GrantView):
    """The roles that the user was given in the project."""

    def get(self, request: Request, project_id: str, user_id: str) -> Response:
        held = roles_of(*self.both(project_id, user_id))
        shown = [show_role(role, root=self.root) for role in held]
        return Response(show_list("roles", shown, url=request.build_absolute_uri()))


class Grant(GrantView):
    """One role of the user in the project: check, give or take it away."""

    def get(self, request: Request, project_id: str, user_id: str, role_id: str) -> Response:
        role = find_role(role_id)
        if role not in roles_of(*self.both(project_id, user_id)):
            raise NoSuchThing(f"The user does not hold the role {role.value} in this project.")
        return Response(status=204)

    def put(self, request: Request, project_id: str, user_id: str, role_id: str) -> Response:
        assign(*self.both(project_id, user_id), find_role(role_id))
        return Response(status=204)

    def delete(self, request: Request, project_id: str, user_id: str, role_id: str) -> Response:
        admin = self.admin()
        user = find_user_in_reach(admin, user_id)
        unassign(user, find_project(admin, project_id), find_role(role_id))
        return Response(status=204)


class AssignmentList(IdentityView):
    """``GET /identity/v3/role_assignments``: all for the cloud's admin, otherwise the caller's."""

    def get(self, request: Request) -> Response:
        caller = self.caller()
        asked = {key: request.GET[key] for key in request.GET}
        if not caller.is_admin:
            asked["user.id"] = caller.user_id
        wants = {
            key: key in asked and is_true(asked[key]) for key in ("effective", "include_names")
        }
        shown = [
            show_assignment(found, root=self.root, names=wants["include_names"])
            for found in find_assignments(asked, effective=wants["effective"])
        ]
        return Response(show_list("role_assignments", shown, url=request.build_absolute_uri()))
