"""Projects, for reading."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.envelope import IdentityView
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import Project
from compute_site.identity.representation import show_list, show_project


class ProjectList(IdentityView):
    """``GET /identity/v3/projects``: all of them for the cloud's admin, else the caller's own."""

    def get(self, request: Request) -> Response:
        projects = Project.objects.visible_to(self.caller())
        if "name" in request.GET:
            projects = projects.filter(name=request.GET["name"])
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))


class OwnProjects(IdentityView):
    """``GET /identity/v3/auth/projects``: where the caller can get a token for."""

    def get(self, request: Request) -> Response:
        projects = Project.objects.of_user(self.caller().user_id).filter(enabled=True)
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))


class ProjectDetail(IdentityView):
    """``GET /identity/v3/projects/{project_id}``"""

    def get(self, request: Request, project_id: str) -> Response:
        project = Project.objects.visible_to(self.caller()).filter(pk=project_id).first()
        if project is None:
            raise NoSuchThing(f"There is no project {project_id}.")
        return Response({"project": show_project(project, root=self.root)})
