"""Which endpoints the tokens of a project name (``OS-EP-FILTER``)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity import services
from compute_site.identity.catalog import endpoints_of_group, endpoints_of_project
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import EndpointGroup, EndpointOfProject, Project
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.catalogue import ENDPOINT
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.project import PROJECT
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import (
    show_endpoint,
    show_endpoint_group,
    show_list,
    show_project,
)
from compute_site.neighbours.identity.api.serializers import EndpointGroupBody

GROUP = Kind(
    noun="endpoint_group",
    plural="endpoint_groups",
    rows=EndpointGroup.objects.all,
    rules=policies.ENDPOINT_GROUPS,
    body=EndpointGroupBody,
    listed=Listed({"name": "name"}),
    order="name",
    show=show_endpoint_group,
    make=services.make_endpoint_group,
    change=services.change_endpoint_group,
    remove=services.remove_endpoint_group,
)


class EndpointGroupList(RecordList):
    """``/identity/v3/OS-EP-FILTER/endpoint_groups``"""

    of = GROUP


class EndpointGroupDetail(RecordDetail):
    """``/identity/v3/OS-EP-FILTER/endpoint_groups/{id}``"""

    of = GROUP


class FilterView(IdentityView):
    """Lists and pairs of projects with endpoints or groups of them."""

    def listed(self, key: str, rows: QuerySet[Any], show: Any) -> Response:
        items = [show(row, root=self.root) for row in rows]
        return Response(show_list(key, items, url=self.request.build_absolute_uri()))


class ProjectsOfEndpoint(FilterView):
    """``GET /identity/v3/OS-EP-FILTER/endpoints/{endpoint_id}/projects``"""

    def get(self, request: Request, endpoint_id: str) -> Response:
        self.permit(policies.FILTERED["list_projects_for_endpoint"])
        given = EndpointOfProject.objects.filter(endpoint=ENDPOINT.find(endpoint_id))
        rows = Project.objects.filter(pk__in=given.values("project"))
        return self.listed("projects", rows, show_project)


class EndpointsOfProject(FilterView):
    """``GET /identity/v3/OS-EP-FILTER/projects/{project_id}/endpoints``"""

    def get(self, request: Request, project_id: str) -> Response:
        self.permit(policies.FILTERED["list_endpoints_for_project"])
        rows = endpoints_of_project(PROJECT.find(project_id).pk)
        return self.listed("endpoints", rows, show_endpoint)


class GroupsOfProject(FilterView):
    """``GET /identity/v3/OS-EP-FILTER/projects/{project_id}/endpoint_groups``"""

    def get(self, request: Request, project_id: str) -> Response:
        self.permit(policies.FILTERED["list_endpoint_groups_for_project"])
        rows = EndpointGroup.objects.filter(projects=PROJECT.find(project_id))
        return self.listed("endpoint_groups", rows, show_endpoint_group)


class ProjectsOfGroup(FilterView):
    """``GET /identity/v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects``"""

    def get(self, request: Request, endpoint_group_id: str) -> Response:
        self.permit(policies.FILTERED["list_projects_associated_with_endpoint_group"])
        return self.listed("projects", GROUP.find(endpoint_group_id).projects.all(), show_project)


class EndpointsOfGroup(FilterView):
    """``GET /identity/v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/endpoints``"""

    def get(self, request: Request, endpoint_group_id: str) -> Response:
        self.permit(policies.FILTERED["list_endpoints_associated_with_endpoint_group"])
        rows = endpoints_of_group(GROUP.find(endpoint_group_id))
        return self.listed("endpoints", rows, show_endpoint)


class EndpointInProject(FilterView):
    """``/identity/v3/OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}``"""

    def get(self, request: Request, project_id: str, endpoint_id: str) -> Response:
        self.permit(policies.FILTERED["check_endpoint_in_project"])
        named = {"project": PROJECT.find(project_id), "endpoint": ENDPOINT.find(endpoint_id)}
        if not EndpointOfProject.objects.filter(**named).exists():
            raise NoSuchThing(f"The project {project_id} was not given that.")
        return Response(status=204)

    def put(self, request: Request, project_id: str, endpoint_id: str) -> Response:
        caller = self.permit(policies.FILTERED["add_endpoint_to_project"])
        project, endpoint = PROJECT.find(project_id), ENDPOINT.find(endpoint_id)
        services.give_endpoint(project, endpoint, by=caller.user_id)
        return Response(status=204)

    def delete(self, request: Request, project_id: str, endpoint_id: str) -> Response:
        caller = self.permit(policies.FILTERED["remove_endpoint_from_project"])
        project, endpoint = PROJECT.find(project_id), ENDPOINT.find(endpoint_id)
        services.take_endpoint(project, endpoint, by=caller.user_id)
        return Response(status=204)


class GroupInProject(FilterView):
    """``/identity/v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}``"""

    def get(self, request: Request, endpoint_group_id: str, project_id: str) -> Response:
        self.permit(policies.FILTERED["get_endpoint_group_in_project"])
        group, project = GROUP.find(endpoint_group_id), PROJECT.find(project_id)
        if not group.projects.filter(pk=project.pk).exists():
            raise NoSuchThing(f"The project {project_id} was not given that.")
        shown = {
            "endpoint_group_id": group.pk,
            "project_id": project.pk,
            "links": {"self": request.build_absolute_uri()},
        }
        return Response({"project_endpoint_group": shown})

    def put(self, request: Request, endpoint_group_id: str, project_id: str) -> Response:
        caller = self.permit(policies.FILTERED["add_endpoint_group_to_project"])
        group, project = GROUP.find(endpoint_group_id), PROJECT.find(project_id)
        services.give_endpoint_group(project, group, by=caller.user_id)
        return Response(status=204)

    def delete(self, request: Request, endpoint_group_id: str, project_id: str) -> Response:
        caller = self.permit(policies.FILTERED["remove_endpoint_group_from_project"])
        group, project = GROUP.find(endpoint_group_id), PROJECT.find(project_id)
        services.take_endpoint_group(project, group, by=caller.user_id)
        return Response(status=204)
