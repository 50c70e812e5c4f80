"""Users, for reading."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.envelope import IdentityView
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import Project, User
from compute_site.identity.representation import show_list, show_project, show_user
from compute_site.identity.tokens import ValidToken


def visible_users(caller: ValidToken) -> QuerySet[User]:
    """Everyone for the cloud's admin, else the caller alone."""
    users = User.objects.order_by("username")
    return users if caller.is_admin else users.filter(pk=caller.user_id)


def find_user(caller: ValidToken, user_id: str) -> User:
    user = visible_users(caller).filter(pk=user_id).first()
    if user is None:
        raise NoSuchThing(f"There is no user {user_id}.")
    return user


class UserList(IdentityView):
    """``GET /identity/v3/users``"""

    def get(self, request: Request) -> Response:
        users = visible_users(self.caller())
        if "name" in request.GET:
            users = users.filter(username=request.GET["name"])
        items = [show_user(user, root=self.root) for user in users]
        return Response(show_list("users", items, url=request.build_absolute_uri()))


class UserDetail(IdentityView):
    """``GET /identity/v3/users/{user_id}``"""

    def get(self, request: Request, user_id: str) -> Response:
        return Response({"user": show_user(find_user(self.caller(), user_id), root=self.root)})


class UserProjects(IdentityView):
    """``GET /identity/v3/users/{user_id}/projects``"""

    def get(self, request: Request, user_id: str) -> Response:
        user = find_user(self.caller(), user_id)
        items = [
            show_project(project, root=self.root) for project in Project.objects.of_user(user.pk)
        ]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))
