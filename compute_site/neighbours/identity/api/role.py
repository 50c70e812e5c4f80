"""The four roles, and the role assignments of users in projects."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.assignments import (
    ASSIGNMENT_FILTERS,
    assign,
    find_assignments,
    find_role,
    roles_of,
    unassign,
)
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import Role
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import check_known, is_true
from compute_site.neighbours.identity.api.project import find_project
from compute_site.neighbours.identity.api.representation import (
    show_assignment,
    show_list,
    show_role,
)
from compute_site.neighbours.identity.api.user import find_user, find_user_in_reach
from compute_site.policy.rights import MoreRights


class RoleList(IdentityView):
    """``GET /identity/v3/roles``: the four roles are fixed; clients cannot make others."""

    def get(self, request: Request) -> Response:
        self.permit(policies.LIST_ROLES)
        asked = request.GET
        check_known(asked, ("name", "domain_id"))
        shown = [
            show_role(role, root=self.root)
            for role in Role
            if asked.get("name", role.value) == role.value and not asked.get("domain_id")
        ]
        return Response(show_list("roles", shown, url=request.build_absolute_uri()))


class RoleDetail(IdentityView):
    """``GET /identity/v3/roles/{role_id}``"""

    def get(self, request: Request, role_id: str) -> Response:
        self.permit(policies.GET_ROLE)
        return Response({"role": show_role(find_role(role_id), root=self.root)})


class GrantList(IdentityView):
    """``GET /identity/v3/projects/{project_id}/users/{user_id}/roles``: the roles that the user was
    given in the project.
    """

    def get(self, request: Request, project_id: str, user_id: str) -> Response:
        self.permit(policies.LIST_GRANTS, project_id=project_id)
        held = roles_of(find_user(user_id), find_project(project_id))
        shown = [show_role(role, root=self.root) for role in held]
        return Response(show_list("roles", shown, url=request.build_absolute_uri()))


class Grant(IdentityView):
    """One role of the user in the project: check, give or take it away."""

    def get(self, request: Request, project_id: str, user_id: str, role_id: str) -> Response:
        self.permit(policies.CHECK_GRANT, project_id=project_id)
        role = find_role(role_id)
        if role not in roles_of(find_user(user_id), find_project(project_id)):
            raise NoSuchThing(f"The user does not hold the role {role.value} in this project.")
        return Response(status=204)

    def put(self, request: Request, project_id: str, user_id: str, role_id: str) -> Response:
        caller = self.permit(policies.CREATE_GRANT, project_id=project_id)
        user, project, role = find_user(user_id), find_project(project_id), find_role(role_id)
        if role is Role.ADMIN and not caller.is_admin:
            raise MoreRights("Only those who hold the role admin give it to others.")
        assign(user, project, role, by=caller.user_id)
        return Response(status=204)

    def delete(self, request: Request, project_id: str, user_id: str, role_id: str) -> Response:
        caller = self.permit(policies.REVOKE_GRANT, project_id=project_id)
        user = find_user_in_reach(caller, user_id)
        project, role = find_project(project_id), find_role(role_id)
        unassign(user, project, role, by=caller.user_id)
        return Response(status=204)


WORDS = ("effective", "include_names")


class AssignmentList(IdentityView):
    """``GET /identity/v3/role_assignments``"""

    def get(self, request: Request) -> Response:
        self.permit(policies.LIST_ASSIGNMENTS)
        asked = {key: request.GET[key] for key in request.GET}
        check_known(asked, ASSIGNMENT_FILTERS | {*WORDS})
        wants = {key: is_true(asked, key) for key in WORDS}
        shown = [
            show_assignment(found, root=self.root, names=wants["include_names"])
            for found in find_assignments(asked, effective=wants["effective"])
        ]
        return Response(show_list("role_assignments", shown, url=request.build_absolute_uri()))
