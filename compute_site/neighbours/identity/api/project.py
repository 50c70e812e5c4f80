"""Projects: users see that of their token and list their own; others need a policy rule."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.identity.domains import change_domain, make_domain, remove_domain
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import Domain, Project
from compute_site.identity.projects import (
    change_project,
    make_project,
    parents_of,
    remove_project,
    set_tags,
    subtree_of,
)
from compute_site.identity.tags import tag_text
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed, check_known, is_true
from compute_site.neighbours.identity.api.records import DomainRecordList, Kind, OwnerDetail
from compute_site.neighbours.identity.api.representation import (
    show_domain_as_project,
    show_list,
    show_project,
)
from compute_site.neighbours.identity.api.serializers import ProjectBody, TagsBody
from compute_site.values.keys import WrongValue


def below(rows: QuerySet[Project], parent_id: str) -> QuerySet[Project]:
    """The projects directly in another one, or in none but the domain."""
    if Domain.objects.filter(pk=parent_id).exists():
        return rows.filter(domain=parent_id, parent=None)
    return rows.filter(parent=parent_id)


def words(text: str) -> list[str]:
    return text.split(",")


PROJECT = Kind(
    noun="project",
    plural="projects",
    rows=Project.objects.all,
    rules={
        "list": policies.LIST_PROJECTS,
        "get": policies.GET_PROJECT,
        "create": policies.CREATE_PROJECT,
        "update": policies.UPDATE_PROJECT,
        "delete": policies.DELETE_PROJECT,
    },
    body=ProjectBody,
    listed=Listed(
        {
            "name": "name",
            "enabled": "enabled",
            "domain_id": "domain",
            "parent_id": below,
            "is_domain": lambda rows, _: rows,
            "tags": lambda rows, text: rows.filter(tags__contains=words(text)),
            "tags-any": lambda rows, text: rows.filter(tags__overlap=words(text)),
            "not-tags": lambda rows, text: rows.exclude(tags__contains=words(text)),
            "not-tags-any": lambda rows, text: rows.exclude(tags__overlap=words(text)),
        },
        frozenset(("enabled",)),
    ),
    order="name",
    show=show_project,
    make=make_project,
    change=change_project,
    remove=remove_project,
    domain="domain_id",
)


class ProjectList(DomainRecordList):
    """``/identity/v3/projects``"""

    of = PROJECT

    def get(self, request: Request) -> Response:
        if not is_true(request.GET, "is_domain"):
            return super().get(request)
        check_known(request.GET, ("is_domain", "name", "enabled"))
        _, domain_id = self.reach(policies.LIST_PROJECTS)
        found = Domain.objects.filter(**({} if domain_id is None else {"pk": domain_id}))
        if "name" in request.GET:
            found = found.filter(name=request.GET["name"])
        if "enabled" in request.GET:
            found = found.filter(enabled=is_true(request.GET, "enabled"))
        items = [show_domain_as_project(domain, root=self.root) for domain in found]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))

    def post(self, request: Request) -> Response:
        """A project that is a domain is a domain, as in Keystone."""
        self.reach_to_make()
        members = ProjectBody.read_body(self.read_body())
        if not members.get("is_domain"):
            return super().post(request)
        caller = self.permit(policies.DOMAINS["create"])
        if members.get("domain_id") or members.get("parent_id"):
            raise BadRequest("project.is_domain: a domain lies in nothing.", field="is_domain")
        domain = make_domain(members, by=caller.user_id)
        shown = show_domain_as_project(domain, root=self.root)
        return Response({"project": shown}, status=201)

    def placed(self, members: dict[str, Any]) -> tuple[dict[str, Any], ValidToken]:
        """A project below another one is in the domain of that."""
        parent = members.get("parent_id")
        if "domain_id" not in members and parent is not None and "\0" not in parent:
            above = Project.objects.filter(pk=parent).values_list("domain", flat=True).first()
            own = Domain.objects.filter(pk=parent).values_list("pk", flat=True).first()
            if above or own:
                members = {**members, "domain_id": above or own}
        return super().placed(members)


class OwnProjects(IdentityView):
    """``GET /identity/v3/auth/projects``: the projects for which the caller can get a token."""

    def get(self, request: Request) -> Response:
        projects = Project.objects.of_user(self.caller().user_id).filter(
            enabled=True, domain__enabled=True
        )
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))


PLACING = ("domain_id", "parent_id", "is_domain")
"""Where a project is; a domain is nowhere."""
WAYS = ("parents_as_list", "parents_as_ids", "subtree_as_list", "subtree_as_ids")


class ProjectDetail(OwnerDetail):
    """``/identity/v3/projects/{id}``"""

    of = PROJECT
    query_parameters = frozenset((*WAYS, "domain_id"))

    def permit_on(self, what: str, thing: Any) -> ValidToken:
        return self.permit(
            self.of.rules[what],
            project_id=thing.pk if thing else "none",
            domain_id=self.of.domain_of(thing),
        )

    def get(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        domain = self.domain_of_key(key)
        if domain is not None and "domain_id" not in request.GET:
            self.permit(policies.GET_PROJECT, project_id=key, domain_id=key)
            return Response({"project": show_domain_as_project(domain, root=self.root)})
        project, caller = self.find_permitted("get", key)
        check_known(request.GET, self.query_parameters)
        if request.GET.get("domain_id", project.domain_id) != project.domain_id:
            PROJECT.there(None, key)
        for kind in ("parents", "subtree"):
            if f"{kind}_as_list" in request.GET and f"{kind}_as_ids" in request.GET:
                raise BadRequest(f"{kind}: ask for a list or for ids.", field=kind)
        return Response({"project": self.show(project) | self.around(project, caller)})

    def patch(self, request: Request, **named: str) -> Response:
        """A domain is changed as one (Keystone: it is a project, too)."""
        (key,) = named.values()
        domain = self.domain_of_key(key)
        if domain is None:
            return super().patch(request, **named)
        caller = self.permit(policies.DOMAINS["update"])
        asked = ProjectBody.read_body(self.read_body(), partial=True)
        members = {name: value for name, value in asked.items() if name not in PLACING}
        changed = change_domain(domain, members, by=caller.user_id)
        return Response({"project": show_domain_as_project(changed, root=self.root)})

    def delete(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        domain = self.domain_of_key(key)
        if domain is None:
            return super().delete(request, **named)
        caller = self.permit(policies.DOMAINS["delete"])
        remove_domain(domain, by=caller.user_id)
        return Response(status=204)

    def domain_of_key(self, key: str) -> Domain | None:
        return None if "\0" in key else Domain.objects.filter(pk=key).first()

    def around(self, project: Project, caller: ValidToken) -> dict[str, Any]:
        """The projects above and below. Keystone: lists have those in which the caller has a role,
        and ids have all.
        """
        asked = self.request.GET
        shown: dict[str, Any] = {}
        own: set[str] = set()
        if any(way.endswith("list") for way in asked):
            own = set(Project.objects.of_user(caller.user_id).values_list("pk", flat=True))
        if "parents_as_list" in asked:
            shown["parents"] = [
                {"project": self.show(one)} for one in parents_of(project) if one.pk in own
            ]
        if "parents_as_ids" in asked:
            ids: dict[str, Any] | None = None
            for above in (project.domain_id, *(one.pk for one in reversed(parents_of(project)))):
                ids = {str(above): ids}
            shown["parents"] = ids
        if "subtree_as_list" in asked:
            shown["subtree"] = [
                {"project": self.show(one)} for one in subtree_of(project) if one.pk in own
            ]
        if "subtree_as_ids" in asked:
            shown["subtree"] = ids_below(project.pk, subtree_of(project))
        return shown


def ids_below(project_id: str, subtree: list[Project]) -> dict[str, Any] | None:
    """The ids of what lies in the project, each with what lies in it."""
    ids = {one.pk: ids_below(one.pk, subtree) for one in subtree if one.parent_id == project_id}
    return ids or None


class TagView(IdentityView):
    """Tags of a project; the rules count in that project."""

    def tagged(self, rule: str, project_id: str) -> tuple[Project, ValidToken]:
        project = PROJECT.look_up(project_id)
        caller = self.permit(
            rule,
            project_id=project.pk if project else "none",
            domain_id=PROJECT.domain_of(project),
        )
        return PROJECT.there(project, project_id), caller


class TagList(TagView):
    """``/identity/v3/projects/{project_id}/tags``"""

    bodies = {"put": ("", TagsBody)}

    def get(self, request: Request, project_id: str) -> Response:
        project, _ = self.tagged(policies.LIST_TAGS, project_id)
        return Response(show_list("tags", project.tags, url=request.build_absolute_uri()))

    def put(self, request: Request, project_id: str) -> Response:
        project, caller = self.tagged(policies.UPDATE_TAGS, project_id)
        asked = TagsBody.read_body({"tags": self.read_body()})
        tags = set_tags(project, asked["tags"], by=caller.user_id)
        return Response(show_list("tags", tags, url=request.build_absolute_uri()))

    def delete(self, request: Request, project_id: str) -> Response:
        project, caller = self.tagged(policies.DELETE_TAGS, project_id)
        set_tags(project, (), by=caller.user_id)
        return Response(status=204)


class Tag(TagView):
    """``/identity/v3/projects/{project_id}/tags/{tag}``"""

    def get(self, request: Request, project_id: str, tag: str) -> Response:
        project, _ = self.tagged(policies.GET_TAG, project_id)
        check_tag(project, tag)
        return Response(status=204)

    def put(self, request: Request, project_id: str, tag: str) -> Response:
        project, caller = self.tagged(policies.CREATE_TAG, project_id)
        try:
            tag_text(tag)
        except WrongValue as error:
            raise BadRequest(f"tag: {error}", field="tag") from None
        set_tags(project, [*project.tags, tag], by=caller.user_id)
        return Response(status=201, headers={"Location": request.build_absolute_uri()})

    def delete(self, request: Request, project_id: str, tag: str) -> Response:
        project, caller = self.tagged(policies.DELETE_TAG, project_id)
        check_tag(project, tag)
        set_tags(project, set(project.tags) - {tag}, by=caller.user_id)
        return Response(status=204)


def check_tag(project: Project, tag: str) -> None:
    """Raises: NoSuchThing: the project does not have it."""
    if tag not in project.tags:
        raise NoSuchThing(f"The project has no tag {tag[:100]}.")
