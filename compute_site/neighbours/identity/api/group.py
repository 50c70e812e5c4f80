"""Groups of users, and who is in them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.errors import NoSuchThing
from compute_site.identity.groups import (
    add_member,
    change_group,
    make_group,
    remove_group,
    remove_member,
)
from compute_site.identity.models import User, UserGroup
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed, chosen, cut
from compute_site.neighbours.identity.api.records import DomainRecordList, Kind, RecordDetail
from compute_site.neighbours.identity.api.representation import show_group, show_list, show_user
from compute_site.neighbours.identity.api.serializers import GroupBody
from compute_site.neighbours.identity.api.user import USER, check_reach
from compute_site.policy.rights import MoreRights

GROUP = Kind(
    noun="group",
    plural="groups",
    rows=UserGroup.objects.all,
    rules=policies.GROUPS,
    body=GroupBody,
    listed=Listed({"name": "name", "domain_id": "domain"}),
    order="name",
    show=show_group,
    make=make_group,
    change=change_group,
    remove=remove_group,
    domain="domain_id",
)


class GroupList(DomainRecordList):
    """``/identity/v3/groups``"""

    of = GROUP


class GroupDetail(RecordDetail):
    """``/identity/v3/groups/{key}``"""

    of = GROUP


class MemberList(IdentityView):
    """``GET /identity/v3/groups/{group_id}/users``"""

    query_parameters = USER.listed.parameters

    def get(self, request: Request, group_id: str) -> Response:
        group = GROUP.look_up(group_id)
        self.permit(policies.LIST_MEMBERS, domain_id=GROUP.domain_of(group))
        rows = chosen(GROUP.there(group, group_id).members.all(), request.GET, USER.listed)
        found, more = cut(rows, request.GET, "username")
        items = [show_user(user, root=self.root) for user in found]
        return Response(show_list("users", items, url=request.build_absolute_uri(), more=more))


class Member(IdentityView):
    """``/identity/v3/groups/{group_id}/users/{user_id}``: check, take in, put out."""

    def get(self, request: Request, group_id: str, user_id: str) -> Response:
        group, user, _ = self.both(policies.CHECK_MEMBER, group_id, user_id)
        if not group.members.filter(pk=user.pk).exists():
            raise NoSuchThing(f"The user {user_id} is not in the group {group_id}.")
        return Response(status=204)

    def put(self, request: Request, group_id: str, user_id: str) -> Response:
        group, user, caller = self.both(policies.ADD_MEMBER, group_id, user_id)
        check_group_reach(caller, group)
        add_member(group, user, by=caller.user_id)
        return Response(status=204)

    def delete(self, request: Request, group_id: str, user_id: str) -> Response:
        group, user, caller = self.both(policies.REMOVE_MEMBER, group_id, user_id)
        check_reach(caller, user)
        remove_member(group, user, by=caller.user_id)
        return Response(status=204)

    def both(self, rule: str, group_id: str, user_id: str) -> tuple[UserGroup, User, ValidToken]:
        group = GROUP.look_up(group_id)
        caller = self.permit(rule, domain_id=GROUP.domain_of(group))
        user: User = USER.find(user_id)
        if caller.token.domain_id not in (None, user.domain_id):
            self.permit(rule, domain_id=user.domain_id)
        return GROUP.there(group, group_id), user, caller


class GroupsOfUser(IdentityView):
    """``GET /identity/v3/users/{user_id}/groups``"""

    query_parameters = GROUP.listed.parameters

    def get(self, request: Request, user_id: str) -> Response:
        user = USER.look_up(user_id)
        self.permit(policies.LIST_GROUPS_OF_USER, owner=user_id, domain_id=USER.domain_of(user))
        groups = USER.there(user, user_id).user_groups.all()
        rows = chosen(groups, request.GET, GROUP.listed)
        found, more = cut(rows, request.GET, "name")
        items = [show_group(group, root=self.root) for group in found]
        return Response(show_list("groups", items, url=request.build_absolute_uri(), more=more))


def check_group_reach(caller: ValidToken, group: UserGroup) -> None:
    """Who is no admin takes nobody into a group that holds the role admin anywhere.

    Raises:
        MoreRights: the caller would give a right that the caller does not have.
    """
    if not caller.is_admin and group.assignments.filter(role__name="admin").exists():
        raise MoreRights("Only those who hold the role admin give it to others.")
