"""Tokens for what users have signed with their keys for EC2 or S3; the services that got it ask."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.key_login import log_in_by_keys
from compute_site.identity.key_signatures import Ec2Request, check_s3
from compute_site.identity.tokens import revoke_token
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.representation import show_token
from compute_site.neighbours.identity.api.serializers import SignedForEc2, SignedForS3


class Ec2Tokens(IdentityView):
    """``POST /identity/v3/ec2tokens``"""

    bodies: ClassVar = {"post": (SignedForEc2.noun, SignedForEc2)}

    def post(self, request: Request) -> Response:
        self.permit(policies.TOKENS_OF_KEYS["ec2tokens_validate"])
        given = SignedForEc2.read_body(self.read_body())
        headers = {name.strip().lower(): value for name, value in given.pop("headers").items()}
        signed = Ec2Request(**given, headers=headers)
        text, valid = log_in_by_keys(signed.access, signed.check)
        return Response(show_token(valid, root=self.root), headers={"X-Subject-Token": text})


class S3Tokens(IdentityView):
    """``POST /identity/v3/s3tokens``: tells whose request it is. Keystone: nobody gets the token
    itself, so that it is not kept either.
    """

    bodies: ClassVar = {"post": (SignedForS3.noun, SignedForS3)}

    def post(self, request: Request) -> Response:
        self.permit(policies.TOKENS_OF_KEYS["s3tokens_validate"])
        given = SignedForS3.read_body(self.read_body())
        check = partial(check_s3, token=given["token"], signature=given["signature"])
        _, valid = log_in_by_keys(given["access"], check)
        revoke_token(valid.token)
        return Response(show_token(valid, root=self.root))
