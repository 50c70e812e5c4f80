"""Application credentials of a user."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.credentials import (
    CredentialOrder,
    check_unrestricted,
    delete_credential,
    make_credential,
)
from compute_site.identity.delegated import check_own
from compute_site.identity.errors import ForeignUser, NoSuchThing
from compute_site.identity.models import ApplicationCredential
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.representation import show_credential, show_list
from compute_site.neighbours.identity.api.serializers import CredentialCreate


class CredentialView(IdentityView):
    """Users make, see and delete their own; to see or delete those of others needs a rule."""

    def credentials(self, rule: str, user_id: str) -> QuerySet[ApplicationCredential]:
        check_own(self.permit(rule, owner=user_id))
        return ApplicationCredential.objects.filter(user=user_id)

    def find(self, rule: str, user_id: str, credential_id: str) -> ApplicationCredential:
        found = self.credentials(rule, user_id).filter(pk=credential_id).first()
        if found is None:
            raise NoSuchThing(f"There is no application credential {credential_id}.")
        return found


class CredentialList(CredentialView):
    """``/identity/v3/users/{user_id}/application_credentials``"""

    def get(self, request: Request, user_id: str) -> Response:
        credentials = self.credentials(policies.LIST_CREDENTIALS, user_id)
        if "name" in request.GET:
            credentials = credentials.filter(name=request.GET["name"])
        items = [show_credential(credential, root=self.root) for credential in credentials]
        url = request.build_absolute_uri()
        return Response(show_list("application_credentials", items, url=url))

    def post(self, request: Request, user_id: str) -> Response:
        owner = self.caller()
        if owner.user_id != user_id:
            raise ForeignUser("Users make application credentials for themselves alone.")
        credential, secret = make_credential(
            owner, CredentialOrder(**CredentialCreate.read_body(self.read_body()))
        )
        shown = show_credential(credential, root=self.root, secret=secret)
        return Response({"application_credential": shown}, status=201)


class CredentialDetail(CredentialView):
    """``/identity/v3/users/{user_id}/application_credentials/{credential_id}``"""

    def get(self, request: Request, user_id: str, credential_id: str) -> Response:
        credential = self.find(policies.GET_CREDENTIAL, user_id, credential_id)
        return Response({"application_credential": show_credential(credential, root=self.root)})

    def delete(self, request: Request, user_id: str, credential_id: str) -> Response:
        caller = self.permit(policies.DELETE_CREDENTIAL, owner=user_id)
        check_unrestricted(caller)
        found = self.find(policies.DELETE_CREDENTIAL, user_id, credential_id)
        delete_credential(found, by=caller.user_id)
        return Response(status=204)
