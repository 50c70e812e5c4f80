"""Tokens for what was signed with keys for EC2 and S3, as an unmodified client signs."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import HmacV1Auth, SigV2Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.utils import timezone

from compute_site.identity.models import (
    AccessRule,
    ApplicationCredential,
    Domain,
    FailedSignIns,
    Project,
    StoredCredential,
    Token,
    Trust,
    User,
)
from tests.identity.test_domains import READER, SERVERS, V3, Holder, names_of
from tests.identity.test_oauth import Program, program
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient

__all__ = ["program"]
pytestmark = pytest.mark.django_db
EC2, S3 = f"{V3}/ec2tokens", f"{V3}/s3tokens"
URL = "http://ec2.example.org:8773/services/Cloud"
Signed = dict[str, Any]


class Keys:
    """A pair of keys of the member, and what is signed with them."""

    def __init__(self, client: ApiClient, user_id: str, **ties: Any) -> None:
        blob = {"access": "my key", "secret": "my secret", **ties}
        order = {"user_id": user_id, "project_id": ALPHA, "type": "ec2", "blob": json.dumps(blob)}
        client.post(f"{V3}/credentials", {"credential": order}).expect(201)
        self.pair = Credentials("my key", "my secret")

    def wrong(self) -> Keys:
        found = object.__new__(Keys)
        found.pair = Credentials("my key", "another secret")
        return found

    def _body(self, request: AWSRequest, signature: str, params: dict[str, str]) -> Signed:
        parts = urlsplit(request.url)
        return {
            "access": "my key",
            "signature": signature,
            "verb": request.method,
            "host": parts.netloc,
            "path": parts.path,
            "params": params,
            "headers": dict(request.headers.items()),
            "body_hash": hashlib.sha256(b"").hexdigest(),
        }

    def plain(self, version: str, moment: str) -> Signed:
        params = {"Action": "Describe", "Timestamp": moment, "SignatureVersion": version}
        text = f"Describe{moment}"
        if version == "1":
            text = "".join(f"{name}{params[name]}" for name in sorted(params, key=str.lower))
        digest = hmac.digest(str(self.pair.secret_key).encode(), text.encode(), "sha1")
        return {
            "access": "my key",
            "signature": base64.b64encode(digest).decode(),
            "params": params,
        }

    def version_2(self, url: str = URL) -> Signed:
        params = {"Action": "Describe instances", "Filter.1": "~a-b_c*"}
        request = AWSRequest("GET", url, params=params)
        SigV2Auth(self.pair).add_auth(request)
        signed = dict(request.params)
        return self._body(request, signed.pop("Signature"), signed)

    def version_4(self, method: str = "GET") -> Signed:
        """What a POST says stands in its body."""
        text = "Action=Describe%20it&B=~"
        sent = {"url": URL, "data": text} if method == "POST" else {"url": f"{URL}?{text}"}
        request = AWSRequest(method, headers={"Host": "other"}, **sent)
        SigV4Auth(self.pair, "ec2", "RegionOne").add_auth(request)
        signature = request.headers["Authorization"].rpartition("=")[2]
        digest = hashlib.sha256(sent.get("data", "").encode()).hexdigest()
        return self._body(request, signature, dict(parse_qsl(text))) | {"body_hash": digest}

    def version_4_in_query(self) -> Signed:
        request = AWSRequest("GET", f"{URL}?Action=Describe", headers={"Host": "other"})
        SigV4QueryAuth(self.pair, "ec2", "RegionOne").add_auth(request)
        params = dict(parse_qsl(urlsplit(request.url).query))
        return self._body(request, params.pop("X-Amz-Signature"), params)


NOW = timezone.now
WAYS: dict[str, Callable[[Keys], Signed]] = {
    "0": lambda keys: keys.plain("0", NOW().strftime("%Y-%m-%dT%H:%M:%SZ")),
    "1": lambda keys: keys.plain("1", NOW().isoformat()),
    "2": lambda keys: keys.version_2(),
    "4": lambda keys: keys.version_4(),
    "4 of a POST": lambda keys: keys.version_4("POST"),
    "4 in the query": lambda keys: keys.version_4_in_query(),
}


@pytest.fixture
def keys(cast: Cast, as_member: ApiClient) -> Keys:
    return Keys(as_member, cast.member.user_id)


def get_token(client: ApiClient, signed: Signed) -> Holder:
    answer = client.post(EC2, {"credentials": signed}).expect(200)
    return Holder(answer.headers["X-Subject-Token"], answer.json["token"])


def told(answer: Answer) -> str:
    return str(answer.json["error"]["message"])


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_sign(keys: Keys, cast: Cast, as_admin: ApiClient, way: str) -> None:
    signed = WAYS[way](keys)
    client = get_token(as_admin, signed)
    assert client.shown["methods"] == ["ec2credential"]
    assert client.shown["user"]["id"] == cast.member.user_id
    assert client.shown["project"]["id"] == ALPHA
    assert names_of(client.shown) == {"member", "reader"}
    client.get(SERVERS).expect(200)
    as_admin.post(EC2, {"credentials": WAYS[way](keys.wrong())}).expect(401)
    as_admin.post(EC2, {"credentials": {**signed, "signature": signed["signature"][:-2]}}).expect(
        401
    )
    assert FailedSignIns.objects.get(user_id=cast.member.user_id).number == 2


def test_other_names_and_hosts_without_the_port(keys: Keys, as_admin: ApiClient) -> None:
    for noun in ("credential", "ec2Credentials"):
        as_admin.post(EC2, {noun: keys.version_2()}).expect(200)
    portless = keys.version_2("http://ec2.example.org/services/Cloud")
    get_token(as_admin, {**portless, "host": "ec2.example.org:8773"})
    as_admin.post(EC2, {"credentials": {**portless, "host": "elsewhere:8773"}}).expect(401)


def test_only_services_and_admins_ask(
    keys: Keys, as_member: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    for path in (EC2, S3):
        ApiClient().post(path, {"credentials": keys.version_2()}).expect(401)
        as_member.post(path, {"credentials": keys.version_2()}).expect(403)
    roles = as_admin.get(f"{V3}/roles?name=service").json["roles"]
    grant = f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles/{roles[0]['id']}"
    as_admin.put(grant).expect(204)
    as_member.post(EC2, {"credentials": keys.version_2()}).expect(200)


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"access": ""}, 401, "credentials: give access"),
        ({"signature": None}, 401, "credentials: give access"),
        ({"access": "another"}, 404, "There is no such access key"),
        ({"access": 5}, 400, "credentials.access"),
        ({"params": []}, 400, "credentials.params"),
        ({"params": {"a": []}}, 400, "credentials.params"),
        ({"headers": {"a": None}}, 400, "credentials.headers"),
        ({"more": 1}, 400, "credentials.more"),
        ({"token": "x"}, 400, "credentials.token"),
        ({"params": {"SignatureVersion": "3"}}, 400, "credentials.params.SignatureVersion"),
        ({"params": {"SignatureVersion": "0"}}, 400, "credentials.params.Action"),
        ({"verb": ""}, 400, "credentials.verb"),
        ({"params": {}, "headers": {}}, 400, "credentials: give params.SignatureVersion"),
    ],
)
def test_wrong_requests_are_refused(
    keys: Keys, as_admin: ApiClient, change: Signed, status: int, says: str
) -> None:
    answer = as_admin.post(EC2, {"credentials": {**keys.version_2(), **change}}).expect(status)
    assert told(answer).startswith(says)
    assert not Token.objects.filter(methods=["ec2credential"]).exists()


def test_bodies_that_are_none(as_admin: ApiClient) -> None:
    for path in (EC2, S3):
        for body in ({}, [], {"credentials": []}, {"credentials": "x"}):
            assert told(as_admin.post(path, body).expect(400)).startswith("credentials: ")


def test_signatures_expire(keys: Keys, as_admin: ApiClient) -> None:
    for minutes, status in ((-20, 401), (-10, 200), (10, 200), (20, 401)):
        moment = NOW() + dt.timedelta(minutes=minutes)
        signed = keys.plain("0", moment.strftime("%Y%m%dT%H%M%SZ"))
        as_admin.post(EC2, {"credentials": signed}).expect(status)
    as_admin.post(EC2, {"credentials": keys.plain("0", "soon")}).expect(401)
    signed = keys.version_4()
    signed["headers"]["X-Amz-Date"] = "19991231T235959Z"
    as_admin.post(EC2, {"credentials": signed}).expect(401)


def sign_for_s3(keys: Keys, version: str) -> Signed:
    if version == "1":
        text = b"GET\n\n\nMon, 30 Nov 2026 00:00:00 +0000\n/pictures/\xff"
        signature = HmacV1Auth(keys.pair).sign_string(text.decode("latin-1"))
        digest = hmac.digest(str(keys.pair.secret_key).encode(), text, "sha1")
        signature = base64.b64encode(digest).decode()
    else:
        auth = SigV4Auth(keys.pair, "s3", "RegionOne")
        request = AWSRequest("GET", "http://s3/pictures")
        auth.add_auth(request)
        text = auth.string_to_sign(request, auth.canonical_request(request)).encode()
        signature = auth.signature(text.decode(), request)
    token = base64.urlsafe_b64encode(text).decode()
    return {"access": "my key", "signature": signature, "token": token}


@pytest.mark.parametrize("version", ["1", "4"])
def test_what_was_signed_for_s3(keys: Keys, as_admin: ApiClient, cast: Cast, version: str) -> None:
    answer = as_admin.post(S3, {"credentials": sign_for_s3(keys, version)}).expect(200)
    assert answer.json["token"]["user"]["id"] == cast.member.user_id
    assert answer.json["token"]["project"]["id"] == ALPHA
    assert "X-Subject-Token" not in answer.headers
    assert not Token.objects.filter(methods=["ec2credential"]).exists()
    as_admin.post(S3, {"credentials": sign_for_s3(keys.wrong(), version)}).expect(401)
    good = sign_for_s3(keys, version)
    for token, status in (("!", 400), (None, 400), ("QVdTNA==", 401), ("QVdTNAoKCg==", 401)):
        as_admin.post(S3, {"credentials": {**good, "token": token}}).expect(status)


def test_only_services_of_s3_are_signed_for(keys: Keys, as_admin: ApiClient) -> None:
    good = base64.urlsafe_b64decode(sign_for_s3(keys, "4")["token"])
    token = base64.urlsafe_b64encode(good.replace(b"/s3/", b"/ec2/")).decode()
    signed = {"access": "my key", "signature": "x", "token": token}
    as_admin.post(S3, {"credentials": signed}).expect(401)


def test_such_a_token_gives_nothing_on(keys: Keys, as_admin: ApiClient, cast: Cast) -> None:
    client = get_token(as_admin, keys.version_2())
    own = f"{V3}/users/{cast.member.user_id}"
    client.get(f"{own}/credentials/OS-EC2").expect(403)
    client.post(f"{own}/application_credentials", {"application_credential": {"name": "n"}}).expect(
        403
    )
    trust = {
        "trustor_user_id": cast.member.user_id,
        "trustee_user_id": cast.outsider.user_id,
        "project_id": ALPHA,
        "impersonation": True,
        "roles": [{"id": READER}],
    }
    client.post(f"{V3}/OS-TRUST/trusts", {"trust": trust}).expect(403)
    exchanged = {"methods": ["token"], "token": {"id": client.token}}
    ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": exchanged}}).expect(403)


def disable(model: Any, key: str, name: str = "enabled") -> None:
    row = model.objects.get(pk=key)
    setattr(row, name, False)
    row.save()


def test_who_is_disabled_or_has_no_role_gets_none(
    keys: Keys, as_admin: ApiClient, cast: Cast
) -> None:
    signed = {"credentials": keys.version_2()}
    StoredCredential.objects.update(project=BETA)
    as_admin.post(EC2, signed).expect(401)
    StoredCredential.objects.update(project=ALPHA, type="cert")
    as_admin.post(EC2, signed).expect(404)
    StoredCredential.objects.update(type="EC2")
    as_admin.post(EC2, signed).expect(200)
    disable(User, cast.member.user_id, "is_active")
    as_admin.post(EC2, signed).expect(401)


def test_a_project_that_is_disabled(keys: Keys, as_system: Any, cast: Cast) -> None:
    disable(Project, ALPHA)
    as_system.post(EC2, {"credentials": keys.version_2()}).expect(401)


@pytest.fixture
def as_system(as_admin: ApiClient, cast: Cast) -> ApiClient:
    """An admin whose token is not for alpha."""
    grant = f"{V3}/projects/{BETA}/users/{cast.admin.user_id}/roles"
    (admin,) = as_admin.get(f"{V3}/roles?name=admin").json["roles"]
    as_admin.put(f"{grant}/{admin['id']}").expect(204)
    body = {"methods": ["token"], "token": {"id": cast.admin.token}}
    scope = {"project": {"id": BETA}}
    answer = ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": body, "scope": scope}})
    return Holder(answer.expect(201).headers["X-Subject-Token"], answer.json["token"])


def test_keys_without_a_secret_sign_nothing(
    cast: Cast, as_member: ApiClient, as_admin: ApiClient
) -> None:
    for secret in (None, 5, "\ud800"):
        keys = Keys(as_member, cast.member.user_id, secret=secret)
        as_admin.post(EC2, {"credentials": keys.version_2()}).expect(401)
        StoredCredential.objects.all().delete()


def test_keys_of_an_application_credential(
    cast: Cast, as_member: ApiClient, as_admin: ApiClient
) -> None:
    path = f"{V3}/users/{cast.member.user_id}/application_credentials"
    rule = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}
    robot = {"name": "robot", "roles": [{"name": "reader"}], "access_rules": [rule]}
    made = as_member.post(path, {"application_credential": robot}).expect(201)
    credential = made.json["application_credential"]
    keys = Keys(as_member, cast.member.user_id, app_cred_id=credential["id"])
    client = get_token(as_admin, keys.version_2())
    assert names_of(client.shown) == {"reader"}
    assert client.shown["application_credential"]["id"] == credential["id"]
    client.get(SERVERS).expect(200)
    client.get("/flavors").expect(401)
    assert AccessRule.objects.exists()
    StoredCredential.objects.update(project=BETA)
    as_admin.post(EC2, {"credentials": keys.version_2()}).expect(401)
    StoredCredential.objects.update(project=ALPHA)
    ApplicationCredential.objects.update(user=cast.second_member.user_id)
    as_admin.post(EC2, {"credentials": keys.version_2()}).expect(404)
    ApplicationCredential.objects.update(user=cast.member.user_id, expires_at=NOW())
    as_admin.post(EC2, {"credentials": keys.version_2()}).expect(404)


def test_keys_of_an_access_token(cast: Cast, as_admin: ApiClient, program: Program) -> None:
    access = program.get_access(READER)
    keys = Keys(as_admin, cast.admin.user_id, access_token_id=access["oauth_token"])
    client = get_token(as_admin, keys.version_2())
    assert names_of(client.shown) == {"reader"}
    assert client.shown["OS-OAUTH1"]["access_token_id"] == access["oauth_token"]
    own = f"{V3}/users/{cast.admin.user_id}/OS-OAUTH1/access_tokens"
    as_admin.delete(f"{own}/{access['oauth_token']}").expect(204)
    client.get(SERVERS).expect(401)
    as_admin.post(EC2, {"credentials": keys.version_2()}).expect(404)


@pytest.mark.parametrize("impersonation", [True, False])
def test_keys_of_a_trust(cast: Cast, as_admin: ApiClient, impersonation: bool) -> None:
    trust = Trust.objects.create(
        trustor_id=cast.admin.user_id,
        trustee_id=cast.member.user_id,
        holder_id=cast.admin.user_id,
        project_id=ALPHA,
        roles=[READER],
        role="reader",
        impersonation=impersonation,
    )
    for user, status in (
        (cast.member.user_id, 200),
        (cast.admin.user_id, 200 if impersonation else 401),
        (cast.second_member.user_id, 401),
    ):
        keys = Keys(as_admin, user, trust_id=trust.pk)
        answer = as_admin.post(EC2, {"credentials": keys.version_2()}).expect(status)
        if status == 200:
            shown = answer.json["token"]
            assert names_of(shown) == {"reader"}
            assert shown["OS-TRUST:trust"]["id"] == trust.pk
            acts = cast.admin if impersonation else cast.member
            assert shown["user"]["id"] == acts.user_id
        StoredCredential.objects.all().delete()
    keys = Keys(as_admin, cast.member.user_id, trust_id="\0")
    as_admin.post(EC2, {"credentials": keys.version_2()}).expect(404)


def test_domains_that_are_disabled(keys: Keys, as_admin: ApiClient, cast: Cast) -> None:
    other = Domain.objects.create(name="other", enabled=False)
    User.objects.filter(pk=cast.member.user_id).update(domain=other)
    as_admin.post(EC2, {"credentials": keys.version_2()}).expect(401)
