"""GET, HEAD and DELETE of ``/identity/v3/auth/tokens``, and the catalogue of a token."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from compute_site.identity.models import Token
from compute_site.identity.tokens import digest_of
from tests.world.cast import Cast, Persona
from tests.world.client import Answer, ApiClient

pytestmark = pytest.mark.django_db
URL = "//identity/v3/auth/tokens"


def ask(method: str, caller: Persona | str | None, subject: str | None) -> Answer:
    text = caller.token if isinstance(caller, Persona) else caller
    headers = {"X-Auth-Token": text, "X-Subject-Token": subject}
    return ApiClient().send(method, URL, microversion=None, headers=headers)


@pytest.mark.parametrize("caller", [Cast.member, Cast.admin])
def test_a_token_is_shown_to_its_user_and_to_the_admin(cast: Cast, caller: Persona) -> None:
    answer = ask("GET", caller, cast.member.token).expect(200)

    assert answer.headers["X-Subject-Token"] == cast.member.token
    assert answer.json["token"]["user"]["name"] == "alpha-member"
    assert answer.json["token"]["project"]["name"] == "alpha"


def test_head_answers_without_a_body(cast: Cast) -> None:
    answer = ask("HEAD", cast.member, cast.member.token).expect(200)

    assert answer.content == b""
    assert answer.headers["X-Subject-Token"] == cast.member.token


def test_a_revoked_token_opens_nothing_any_more(cast: Cast) -> None:
    assert ask("DELETE", cast.member, cast.member.token).expect(204).content == b""

    assert not Token.objects.filter(digest=digest_of(cast.member.token)).exists()
    ask("GET", cast.member, cast.member.token).expect(401)
    ask("GET", cast.admin, cast.member.token).expect(404)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_another_user_s_token_is_not_for_members(cast: Cast, method: str) -> None:
    ask(method, cast.member, cast.outsider.token).expect(403)

    assert Token.objects.filter(digest=digest_of(cast.outsider.token)).exists()


@pytest.mark.parametrize("subject", ["unknown", "", None])
def test_an_unknown_subject_is_404(cast: Cast, subject: str | None) -> None:
    error = ask("GET", cast.member, subject).expect(404).json["error"]

    assert (error["code"], error["title"]) == (404, "Not Found")


@pytest.mark.parametrize("caller", ["unknown", "", None])
def test_an_unknown_caller_is_401(cast: Cast, caller: str | None) -> None:
    error = ask("GET", caller, cast.member.token).expect(401).json["error"]

    assert (error["code"], error["title"]) == (401, "Unauthorized")


def test_an_expired_subject_is_404(cast: Cast) -> None:
    Token.objects.filter(digest=digest_of(cast.member.token)).update(expires_at=timezone.now())

    ask("GET", cast.admin, cast.member.token).expect(404)


def test_a_new_password_ends_the_tokens_of_the_user_alone(cast: Cast) -> None:
    user = cast.member.user
    user.set_password("new")
    user.save()

    ask("GET", cast.admin, cast.member.token).expect(404)
    ask("GET", cast.admin, cast.outsider.token).expect(200)


def test_a_change_of_the_name_keeps_the_tokens(cast: Cast) -> None:
    user = cast.member.user
    user.first_name = "new"
    user.save()

    ask("GET", cast.admin, cast.member.token).expect(200)


def test_the_catalogue_is_shown_by_itself(as_member: ApiClient) -> None:
    body = as_member.get("//identity/v3/auth/catalog").expect(200).json

    assert {entry["type"] for entry in body["catalog"]} >= {"compute", "identity", "image"}
    assert body["links"]["self"] == "http://testserver/identity/v3/auth/catalog"


def test_an_unscoped_token_has_no_catalogue(as_member: ApiClient) -> None:
    Token.objects.update(project=None)

    as_member.get("//identity/v3/auth/catalog").expect(403)


def test_the_public_address_stands_in_the_catalogue(as_member: ApiClient, settings) -> None:
    options = dict(settings.OPTIONS.__dict__) | {"public_url": "https://cloud.test:8774/"}
    settings.OPTIONS = type(settings.OPTIONS)(**options)

    body = as_member.get("//identity/v3/auth/catalog").expect(200).json

    urls = [endpoint["url"] for entry in body["catalog"] for endpoint in entry["endpoints"]]
    assert all(url.startswith("https://cloud.test:8774/") for url in urls)


def test_expired_tokens_are_purged_and_no_others(cast: Cast) -> None:
    over = timezone.now() - dt.timedelta(seconds=1)
    Token.objects.filter(digest=digest_of(cast.member.token)).update(expires_at=over)
    before = Token.objects.count()

    call_command("purge_tokens")

    assert Token.objects.count() == before - 1
    ask("GET", cast.outsider, cast.outsider.token).expect(200)


def test_a_new_password_in_a_cloud_file_ends_the_tokens(cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    member = "{name: alpha-member, password: %s, projects: [{project: alpha, role: member}]}"

    file.write_text(f"users:\n- {member % 'alpha-member'}\n")
    call_command("loadcloud", file, verbosity=0)
    ask("GET", cast.admin, cast.member.token).expect(200)

    file.write_text(f"users:\n- {member % 'changed'}\n")
    call_command("loadcloud", file, verbosity=0)
    ask("GET", cast.admin, cast.member.token).expect(404)
    ask("GET", cast.admin, cast.outsider.token).expect(200)
