"""Requests that are signed as RFC 5849 (OAuth 1.0a) says."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from oauthlib.oauth1.rfc5849 import signature

from compute_site.identity.errors import MalformedRequest, WrongSignature

SCHEME = "oauth"
MOST_APART = 600
"""Seconds between the clocks of the client and of the site."""
NEEDED = (
    "oauth_consumer_key",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
)
Check = Callable[[Any, str, str], bool]
METHODS: Mapping[str, Check] = {
    "HMAC-SHA1": signature.verify_hmac_sha1,
    "HMAC-SHA256": signature.verify_hmac_sha256,
    "HMAC-SHA512": signature.verify_hmac_sha512,
    "PLAINTEXT": signature.verify_plaintext,
}


@dataclasses.dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request with what its header ``Authorization`` says."""

    method: str
    url: str
    parameters: tuple[tuple[str, str], ...]
    """All that is signed: those of the header and of the query."""

    @classmethod
    def read(cls, method: str, url: str, header: str) -> SignedRequest:
        """``url`` is that which the client has called.

        Raises:
            MalformedRequest: the header is no such signature, or something is missing in it.
        """
        if header.partition(" ")[0].lower() != SCHEME:
            raise MalformedRequest("Authorization: give an OAuth 1.0 signature (OAuth …).")
        try:
            parameters = signature.collect_parameters(
                uri_query=urlsplit(url).query,
                headers={"Authorization": header},
                exclude_oauth_signature=False,
            )
        except ValueError:
            raise MalformedRequest(
                'Authorization: give name="value" of each, with commas.'
            ) from None
        signed = cls(method, url, tuple(parameters))
        named = [name for name, _ in parameters if name.startswith("oauth_")]
        twice = sorted(name for name in set(named) if named.count(name) > 1)
        if twice:
            raise MalformedRequest(f"Authorization: {twice[0][:60]} is given twice.")
        for name in NEEDED:
            signed.value(name)
        if signed.get("oauth_version", "1.0") != "1.0":
            raise MalformedRequest("Authorization: oauth_version: give 1.0.")
        if signed.value("oauth_signature_method") not in METHODS:
            raise MalformedRequest(
                f"Authorization: oauth_signature_method: give one of {', '.join(METHODS)}."
            )
        return signed

    def get(self, name: str, default: str = "") -> str:
        return dict(self.parameters).get(name, default)

    def value(self, name: str) -> str:
        """Raises: MalformedRequest: it is missing."""
        found = self.get(name)
        if not found or "\0" in found:
            raise MalformedRequest(f"Authorization: {name} is missing.")
        return found

    def check(self, secret: str, token_secret: str = "") -> None:
        """Go on only if it is signed with these two, now.

        Raises:
            MalformedRequest: the time is none.
            WrongSignature: it is signed otherwise, or at another time.
        """
        stamp = self.value("oauth_timestamp")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) == 10):
            raise MalformedRequest("Authorization: oauth_timestamp: give seconds since 1970.")
        if abs(time.time() - int(stamp)) > MOST_APART:
            raise WrongSignature("The signature is of another time: oauth_timestamp is far off.")
        asked = SimpleNamespace(
            http_method=self.method,
            uri=self.url,
            params=[pair for pair in self.parameters if pair[0] != "oauth_signature"],
            signature=self.value("oauth_signature"),
        )
        try:
            right = METHODS[self.value("oauth_signature_method")](asked, secret, token_secret)
        except ValueError:  # a URL or text that cannot be signed
            right = False
        if not right:
            raise WrongSignature("The signature is wrong.")
