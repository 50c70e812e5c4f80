"""Projects: users see those in which they have a role; the cloud's admin sees and changes all."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.errors import NoSuchThing
from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Project
from compute_site.identity.projects import change_project, make_project
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import chosen
from compute_site.neighbours.identity.api.representation import show_list, show_project


def find_project(caller: ValidToken, project_id: str) -> Project:
    """Raises: NoSuchThing: there is none that the caller may see."""
    known = "\0" not in project_id
    project = known and Project.objects.visible_to(caller).filter(pk=project_id).first()
    if not project:
        raise NoSuchThing(f"There is no project {project_id}.")
    return project


class ProjectList(IdentityView):
    """``/identity/v3/projects``: all projects for the cloud's admin, otherwise the caller's."""

    def get(self, request: Request) -> Response:
        projects = chosen(
            Project.objects.visible_to(self.caller()),
            request.GET,
            columns={"name": "name", "enabled": "enabled"},
        )
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))

    def post(self, request: Request) -> Response:
        self.admin()
        project = make_project(self.read_body())
        return Response({"project": show_project(project, root=self.root)}, status=201)


class OwnProjects(IdentityView):
    """``GET /identity/v3/auth/projects``: the projects for which the caller can get a token."""

    def get(self, request: Request) -> Response:
        projects = Project.objects.of_user(self.caller().user_id).filter(enabled=True)
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))


class ProjectDetail(IdentityView):
    """``/identity/v3/projects/{project_id}``"""

    def get(self, request: Request, project_id: str) -> Response:
        project = find_project(self.caller(), project_id)
        return Response({"project": show_project(project, root=self.root)})

    def patch(self, request: Request, project_id: str) -> Response:
        project = change_project(find_project(self.admin(), project_id), self.read_body())
        return Response({"project": show_project(project, root=self.root)})

    def delete(self, request: Request, project_id: str) -> Response:
        remove_owner(find_project(self.admin(), project_id))
        return Response(status=204)
