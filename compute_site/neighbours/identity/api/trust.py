"""Trusts, and the access rules of application credentials."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.identity.access_rules import MEMBERS, find_rule, remove_rule
from compute_site.identity.assignments import find_role
from compute_site.identity.delegated import check_own
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import AccessRule, Trust
from compute_site.identity.tokens import ValidToken
from compute_site.identity.trusts import (
    TrustOrder,
    check_direct,
    find_trust,
    make_trust,
    remove_trust,
)
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import check_known
from compute_site.neighbours.identity.api.representation import (
    roles_of_trust,
    show_access_rule,
    show_list,
    show_role,
    show_trust,
)
from compute_site.neighbours.identity.api.serializers import TrustBody
from compute_site.neighbours.identity.api.user import USER

TRUSTOR, TRUSTEE = "trustor_user_id", "trustee_user_id"


class TrustView(IdentityView):
    """A trust is seen by who made it and by who got it."""

    def related(self, rule: str, trust_id: str) -> tuple[Trust, ValidToken]:
        """Raises: NoSuchThing: there is no such trust, whoever asks; PolicyRefused."""
        caller = self.caller()
        trust = find_trust(trust_id)
        own = caller.user_id in (trust.trustor_id, trust.trustee_id)
        self.permit(policies.TRUSTS[rule], owner=caller.user_id if own else None)
        check_direct(caller)
        return trust, caller


class TrustList(IdentityView):
    """``/identity/v3/OS-TRUST/trusts``"""

    query_parameters = frozenset((TRUSTOR, TRUSTEE))
    bodies: ClassVar = {"post": ("trust", TrustBody)}

    def get(self, request: Request) -> Response:
        caller = self.caller()
        check_known(request.GET, (TRUSTOR, TRUSTEE))
        rows = Trust.objects.all()
        for name, rule in (
            (TRUSTOR, "list_trusts_for_trustor"),
            (TRUSTEE, "list_trusts_for_trustee"),
        ):
            user = request.GET.get(name)
            if user:
                self.permit(policies.TRUSTS[rule], owner=user)
                if "\0" in user:
                    raise BadRequest(f"{name}: give an id.", field=name)
                rows = rows.filter(**{name.removesuffix("_user_id"): user})
        if not any(request.GET.get(name) for name in (TRUSTOR, TRUSTEE)):
            self.permit(policies.TRUSTS["list_trusts"])
        check_direct(caller)
        items = [show_trust(trust, root=self.root, roles=False) for trust in rows]
        return Response(show_list("trusts", items, url=request.build_absolute_uri()))

    def post(self, request: Request) -> Response:
        caller = self.caller()
        trust = make_trust(caller, TrustOrder(**TrustBody.read_body(self.read_body())))
        return Response({"trust": show_trust(trust, root=self.root)}, status=201)


class TrustDetail(TrustView):
    """``/identity/v3/OS-TRUST/trusts/{trust_id}``"""

    def get(self, request: Request, trust_id: str) -> Response:
        trust, _ = self.related("get_trust", trust_id)
        return Response({"trust": show_trust(trust, root=self.root)})

    def delete(self, request: Request, trust_id: str) -> Response:
        caller = self.caller()
        trust = find_trust(trust_id)
        self.permit(policies.TRUSTS["delete_trust"], owner=trust.trustor_id)
        check_direct(caller)
        remove_trust(trust, by=caller.user_id)
        return Response(status=204)


class TrustRoleList(TrustView):
    """``GET /identity/v3/OS-TRUST/trusts/{trust_id}/roles``"""

    def get(self, request: Request, trust_id: str) -> Response:
        trust, _ = self.related("list_roles_for_trust", trust_id)
        items = [show_role(role, root=self.root) for role in roles_of_trust(trust)]
        return Response(show_list("roles", items, url=request.build_absolute_uri()))


class TrustRole(TrustView):
    """``GET /identity/v3/OS-TRUST/trusts/{trust_id}/roles/{role_id}``"""

    def get(self, request: Request, trust_id: str, role_id: str) -> Response:
        trust, _ = self.related("get_role_for_trust", trust_id)
        if role_id not in trust.roles:
            raise NoSuchThing(f"The trust does not have the role {role_id[:60]}.")
        return Response({"role": show_role(find_role(role_id), root=self.root)})


class AccessRuleView(IdentityView):
    """Users see and delete their own; to see or delete those of others needs a rule."""

    def permitted(self, rule: str, user_id: str) -> ValidToken:
        caller = self.permit(policies.ACCESS_RULES[rule], owner=user_id)
        check_own(caller)
        USER.find(user_id)
        return caller


class AccessRuleList(AccessRuleView):
    """``GET /identity/v3/users/{user_id}/access_rules``"""

    query_parameters = frozenset(MEMBERS)

    def get(self, request: Request, user_id: str) -> Response:
        self.permitted("list_access_rules", user_id)
        check_known(request.GET, self.query_parameters)
        asked = {name: text for name, text in request.GET.items() if "\0" not in text}
        rows = AccessRule.objects.filter(user=user_id, **asked)
        if len(asked) < len(request.GET):
            rows = rows.none()
        items = [show_access_rule(rule, root=self.root) for rule in rows]
        return Response(show_list("access_rules", items, url=request.build_absolute_uri()))


class AccessRuleDetail(AccessRuleView):
    """``/identity/v3/users/{user_id}/access_rules/{access_rule_id}``"""

    def get(self, request: Request, user_id: str, access_rule_id: str) -> Response:
        self.permitted("get_access_rule", user_id)
        rule = find_rule(user_id, access_rule_id)
        return Response({"access_rule": show_access_rule(rule, root=self.root)})

    def delete(self, request: Request, user_id: str, access_rule_id: str) -> Response:
        caller = self.permitted("delete_access_rule", user_id)
        remove_rule(find_rule(user_id, access_rule_id), by=caller.user_id)
        return Response(status=204)
