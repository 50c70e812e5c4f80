"""``OS-REVOKE``: which tokens were ended before their time, whatever they ended with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from compute_site.identity.models import Revocation, Token
from tests.identity.test_domains import MEMBER, V3, Holder, token_of
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient

pytestmark = pytest.mark.django_db
URL = f"{V3}/OS-REVOKE/events"
USER = f"{V3}/users/{Cast.second_member.user_id}"


def events(client: ApiClient, query: str = "") -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get(f"{URL}{query}").expect(200).json["events"]
    return found


def revoke(admin: ApiClient, token: str) -> None:
    admin.delete(f"{V3}/auth/tokens", headers={"X-Subject-Token": token}).expect(204)


def in_alpha() -> Holder:
    return token_of(Cast.second_member.name, {"project": {"id": ALPHA}})


def test_a_revoked_token_is_told(as_admin: ApiClient, cast: Cast) -> None:
    client = in_alpha()
    (audit_id,) = client.shown["audit_ids"]
    before = timezone.now()
    assert events(as_admin) == []
    revoke(as_admin, client.token)
    (event,) = events(as_admin)
    assert set(event) == {"audit_id", "issued_before", "revoked_at"}
    assert event["audit_id"] == audit_id
    assert event["issued_before"] == event["revoked_at"] > client.shown["issued_at"]
    assert before <= dt.datetime.fromisoformat(event["revoked_at"]) <= timezone.now()
    assert events(as_admin, f"?since={before:%Y-%m-%dT%H:%M:%S.%fZ}") == [event]
    later = timezone.now() + dt.timedelta(seconds=1)
    assert events(as_admin, f"?since={later:%Y-%m-%dT%H:%M:%S}") == []
    assert len(events(as_admin, "?since=")) == 1


ENDS: dict[str, Callable[[ApiClient], Any]] = {
    "a new password": lambda admin: admin.patch(USER, {"user": {"password": "another"}}),
    "the user is disabled": lambda admin: admin.patch(USER, {"user": {"enabled": False}}),
    "the project is disabled": lambda admin: admin.patch(
        f"{V3}/projects/{ALPHA}", {"project": {"enabled": False}}
    ),
    "the role is taken": lambda admin: admin.delete(
        f"{V3}/projects/{ALPHA}/users/{Cast.second_member.user_id}/roles/{MEMBER}"
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_so_is_one_that_ends_with_something_else(
    as_admin: ApiClient, end: Callable[[ApiClient], Any]
) -> None:
    client = in_alpha()
    client.get("/servers").expect(200)
    assert end(as_admin).status in (200, 204)
    client.get("/servers").expect(401)
    told = {row.audit_id for row in Revocation.objects.all()}
    assert set(client.shown["audit_ids"]) <= told


def test_tokens_of_an_application_credential_are_told(as_admin: ApiClient, cast: Cast) -> None:
    path = f"{V3}/users/{cast.member.user_id}/application_credentials"
    order = {"application_credential": {"name": "robot"}}
    made = ApiClient(cast.member).post(path, order).expect(201).json["application_credential"]
    proof = {"id": made["id"], "secret": made["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": proof}
    shown = ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity}}).expect(201).json
    as_admin.delete(f"{path}/{made['id']}").expect(204)
    assert [one["audit_id"] for one in events(as_admin)] == shown["token"]["audit_ids"]


def test_it_is_forgotten_when_the_token_would_be_over(as_admin: ApiClient) -> None:
    client, other = in_alpha(), in_alpha()
    revoke(as_admin, client.token)
    Revocation.objects.update(expires_at=timezone.now())
    assert events(as_admin) == []
    Token.objects.filter(audit_id=other.shown["audit_ids"][0]).update(expires_at=timezone.now())
    call_command("purge_tokens")
    assert not Revocation.objects.exists()


@pytest.mark.parametrize("query", ["?since=x", "?since=2026-13-01", "?x=1", "?since=2030&x=1"])
def test_wrong_questions_are_refused(as_admin: ApiClient, query: str) -> None:
    as_admin.get(f"{URL}{query}").expect(400)


def test_admins_and_services_are_told(as_admin: ApiClient, cast: Cast) -> None:
    for persona in (cast.member, cast.manager, cast.outsider):
        answer = ApiClient(persona).get(URL).expect(403)
        assert "identity:list_revoke_events" in answer.json["error"]["message"]
    ApiClient().get(URL).expect(401)
    roles = as_admin.get(f"{V3}/roles?name=service").json["roles"]
    grant = f"{V3}/projects/{ALPHA}/users/{cast.second_member.user_id}/roles/{roles[0]['id']}"
    as_admin.put(grant).expect(204)
    in_alpha().get(URL).expect(200)
    for method in ("POST", "PUT", "DELETE"):
        as_admin.send(method, URL, {}).expect(405)


def test_the_admin_lists_them(as_admin: ApiClient, cast: Cast) -> None:
    client = in_alpha()
    revoke(as_admin, client.token)
    http = Client()
    http.force_login(cast.admin.user, backend="django.contrib.auth.backends.ModelBackend")
    page = http.get(reverse("admin:identity_revocation_changelist")).content.decode()
    assert client.shown["audit_ids"][0] in page
    assert http.get(reverse("admin:identity_revocation_add")).status_code == 403
