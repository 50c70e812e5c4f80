"""Checks signatures by pairs of keys: those of requests to EC2 (versions 0, 1, 2 and 4) and to S3
(versions 1 and 4), as AWS describes them. The service that got the request tells what it was.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, urlsplit

from django.utils import timezone

from compute_site.identity.errors import MalformedRequest, WrongSignature

VERSION_4 = "AWS4-HMAC-SHA256"
END = "aws4_request"
S3_SERVICES = ("s3", "iam", "sts")
MOST_APART = dt.timedelta(minutes=15)
"""Between the time of a signed request and now."""
WRONG = "The signature is wrong."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ec2Request:
    """What was asked, and its signature. Names of headers are in small letters."""

    access: str
    signature: str
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    verb: str = ""
    host: str = ""
    path: str = ""
    body_hash: str = ""

    def check(self, secret: str) -> None:
        """Go on only if it is signed with the secret, and of now.

        Raises:
            MalformedRequest: what it takes to know that is missing.
            WrongSignature: it is not.
        """
        for asked in self._readings():
            if _is_same(asked.sign(secret), self.signature):
                break
        else:
            raise WrongSignature(WRONG)
        self._check_time()

    def sign(self, secret: str) -> str:
        version = self.params.get("SignatureVersion")
        if version in PLAIN:
            return PLAIN[version](self, secret.encode())
        if version is not None:
            raise MalformedRequest("credentials.params.SignatureVersion: give 0, 1 or 2.")
        return _sign_4(self, secret)

    def need(self, *names: str) -> None:
        """Raises: MalformedRequest: one of them is missing."""
        for name in names:
            if not getattr(self, name):
                raise MalformedRequest(f"credentials.{name}: give what was signed.")

    def param(self, name: str) -> str:
        """Raises: MalformedRequest: it is missing."""
        if name not in self.params:
            raise MalformedRequest(f"credentials.params.{name}: give what was signed.")
        return self.params[name]

    def _readings(self) -> Iterator[Ec2Request]:
        """As it is; and, since some clients sign without it, without the port."""
        yield self
        if ":" in self.host:
            try:
                name = urlsplit(f"//{self.host}").hostname or ""
            except ValueError:
                return
            if name:
                yield dataclasses.replace(self, host=name)

    def _check_time(self) -> None:
        text = (
            self.params.get("Timestamp")
            or self.headers.get("x-amz-date")
            or self.params.get("X-Amz-Date")
        )
        if not text:
            return  # Keystone: whoever signs no time wants none
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise WrongSignature("The time of the signature is none.") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        if abs(timezone.now() - moment) > MOST_APART:
            raise WrongSignature("The signature has expired.")


def check_s3(secret: str, token: str, signature: str) -> None:
    """Go on only if the secret has signed what ``token`` is the base64 of.

    Raises:
        MalformedRequest: it is no base64.
        WrongSignature: it is signed otherwise.
    """
    try:
        signed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise MalformedRequest("credentials.token: give base64, with - and _.") from None
    if not signed.startswith(b"AWS4"):
        right = _in_base64(hmac.digest(secret.encode(), signed, "sha1"))
    else:
        lines = signed.decode(errors="replace").split("\n")
        scope = lines[2].split("/") if len(lines) == 4 else []
        known = lines[0] == VERSION_4 and len(scope) == 4 and scope[3] == END
        if not known or scope[2] not in S3_SERVICES:
            raise WrongSignature(WRONG)
        key = _key_4(secret, scope[0], scope[1], scope[2])
        right = hmac.new(key, signed, "sha256").hexdigest()
    if not _is_same(right, signature):
        raise WrongSignature(WRONG)


def _sign_0(asked: Ec2Request, secret: bytes) -> str:
    text = asked.param("Action") + asked.param("Timestamp")
    return _in_base64(hmac.digest(secret, text.encode(), "sha1"))


def _sign_1(asked: Ec2Request, secret: bytes) -> str:
    text = "".join(name + asked.params[name] for name in sorted(asked.params, key=str.lower))
    return _in_base64(hmac.digest(secret, text.encode(), "sha1"))


def _sign_2(asked: Ec2Request, secret: bytes) -> str:
    asked.need("verb", "host", "path")
    params = {**asked.params, "SignatureMethod": "HmacSHA256"}
    text = f"{asked.verb}\n{asked.host}\n{asked.path}\n{_query(params)}"
    return _in_base64(hmac.digest(secret, text.encode(), "sha256"))


PLAIN: Mapping[str | None, Callable[[Ec2Request, bytes], str]] = {
    "0": _sign_0,
    "1": _sign_1,
    "2": _sign_2,
}


def _sign_4(asked: Ec2Request, secret: str) -> str:
    asked.need("verb", "path", "body_hash")
    names = _told(asked, "SignedHeaders")
    scope = _told(asked, "Credential").split("/")[1:]
    moment = asked.headers.get("x-amz-date") or asked.params.get("X-Amz-Date", "")
    if len(scope) != 4 or not moment.startswith(scope[0]):
        raise WrongSignature("The signature is of another time than the request.")
    lines = [
        f"{name}:{asked.headers[name].strip()}"
        for name in names.split(";")
        if name in asked.headers
    ]
    verb = asked.verb.upper()
    query = "" if verb == "POST" else _query(asked.params)
    whole = "\n".join((verb, asked.path, query, *lines, "", names, asked.body_hash))
    digest = hashlib.sha256(whole.encode()).hexdigest()
    text = "\n".join((VERSION_4, moment, "/".join(scope), digest))
    return hmac.new(_key_4(secret, *scope[:3]), text.encode(), "sha256").hexdigest()


def _told(asked: Ec2Request, name: str) -> str:
    """What the header ``Authorization``, or else a parameter, says of the signature.

    Raises:
        MalformedRequest: neither does.
    """
    header = asked.headers.get("authorization", "")
    if header.startswith(VERSION_4):
        found = header.partition(f"{name}=")[2].partition(",")[0].strip()
    elif asked.params.get("X-Amz-Algorithm") == VERSION_4:
        found = asked.params.get(f"X-Amz-{name}", "")
    else:
        raise MalformedRequest(
            "credentials: give params.SignatureVersion, headers.Authorization or "
            f"params.X-Amz-Algorithm ({VERSION_4})."
        )
    if not found:
        raise MalformedRequest(f"credentials: {name} of the signature is missing.")
    return found


def _key_4(secret: str, *parts: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*parts, END):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _query(params: Mapping[str, str]) -> str:
    return "&".join(
        f"{quote(name, safe='')}={quote(params[name], safe='-_~')}" for name in sorted(params)
    )


def _in_base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _is_same(right: str, given: str) -> bool:
    return hmac.compare_digest(right.encode(), given.encode())
