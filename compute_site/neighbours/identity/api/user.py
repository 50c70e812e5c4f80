"""Users: a user sees itself; to see, make and change others needs a policy rule."""

from __future__ import annotations

import dataclasses

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.errors import NoSuchThing
from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Project, User
from compute_site.identity.tokens import ValidToken
from compute_site.identity.users import change_password, change_user, make_user
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed, chosen, cut
from compute_site.neighbours.identity.api.representation import show_list, show_project, show_user
from compute_site.neighbours.identity.api.serializers import PasswordChange, UserBody
from compute_site.policy.rights import MoreRights, beyond, rights_of


def find_user(user_id: str) -> User:
    """Raises: NoSuchThing: there is none."""
    user = "\0" not in user_id and User.objects.filter(pk=user_id).first()
    if not user:
        raise NoSuchThing(f"There is no user {user_id}.")
    return user


def find_user_in_reach(caller: ValidToken, user_id: str) -> User:
    """A user to change or delete.

    Raises:
        NoSuchThing: there is none.
        MoreRights: the user has more rights than the caller, as a superuser of the admin
            site has.
    """
    user = find_user(user_id)
    own = rights_of([caller.user_id])[caller.user_id]
    if caller.scope.by_credential:  # it gives no access to the admin site
        own = dataclasses.replace(own, is_superuser=False)
    if beyond(own, [user.pk]):
        raise MoreRights(f"The user {user_id} has more rights than you have.")
    return user


LISTED = Listed("username", "is_active")


class UserList(IdentityView):
    """``/identity/v3/users``"""

    def get(self, request: Request) -> Response:
        self.permit(policies.LIST_USERS)
        users = chosen(User.objects.all(), request.GET, LISTED)
        found, more = cut(users, request.GET, "username")
        items = [show_user(user, root=self.root) for user in found]
        return Response(show_list("users", items, url=request.build_absolute_uri(), more=more))

    def post(self, request: Request) -> Response:
        caller = self.permit(policies.CREATE_USER)
        user = make_user(UserBody.read_body(self.read_body()), by=caller.user_id)
        return Response({"user": show_user(user, root=self.root)}, status=201)


class UserDetail(IdentityView):
    """``/identity/v3/users/{user_id}``"""

    def get(self, request: Request, user_id: str) -> Response:
        self.permit(policies.GET_USER, owner=user_id)
        return Response({"user": show_user(find_user(user_id), root=self.root)})

    def patch(self, request: Request, user_id: str) -> Response:
        caller = self.permit(policies.UPDATE_USER)
        user = change_user(
            find_user_in_reach(caller, user_id),
            UserBody.read_body(self.read_body(), partial=True),
            by=caller.user_id,
        )
        return Response({"user": show_user(user, root=self.root)})

    def delete(self, request: Request, user_id: str) -> Response:
        caller = self.permit(policies.DELETE_USER)
        remove_owner(find_user_in_reach(caller, user_id), by=caller.user_id)
        return Response(status=204)


class UserPassword(IdentityView):
    """``POST /identity/v3/users/{user_id}/password``: takes the old password and needs no token."""

    def post(self, request: Request, user_id: str) -> Response:
        asked = PasswordChange.read_body(self.read_body())
        change_password(user_id, asked["original_password"], asked["password"])
        return Response(status=204)


class UserProjects(IdentityView):
    """``GET /identity/v3/users/{user_id}/projects``"""

    def get(self, request: Request, user_id: str) -> Response:
        self.permit(policies.LIST_USER_PROJECTS, owner=user_id)
        user = find_user(user_id)
        items = [
            show_project(project, root=self.root) for project in Project.objects.of_user(user.pk)
        ]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))
