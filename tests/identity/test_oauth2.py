"""OAuth 2.0: application credentials get tokens as clients do, which all APIs take as theirs."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from compute_site.identity.models import ApplicationCredential, Token, User
from tests.identity.test_domains import V3
from tests.world.cast import ALPHA, BETA, Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance

pytestmark = pytest.mark.django_db
URL = f"{V3}/OS-OAUTH2/token"
FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


@dataclasses.dataclass(frozen=True)
class Robot:
    """A client: an application credential."""

    id: str
    secret: str

    @property
    def basic(self) -> str:
        return basic(f"{self.id}:{self.secret}")

    @property
    def told(self) -> dict[str, str]:
        return {"client_id": self.id, "client_secret": self.secret}

    def token(self) -> str:
        shown = ask(GRANT, self.basic).expect(200).json
        return str(shown["access_token"])


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def make_robot(owner: Persona, **members: Any) -> Robot:
    path = f"{V3}/users/{owner.user_id}/application_credentials"
    order = {"application_credential": {"name": "robot", **members}}
    made = ApiClient(owner).post(path, order).expect(201).json["application_credential"]
    return Robot(made["id"], made["secret"])


@pytest.fixture
def robot(cast: Cast) -> Robot:
    return make_robot(cast.member, roles=[{"name": "reader"}])


def ask(form: Any, shown: str | None = None, *, as_type: str = FORM) -> Answer:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return ApiClient().post(URL, body, headers={"Content-Type": as_type, "Authorization": shown})


def bearer(path: str, token: str, method: str = "GET", body: Any = None) -> Answer:
    return ApiClient().send(method, path, body, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("way", ["basic", "form", "both"])
def test_a_client_gets_a_token(robot: Robot, cast: Cast, way: str) -> None:
    if way == "form":
        answer = ask({**GRANT, **robot.told})
    else:
        more = {"client_id": robot.id, "scope": ""} if way == "both" else {}
        answer = ask({**GRANT, **more}, robot.basic)
    shown = answer.expect(200).json
    assert set(shown) == {"access_token", "expires_in", "token_type"}
    assert shown["token_type"] == "Bearer"
    assert answer.headers["Cache-Control"] == "no-store"
    token = Token.objects.get(credential=robot.id)
    left = (token.expires_at - timezone.now()).total_seconds()
    assert left - 1 < shown["expires_in"] < left + 60
    headers = {"X-Subject-Token": shown["access_token"]}
    told = ApiClient(cast.admin).get(f"{V3}/auth/tokens", headers=headers).expect(200).json["token"]
    assert told["methods"] == ["application_credential"]
    assert told["user"]["id"] == cast.member.user_id
    assert told["project"]["id"] == ALPHA
    assert {role["name"] for role in told["roles"]} == {"reader"}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({**GRANT, "scope": "reader"}, "invalid_scope"),
        ({**GRANT, "audience": "compute"}, "invalid_request"),
        ([*GRANT.items(), *GRANT.items()], "invalid_request"),
        ({**GRANT, "client_secret": "another"}, "invalid_request"),
        ({**GRANT, "client_id": "another"}, "invalid_request"),
        ({**GRANT, "client_id": "a\0b"}, "invalid_request"),
        (b"grant_type=%ff", "invalid_request"),
        (b"grant_type=\xff", "invalid_request"),
        (b"&".join(b"a%d=1" % number for number in range(200)), "invalid_request"),
    ],
)
def test_wrong_requests_are_told_as_clients_read_it(robot: Robot, form: Any, error: str) -> None:
    answer = ask(form, robot.basic).expect(400)
    assert answer.json["error"] == error
    assert answer.json["error_description"]
    assert set(answer.json) == {"error", "error_description"}
    assert not Token.objects.filter(credential=robot.id).exists()


def test_what_is_no_form_is_refused(robot: Robot) -> None:
    for as_type in ("application/json", "multipart/form-data; boundary=b", "text/plain"):
        answer = ask(json.dumps(GRANT).encode(), robot.basic, as_type=as_type).expect(400)
        assert answer.json["error"] == "invalid_request"
        assert FORM in answer.json["error_description"]
    for method in ("GET", "PUT", "DELETE"):
        answer = ApiClient().send(method, URL, headers={"Authorization": robot.basic}).expect(405)
        assert answer.json["error"] == "other_error"


def test_who_is_no_client_gets_nothing(robot: Robot, cast: Cast) -> None:
    member = cast.member
    shown = (
        *(None, "Basic !!", f"Bearer {robot.secret}", basic(robot.id)),
        *(basic(f"{robot.id}:"), basic(f":{robot.secret}"), basic(f"{robot.id}:wrong")),
        *(basic(f"nobody:{robot.secret}"), basic(f"{member.name}:{member.password}")),
        basic(f"a\0b:{robot.secret}"),
    )
    for header in shown:
        answer = ask(GRANT, header).expect(401)
        assert answer.json["error"] == "invalid_client", header
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    ask({**GRANT, "client_id": robot.id}).expect(401)
    assert not Token.objects.filter(credential=robot.id).exists()


def test_the_client_ends_with_its_credential_and_its_user(cast: Cast, as_admin: ApiClient) -> None:
    member = cast.member
    soon = timezone.now() + dt.timedelta(minutes=5)
    robot = make_robot(member, expires_at=soon.isoformat())
    assert ask(GRANT, robot.basic).json["expires_in"] <= 300
    row = ApplicationCredential.objects.filter(pk=robot.id)
    row.update(expires_at=timezone.now())
    ask(GRANT, robot.basic).expect(401)
    row.update(expires_at=None)
    token = robot.token()
    bearer("/servers", token).expect(200)
    User.objects.filter(pk=member.user_id).update(is_active=False)
    ask(GRANT, robot.basic).expect(401)
    User.objects.filter(pk=member.user_id).update(is_active=True)
    as_admin.delete(f"{V3}/users/{member.user_id}/application_credentials/{robot.id}").expect(204)
    ask(GRANT, robot.basic).expect(401)
    bearer("/servers", token).expect(401)


def test_a_user_who_needs_two_proofs_gets_no_token_by_one(cast: Cast, as_admin: ApiClient) -> None:
    robot = make_robot(cast.member)
    rules = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
    path = f"{V3}/users/{cast.member.user_id}"
    as_admin.patch(path, {"user": {"options": rules}}).expect(200)
    assert ask(GRANT, robot.basic).expect(401).json["error"] == "invalid_client"
    assert not Token.objects.filter(credential=robot.id).exists()


@pytest.mark.parametrize(
    "path",
    [
        *("/servers", "//image/v2/images", "//network/v2.0/networks", "//volume/v3/volumes"),
        *(f"{V3}/auth/projects", f"{V3}/auth/catalog", "//placement/usages?project_id=" + ALPHA),
    ],
)
def test_all_apis_take_the_token_as_a_bearer_s(robot: Robot, path: str) -> None:
    newest = {"OpenStack-API-Version": "placement 1.39"} if "placement" in path else {}
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {robot.token()}", **newest}
        ApiClient().get(path, headers=headers).expect(200)
    ApiClient().get(path, headers={"Authorization": "Bearer no", **newest}).expect(401)
    ApiClient().get(path, headers={"Authorization": "Bearer ", **newest}).expect(401)


def test_a_bearer_is_in_the_own_project_with_the_own_roles(robot: Robot, cast: Cast) -> None:
    own, foreign = make_instance(), make_instance(project_id=BETA)
    token = robot.token()
    bearer(f"/servers/{own.uuid}", token).expect(200)
    bearer(f"/servers/{foreign.uuid}", token).expect(404)
    bearer(f"/servers/{own.uuid}", token, "DELETE").expect(403)
    bearer(f"{V3}/users", token).expect(403)
    both = {"Authorization": f"Bearer {token}", "X-Auth-Token": cast.outsider.token}
    ApiClient().get(f"/servers/{foreign.uuid}", headers=both).expect(200)
    ApiClient().get(f"/servers/{own.uuid}", headers=both).expect(404)


def test_access_rules_bind_a_bearer(cast: Cast) -> None:
    rules = [{"service": "compute", "method": "GET", "path": "/v2.1/flavors"}]
    token = make_robot(cast.member, access_rules=rules).token()
    bearer("/flavors", token).expect(200)
    bearer("/servers", token).expect(401)
    bearer("//network/v2.0/networks", token).expect(401)
