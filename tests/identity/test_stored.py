"""Stored credentials, keys for EC2, policies, settings of domains, and filtered catalogues."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from compute_site.identity.ids import stable_id
from compute_site.identity.kept import blob_of
from compute_site.identity.models import DomainOption, Endpoint, IdentityChange, StoredCredential
from tests.identity.test_domains import V3, Holder, token_of
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient

pytestmark = pytest.mark.django_db
CREDENTIALS, CONFIG = f"{V3}/credentials", f"{V3}/domains/default/config"
SECRET = '{"access": "me", "secret": "not to be read"}'


def keys_of(owner: str, **more: Any) -> dict[str, Any]:
    order = {"user_id": owner, "project_id": ALPHA, "type": "ec2", "blob": SECRET, **more}
    return {"credential": order}


def credential_token(user: Any) -> Holder:
    """Of an application credential of the user."""
    path = f"{V3}/users/{user.user_id}/application_credentials"
    made = ApiClient(user).post(path, {"application_credential": {"name": "robot"}}).expect(201)
    proof = {key: made.json["application_credential"][key] for key in ("id", "secret")}
    identity = {"methods": ["application_credential"], "application_credential": proof}
    answer = ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity}}).expect(201)
    return Holder(answer.headers["X-Subject-Token"], answer.json["token"])


def test_a_credential_is_its_user_s_and_encrypted(
    cast: Cast, as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient
) -> None:
    own = keys_of(cast.member.user_id)
    made = as_member.post(CREDENTIALS, own).expect(201).json["credential"]
    path = f"{CREDENTIALS}/{made['id']}"
    row = StoredCredential.objects.get()
    assert "not to be read" not in row.sealed_blob
    assert blob_of(row) == made["blob"] == SECRET
    for client in (as_member, as_admin):
        assert [one["id"] for one in client.get(CREDENTIALS).json["credentials"]] == [made["id"]]
        client.get(path).expect(200)
    assert as_outsider.get(CREDENTIALS).json["credentials"] == []
    for method, body in (
        ("GET", None),
        ("PATCH", {"credential": {"blob": "{}"}}),
        ("DELETE", None),
    ):
        as_outsider.send(method, path, body).expect(403)
    as_outsider.post(CREDENTIALS, keys_of(cast.member.user_id, type="cert")).expect(403)
    as_member.post(CREDENTIALS, own).expect(409)
    other = keys_of(cast.outsider.user_id)
    as_outsider.post(CREDENTIALS, other).expect(409)
    assert StoredCredential.objects.get().user_id == cast.member.user_id
    new = '{"access": "me", "secret": "newer"}'
    as_member.patch(path, {"credential": {"blob": new}}).expect(200)
    assert as_member.get(path).json["credential"]["blob"] == new
    as_member.delete(path).expect(204)
    as_member.get(path).expect(403)
    as_admin.get(path).expect(404)
    assert not any("not to be read" in one.what for one in IdentityChange.objects.all())


def test_credentials_are_chosen_by_user_and_type(
    cast: Cast, as_admin: ApiClient, as_member: ApiClient
) -> None:
    for user, kind in ((cast.member, "totp"), (cast.member, "cert"), (cast.outsider, "cert")):
        order = keys_of(user.user_id, type=kind, blob="ABCD" * 8, project_id=None)
        as_admin.post(CREDENTIALS, order).expect(201)

    def number(query: str) -> int:
        return len(as_admin.get(f"{CREDENTIALS}?{query}").expect(200).json["credentials"])

    assert number("type=cert") == 2
    assert number(f"type=cert&user_id={cast.member.user_id}") == 1
    assert number(f"user_id={cast.member.user_id}") == 2
    found = as_member.get(f"{CREDENTIALS}?user_id={cast.outsider.user_id}")
    assert found.json["credentials"] == []
    as_admin.get(f"{CREDENTIALS}?colour=red").expect(400)


@pytest.mark.parametrize(
    "wrong",
    [
        {"blob": None},
        {"blob": ""},
        {"blob": 5},
        {"blob": "no json"},
        {"blob": "[]"},
        {"blob": '{"secret": "x"}'},
        {"blob": '{"access": 5}'},
        {"type": ""},
        {"type": 5},
        {"project_id": None},
        {"project_id": "nothing"},
        {"user_id": "nothing"},
        {"user_id": 5},
        {"user_id": "a\0b"},
    ],
)
def test_wrong_credentials_are_refused(
    cast: Cast, as_admin: ApiClient, wrong: dict[str, Any]
) -> None:
    answer = as_admin.post(CREDENTIALS, keys_of(cast.member.user_id, **wrong)).expect(400)
    assert "credential." in answer.message
    assert not StoredCredential.objects.exists()


def test_only_the_blob_of_a_credential_changes(cast: Cast, as_member: ApiClient) -> None:
    tied = json.dumps({"access": "me", "secret": "x", "trust_id": "t"})
    order = keys_of(cast.member.user_id, blob=tied)
    path = f"{CREDENTIALS}/{as_member.post(CREDENTIALS, order).json['credential']['id']}"
    for change in ({"type": "cert"}, {"user_id": cast.outsider.user_id}, {"blob": SECRET}, {}):
        as_member.patch(path, {"credential": change}).expect(400)
    assert as_member.get(path).json["credential"]["blob"] == tied


def test_delegated_tokens_see_no_credentials(cast: Cast, as_member: ApiClient) -> None:
    own = keys_of(cast.member.user_id)
    path = f"{CREDENTIALS}/{as_member.post(CREDENTIALS, own).json['credential']['id']}"
    robot = credential_token(cast.member)
    robot.get(CREDENTIALS).expect(403)
    robot.get(path).expect(403)
    robot.post(CREDENTIALS, keys_of(cast.member.user_id, type="cert")).expect(403)
    robot.get(f"{V3}/users/{cast.member.user_id}/credentials/OS-EC2").expect(403)


def test_pairs_of_keys_for_ec2(
    cast: Cast, as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient
) -> None:
    path = f"{V3}/users/{cast.member.user_id}/credentials/OS-EC2"
    made = as_member.post(path, {"tenant_id": ALPHA}).expect(201).json["credential"]
    assert (made["user_id"], made["tenant_id"]) == (cast.member.user_id, ALPHA)
    assert len(made["secret"]) == 32
    one = f"{path}/{made['access']}"
    assert as_member.get(one).expect(200).json["credential"] == made
    assert as_member.get(path).json["credentials"] == [made]
    assert as_admin.get(path).json["credentials"] == [made]
    for method in ("GET", "DELETE"):
        as_outsider.send(method, one).expect(403)
    as_outsider.get(path).expect(403)
    as_outsider.post(path, {"tenant_id": BETA}).expect(403)
    foreign = f"{V3}/users/{cast.outsider.user_id}/credentials/OS-EC2/{made['access']}"
    as_outsider.get(foreign).expect(404)
    for body in ({}, {"tenant_id": None}, {"tenant_id": 5}, {"tenant_id": ALPHA, "a": 1}, []):
        as_member.post(path, body).expect(400)
    as_member.post(path, {"tenant_id": "nothing"}).expect(404)
    as_member.delete(one).expect(204)
    as_member.get(one).expect(404)


def test_an_application_credential_shows_its_user_s_others(cast: Cast) -> None:
    client = credential_token(cast.member)
    path = f"{V3}/users/{cast.member.user_id}/application_credentials"
    (shown,) = client.get(path).expect(200).json["application_credentials"]
    client.get(f"{path}/{shown['id']}").expect(200)
    client.get(f"{path}/nothing").expect(404)
    client.delete(f"{path}/nothing").expect(403)
    client.delete(f"{path}/{shown['id']}").expect(403)
    client.get(f"{V3}/users/{cast.member.user_id}/access_rules").expect(200)
    client.delete(f"{V3}/users/{cast.member.user_id}/access_rules/nothing").expect(404)


def test_certificates_of_tokens_are_gone(as_member: ApiClient) -> None:
    for name in ("ca", "certificates"):
        ApiClient().get(f"{V3}/OS-SIMPLE-CERT/{name}").expect(410)
        as_member.post(f"{V3}/OS-SIMPLE-CERT/{name}", {}).expect(405)
    as_member.get(f"{V3}/OS-SIMPLE-CERT/other").expect(404)


def test_policies_are_kept_by_admins(as_admin: ApiClient, as_member: ApiClient) -> None:
    path = f"{V3}/policies"
    made = as_admin.post(path, {"policy": {"type": "text", "blob": "{}"}}).expect(201)
    policy = made.json["policy"]
    one = f"{path}/{policy['id']}"
    assert as_admin.get(f"{path}?type=text").json["policies"] == [policy]
    assert as_admin.get(f"{path}?type=other").json["policies"] == []
    changed = as_admin.patch(one, {"policy": {"blob": "[]"}}).expect(200).json["policy"]
    assert changed == {**policy, "blob": "[]"}
    for method, where in (("GET", path), ("GET", one), ("DELETE", one)):
        as_member.send(method, where).expect(403)
    for wrong in (
        {"type": "t"},
        {"blob": "b"},
        {"type": "", "blob": "b"},
        {"type": 5, "blob": "b"},
    ):
        as_admin.post(path, {"policy": wrong}).expect(400)
    as_admin.delete(one).expect(204)
    as_admin.get(one).expect(404)


def test_settings_of_a_domain_are_kept_and_secrets_hidden(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    ldap = {"url": "ldap://there", "password": "not to be read"}
    config = {"config": {"identity": {"driver": "ldap"}, "ldap": ldap}}
    shown = {"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://there"}}
    as_admin.get(CONFIG).expect(404)
    assert as_admin.put(CONFIG, config).expect(201).json["config"] == shown
    assert as_admin.get(CONFIG).json["config"] == shown
    secret = DomainOption.objects.get(option="password").value
    assert "not to be read" not in secret
    assert as_admin.get(f"{CONFIG}/ldap").json["config"] == {"ldap": shown["ldap"]}
    assert as_admin.get(f"{CONFIG}/ldap/url").json["config"] == {"url": "ldap://there"}
    as_admin.get(f"{CONFIG}/ldap/password").expect(404)
    as_admin.get(f"{CONFIG}/ldap/suffix").expect(404)
    as_admin.get(f"{CONFIG}/paint").expect(403)
    one = as_admin.patch(f"{CONFIG}/identity/driver", {"config": {"driver": "sql"}}).expect(200)
    assert one.json["config"]["identity"] == {"driver": "sql"}
    group = {"config": {"identity": {"driver": "sql", "list_limit": 5}}}
    assert as_admin.patch(f"{CONFIG}/identity", group).json["config"]["identity"]["list_limit"] == 5
    as_admin.patch(f"{CONFIG}/ldap/suffix", {"config": {"suffix": "x"}}).expect(404)
    as_admin.delete(f"{CONFIG}/ldap/url").expect(204)
    as_admin.delete(f"{CONFIG}/ldap/url").expect(404)
    assert as_admin.put(CONFIG, config).expect(200).json["config"] == shown
    as_admin.delete(CONFIG).expect(204)
    as_admin.get(CONFIG).expect(404)
    assert not DomainOption.objects.exists()
    as_member.get(CONFIG).expect(403)
    as_member.put(CONFIG, config).expect(403)
    as_admin.put(f"{V3}/domains/nothing/config", config).expect(404)


@pytest.mark.parametrize(
    ("config", "status"),
    [
        (None, 400),
        (5, 400),
        ({}, 403),
        ({"paint": {"a": "b"}}, 403),
        ({"ldap": {}}, 403),
        ({"ldap": 5}, 403),
        ({"ldap": {"colour": "red"}}, 403),
        ({"ldap": {"password": 5}}, 403),
        ({"ldap": {"url": "a\0b"}}, 400),
    ],
)
def test_wrong_settings_are_refused(as_admin: ApiClient, config: Any, status: int) -> None:
    as_admin.put(CONFIG, {"config": config}).expect(status)
    as_admin.patch(CONFIG, {"config": config}).expect(status)
    assert not DomainOption.objects.exists()


def test_default_settings_are_shown(as_admin: ApiClient, as_member: ApiClient) -> None:
    path = f"{V3}/domains/config"
    assert set(as_admin.get(f"{path}/default").json["config"]) == {"identity", "ldap"}
    group = as_admin.get(f"{path}/identity/default").json["config"]
    assert group == {"identity": {"driver": "sql", "list_limit": None}}
    option = as_admin.get(f"{path}/ldap/page_size/default").json["config"]
    assert option == {"page_size": 0}
    for wrong in ("paint", "ldap/paint", "ldap/password"):
        as_admin.get(f"{path}/{wrong}/default").expect(403)
    as_member.get(f"{path}/default").expect(403)


def urls_of(name: str = "alpha-member", project: str = ALPHA) -> set[tuple[str, str]]:
    shown = token_of(name, {"project": {"id": project}}).shown["catalog"]
    return {(one["type"], end["interface"]) for one in shown for end in one["endpoints"]}


def test_a_project_s_catalogue_has_the_endpoints_that_it_was_given(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    whole = urls_of()
    endpoint = stable_id("endpoint", "image", "public")
    base = f"{V3}/OS-EP-FILTER"
    one = f"{base}/projects/{ALPHA}/endpoints/{endpoint}"
    as_admin.head(one).expect(404)
    as_admin.put(one).expect(204)
    as_admin.put(one).expect(409)
    as_admin.head(one).expect(204)
    assert urls_of() == {("image", "public")}
    assert urls_of("beta-member", BETA) == whole
    filters = {"service_id": stable_id("service", "compute"), "interface": "admin"}
    order = {"endpoint_group": {"name": "inner", "filters": filters}}
    group = as_admin.post(f"{base}/endpoint_groups", order).expect(201).json["endpoint_group"]
    assert group["filters"] == filters
    paths = f"{base}/endpoint_groups/{group['id']}"
    given = f"{paths}/projects/{ALPHA}"
    as_admin.get(given).expect(404)
    as_admin.put(given).expect(204)
    as_admin.put(given).expect(409)
    assert as_admin.get(given).json["project_endpoint_group"]["project_id"] == ALPHA
    assert urls_of() == {("image", "public"), ("compute", "admin")}
    listed = {
        f"{paths}/endpoints": [stable_id("endpoint", "compute", "admin")],
        f"{paths}/projects": [ALPHA],
        f"{base}/endpoints/{endpoint}/projects": [ALPHA],
        f"{base}/projects/{ALPHA}/endpoint_groups": [group["id"]],
        f"{base}/endpoint_groups?name=inner": [group["id"]],
    }
    for path, ids in listed.items():
        (rows, *_) = as_admin.get(path).expect(200).json.values()
        assert [row["id"] for row in rows] == ids
    both = as_admin.get(f"{base}/projects/{ALPHA}/endpoints").json["endpoints"]
    assert {row["id"] for row in both} == {endpoint, stable_id("endpoint", "compute", "admin")}
    as_admin.patch(paths, {"endpoint_group": {"filters": {"interface": "internal"}}}).expect(200)
    assert ("compute", "internal") in urls_of()
    assert ("compute", "admin") not in urls_of()
    for path in (one, given):
        as_member.put(path).expect(403)
        as_member.delete(path).expect(403)
        as_admin.delete(path).expect(204)
        as_admin.delete(path).expect(404)
    assert urls_of() == whole
    as_admin.delete(paths).expect(204)


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": None},
        {"filters": {"colour": "red"}},
        {"filters": {"interface": "inner"}},
        {"filters": {"service_id": 5}},
        {"name": ""},
        {"name": None},
        {"colour": "red"},
    ],
)
def test_wrong_groups_of_endpoints_are_refused(as_admin: ApiClient, wrong: dict[str, Any]) -> None:
    order = {"name": "inner", "filters": {"interface": "admin"}, **wrong}
    path = f"{V3}/OS-EP-FILTER/endpoint_groups"
    as_admin.post(path, {"endpoint_group": order}).expect(400)


def test_a_group_without_filters_has_all_endpoints(as_admin: ApiClient) -> None:
    path = f"{V3}/OS-EP-FILTER/endpoint_groups"
    order = {"name": "all", "filters": {}}
    group = as_admin.post(path, {"endpoint_group": order}).expect(201).json["endpoint_group"]
    assert group["filters"] == {}
    listed = as_admin.get(f"{path}/{group['id']}/endpoints").expect(200).json["endpoints"]
    assert len(listed) == Endpoint.objects.count()


def test_the_catalogue_of_a_token_takes_one_statement(as_admin: ApiClient, statements) -> None:
    def cost() -> int:
        with statements() as seen:
            urls_of()
        return len(seen)

    urls_of()
    before = cost()
    one = f"{V3}/OS-EP-FILTER/projects/{ALPHA}/endpoints/{stable_id('endpoint', 'image', 'public')}"
    as_admin.put(one).expect(204)
    assert cost() == before


@pytest.fixture
def site(cast: Cast) -> Client:
    http = Client()
    http.force_login(cast.admin.user, backend="django.contrib.auth.backends.ModelBackend")
    return http


def test_the_admin_filters_catalogues_and_shows_no_secrets(
    as_admin: ApiClient, as_member: ApiClient, cast: Cast, site: Client
) -> None:
    def add(model: str, **form: Any) -> None:
        url = reverse(f"admin:identity_{model}_add")
        assert site.post(url, form).status_code == 302

    add("endpointgroup", name="inner", interface="admin", projects=[ALPHA])
    assert {interface for _, interface in urls_of()} == {"admin"}
    add("endpointofproject", project=ALPHA, endpoint=stable_id("endpoint", "image", "public"))
    assert ("image", "public") in urls_of()
    add("storedpolicy", type="text", blob="x")
    as_member.post(CREDENTIALS, keys_of(cast.member.user_id)).expect(201)
    as_admin.put(CONFIG, {"config": {"ldap": {"password": "not to be read"}}}).expect(201)
    row = StoredCredential.objects.get()
    url = reverse("admin:identity_storedcredential_change", args=[row.pk])
    assert "not to be read" not in site.get(url).content.decode()
    option = DomainOption.objects.get()
    url = reverse("admin:identity_domainoption_change", args=[option.pk])
    page = site.get(url).content.decode()
    assert option.value not in page
    for model, key in (("domainoption", option.pk), ("storedcredential", row.pk)):
        site.post(reverse(f"admin:identity_{model}_delete", args=[key]), {"post": "yes"})
    assert not DomainOption.objects.exists()
    assert not StoredCredential.objects.exists()
