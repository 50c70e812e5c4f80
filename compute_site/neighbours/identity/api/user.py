"""Users: a user sees itself; to see, make and change others needs a policy rule."""

from __future__ import annotations

import dataclasses

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Project, User
from compute_site.identity.tokens import ValidToken
from compute_site.identity.users import change_password, change_user, make_user
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.records import DomainRecordList, Kind, OwnerDetail
from compute_site.neighbours.identity.api.representation import show_list, show_project, show_user
from compute_site.neighbours.identity.api.serializers import PasswordChange, UserBody
from compute_site.policy.rights import MoreRights, beyond, rights_of

USER = Kind(
    noun="user",
    plural="users",
    rows=User.objects.all,
    rules={
        "list": policies.LIST_USERS,
        "get": policies.GET_USER,
        "create": policies.CREATE_USER,
        "update": policies.UPDATE_USER,
        "delete": policies.DELETE_USER,
    },
    body=UserBody,
    listed=Listed(
        {"name": "username", "enabled": "is_active", "domain_id": "domain"}, frozenset(("enabled",))
    ),
    order="username",
    show=show_user,
    make=make_user,
    change=change_user,
    remove=remove_owner,
    domain="domain_id",
)


def check_reach(caller: ValidToken, user: User) -> None:
    """May the caller change or delete this user?

    Raises:
        MoreRights: the user has more rights than the caller, as a superuser of the admin
            site has.
    """
    if caller.token.system and caller.is_admin:
        return
    own = rights_of([caller.user_id])[caller.user_id]
    if caller.scope.by_credential:  # it gives no access to the admin site
        own = dataclasses.replace(own, is_superuser=False)
    if beyond(own, [user.pk]):
        raise MoreRights(f"The user {user.pk} has more rights than you have.")


class UserList(DomainRecordList):
    """``/identity/v3/users``"""

    of = USER


class UserDetail(OwnerDetail):
    """``/identity/v3/users/{id}``"""

    of = USER

    def get(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        user = USER.look_up(key)
        self.permit(policies.GET_USER, owner=key, domain_id=USER.domain_of(user))
        return Response({"user": self.show(USER.there(user, key))})

    def find_permitted(self, what: str, key: str) -> tuple[User, ValidToken]:
        user, caller = super().find_permitted(what, key)
        check_reach(caller, user)
        return user, caller


class UserPassword(IdentityView):
    """``POST /identity/v3/users/{user_id}/password``: takes the old password and needs no token."""

    def post(self, request: Request, user_id: str) -> Response:
        asked = PasswordChange.read_body(self.read_body())
        change_password(user_id, asked["original_password"], asked["password"])
        return Response(status=204)


class UserProjects(IdentityView):
    """``GET /identity/v3/users/{user_id}/projects``"""

    def get(self, request: Request, user_id: str) -> Response:
        user = USER.look_up(user_id)
        self.permit(policies.LIST_USER_PROJECTS, owner=user_id, domain_id=USER.domain_of(user))
        projects = Project.objects.of_user(USER.there(user, user_id).pk)
        items = [show_project(project, root=self.root) for project in projects]
        return Response(show_list("projects", items, url=request.build_absolute_uri()))
