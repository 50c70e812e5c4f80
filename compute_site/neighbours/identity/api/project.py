"""Projects: users see that of their token and list their own; others need a policy rule."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.errors import NoSuchThing
from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Project
from compute_site.identity.projects import change_project, make_project
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed, chosen, cut
from compute_site.neighbours.identity.api.representation import show_list, show_project
from compute_site.neighbours.identity.api.serializers import ProjectBody


def find_project(project_id: str) -> Project:
    """Raises: NoSuchThing: there is none."""
    project = "\0" not in project_id and Project.objects.filter(pk=project_id).first()
    if not project:
        raise NoSuchThing(f"There is no project {project_id}.")
    return project


LISTED = Listed("name", "enabled", frozenset(("parent_id", "is_domain")))


class ProjectList(IdentityView):
    """``/identity/v3/projects``"""

    def get(self, request: Request) -> Response:
        self.permit(policies.LIST_PROJECTS)
        found, more = cut(chosen(Project.objects.all(), request.GET, LISTED), request.GET, "name")
        items = [show_project(project, root=self.root) for project in found]
        url = request.build_absolute_uri()
        return Response(show_list("projects", items, url=url, more=more))

    def post(self, request: Request) -> Response:
        caller = self.permit(policies.CREATE_PROJECT)
        project = make_project(ProjectBody.read_body(self.read_body()), by=caller.user_id)
        return Response({"project": show_project(project, root=self.root)}, status=201)


class OwnProjects(IdentityView):
    """``GET /identity/v3/auth/projects``: the projects for which the caller can get a token."""

    def get(self, request: Request) -> Response:
        projects = Project.objects.of_user(self.caller().user_id).filter(enabled=True)
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))


class OwnDomains(IdentityView):
    """``GET /identity/v3/auth/domains``: those a token could be for; roles are held in projects."""

    def get(self, request: Request) -> Response:
        self.caller()
        return Response(show_list("domains", [], url=request.build_absolute_uri()))


class OwnSystem(IdentityView):
    """``GET /identity/v3/auth/system``: nobody holds a role on the system as a whole."""

    def get(self, request: Request) -> Response:
        self.caller()
        return Response({"system": [], "links": {"self": request.build_absolute_uri()}})


class ProjectDetail(IdentityView):
    """``/identity/v3/projects/{project_id}``"""

    def get(self, request: Request, project_id: str) -> Response:
        self.permit(policies.GET_PROJECT, project_id=project_id)
        project = find_project(project_id)
        return Response({"project": show_project(project, root=self.root)})

    def patch(self, request: Request, project_id: str) -> Response:
        caller = self.permit(policies.UPDATE_PROJECT, project_id=project_id)
        members = ProjectBody.read_body(self.read_body(), partial=True)
        project = change_project(find_project(project_id), members, by=caller.user_id)
        return Response({"project": show_project(project, root=self.root)})

    def delete(self, request: Request, project_id: str) -> Response:
        caller = self.permit(policies.DELETE_PROJECT, project_id=project_id)
        remove_owner(find_project(project_id), by=caller.user_id)
        return Response(status=204)
