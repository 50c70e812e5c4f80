"""Stored credentials of users, their pairs of keys for EC2, and stored policies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity import kept
from compute_site.identity.delegated import check_direct
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import StoredCredential, StoredPolicy
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import (
    show_ec2,
    show_list,
    show_policy,
    show_stored,
)
from compute_site.neighbours.identity.api.serializers import (
    Ec2Body,
    PolicyBody,
    StoredCredentialBody,
    StoredCredentialChange,
)
from compute_site.neighbours.identity.api.user import USER

STORED = Kind(
    noun="credential",
    plural="credentials",
    rows=StoredCredential.objects.all,
    rules=policies.STORED,
    body=StoredCredentialBody,
    listed=Listed({"user_id": "user", "type": "type"}, compared=frozenset()),
    order="created_at",
    show=show_stored,
    make=kept.make_stored,
    change=kept.change_stored,
    remove=kept.remove_stored,
)
POLICY = Kind(
    noun="policy",
    plural="policies",
    rows=StoredPolicy.objects.all,
    rules=policies.POLICIES,
    body=PolicyBody,
    listed=Listed({"type": "type"}, compared=frozenset(("type",))),
    order="id",
    show=show_policy,
    make=kept.make_policy,
    change=kept.change_policy,
    remove=kept.remove_policy,
)


class StoredList(RecordList):
    """``/identity/v3/credentials``: the own ones, for admins all."""

    of = STORED

    def in_reach(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        caller = self.caller()
        check_direct(caller)
        if self.holds(caller, self.of.rules["list"]):
            return rows
        return rows.filter(user=caller.user_id)

    def reach_to_make(self) -> ValidToken:
        caller = self.caller()
        check_direct(caller)
        return caller

    def placed(self, members: dict[str, Any]) -> tuple[dict[str, Any], ValidToken]:
        return members, self.permit(self.of.rules["create"], owner=members["user_id"])


class StoredDetail(RecordDetail):
    """``/identity/v3/credentials/{id}``"""

    of = STORED
    bodies: ClassVar = {"patch": ("credential", StoredCredentialChange)}

    def permit_on(self, what: str, thing: Any) -> ValidToken:
        check_direct(self.caller())
        return self.permit(self.of.rules[what], owner=thing.user_id if thing else None)

    def patch(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        row, caller = self.find_permitted("update", key)
        members = StoredCredentialChange.read_body(self.read_body(), partial=True)
        changed = kept.change_stored(row, members, by=caller.user_id)
        return Response({"credential": self.show(changed)})


class PolicyList(RecordList):
    """``/identity/v3/policies``"""

    of = POLICY


class PolicyDetail(RecordDetail):
    """``/identity/v3/policies/{id}``"""

    of = POLICY


class Ec2View(IdentityView):
    """Pairs of keys of a user: everybody has the own."""

    def owned(self, what: str, user_id: str) -> tuple[QuerySet[StoredCredential], ValidToken]:
        caller = self.permit(policies.EC2_KEYS[what], owner=user_id)
        check_direct(caller)
        USER.find(user_id)
        return StoredCredential.objects.filter(user=user_id, type=kept.EC2), caller

    def find(self, what: str, user_id: str, access: str) -> tuple[StoredCredential, ValidToken]:
        rows, caller = self.owned(what, user_id)
        found = rows.filter(pk=kept.id_of_key(access)).first()
        if found is None:
            raise NoSuchThing(f"There is no access key {access[:100]}.")
        return found, caller


class Ec2List(Ec2View):
    """``/identity/v3/users/{user_id}/credentials/OS-EC2``"""

    bodies: ClassVar = {"post": ("", Ec2Body)}

    def get(self, request: Request, user_id: str) -> Response:
        rows, _ = self.owned("list", user_id)
        items = [show_ec2(row, root=self.root) for row in rows.order_by("created_at")]
        return Response(show_list("credentials", items, url=request.build_absolute_uri()))

    def post(self, request: Request, user_id: str) -> Response:
        _, caller = self.owned("create", user_id)
        asked = Ec2Body.read_body(self.read_body())
        made = kept.make_ec2(user_id, asked["tenant_id"], by=caller.user_id)
        return Response({"credential": show_ec2(made, root=self.root)}, status=201)


class Ec2Detail(Ec2View):
    """``/identity/v3/users/{user_id}/credentials/OS-EC2/{access}``"""

    def get(self, request: Request, user_id: str, access: str) -> Response:
        found, _ = self.find("get", user_id, access)
        return Response({"credential": show_ec2(found, root=self.root)})

    def delete(self, request: Request, user_id: str, access: str) -> Response:
        found, caller = self.find("delete", user_id, access)
        kept.remove_stored(found, by=caller.user_id)
        return Response(status=204)
