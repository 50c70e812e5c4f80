"""Trusts, access rules of application credentials, and credentials with roles of one's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from guardian.shortcuts import assign_perm

from compute_site.identity.access_rules import fits, pattern_of
from compute_site.identity.models import (
    AccessRule,
    ApplicationCredential,
    Project,
    ProjectRole,
    Trust,
)
from servers.policies.server import INDEX
from tests.identity.test_domains import (
    ADMIN,
    MEMBER,
    READER,
    SERVERS,
    V3,
    Holder,
    make,
    names_of,
    token_of,
)
from tests.world.cast import ALPHA, BETA, Cast, Persona
from tests.world.client import Answer, ApiClient

pytestmark = pytest.mark.django_db
TRUSTS = f"{V3}/OS-TRUST/trusts"


def order(cast: Cast, **members: Any) -> dict[str, Any]:
    """A member of alpha lets the outsider read there."""
    wanted = {
        "trustor_user_id": cast.member.user_id,
        "trustee_user_id": cast.outsider.user_id,
        "project_id": ALPHA,
        "impersonation": False,
        "roles": [{"name": "reader"}],
        **members,
    }
    return {"trust": {name: value for name, value in wanted.items() if value is not ...}}


def trust_of(client: ApiClient, cast: Cast, **members: Any) -> Any:
    return client.post(TRUSTS, order(cast, **members)).expect(201).json["trust"]


def ask(person: Persona, trust: str, *, token: str | None = None) -> Answer:
    user = {"name": person.name, "domain": {"id": "default"}, "password": person.password}
    identity: dict[str, Any] = {"methods": ["password"], "password": {"user": user}}
    if token is not None:
        identity = {"methods": ["token"], "token": {"id": token}}
    scope = {"OS-TRUST:trust": {"id": trust}}
    return ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity, "scope": scope}})


def use(person: Persona, trust: str, **options: Any) -> Holder:
    answer = ask(person, trust, **options).expect(201)
    return Holder(answer.headers["X-Subject-Token"], answer.json["token"])


def test_a_trustee_acts_with_the_roles_of_the_trust_alone(cast: Cast, as_member: ApiClient) -> None:
    made = trust_of(as_member, cast)
    client = use(cast.outsider, made["id"])
    assert client.shown["user"]["id"] == cast.outsider.user_id
    assert client.shown["project"]["id"] == ALPHA
    assert names_of(client.shown) == {"reader"}
    assert client.shown["OS-TRUST:trust"] == {
        "id": made["id"],
        "impersonation": False,
        "trustor_user": {"id": cast.member.user_id},
        "trustee_user": {"id": cast.outsider.user_id},
    }
    for path in (SERVERS, "//network/v2.0/networks", "//image/v2/images", "//volume/v3/volumes"):
        client.get(path).expect(200)
    client.post("/os-keypairs", {"keypair": {"name": "own"}}).expect(200)
    client.post("//network/v2.0/networks", {"network": {"name": "n"}}).expect(403)
    client.post("//volume/v3/volumes", {"volume": {"size": 1}}).expect(403)
    client.post("//image/v2/images", {"name": "n"}).expect(403)
    client.get("//placement/resource_providers").expect(403)
    client.get(f"{V3}/users").expect(403)
    assert client.get(f"{V3}/auth/tokens", headers={"X-Subject-Token": client.token}).status == 200


def test_an_impersonating_token_is_the_trustor_s(cast: Cast, as_member: ApiClient) -> None:
    made = trust_of(as_member, cast, impersonation=True, roles=[{"id": MEMBER}])
    client = use(cast.outsider, made["id"])
    assert client.shown["user"]["id"] == cast.member.user_id
    assert names_of(client.shown) == {"member", "reader"}
    client.post("//network/v2.0/networks", {"network": {"name": "n"}}).expect(201)
    credentials = f"{V3}/users/{cast.member.user_id}/application_credentials"
    client.post(credentials, {"application_credential": {"name": "n"}}).expect(403)
    client.get(credentials).expect(403)
    client.get(f"{credentials}/nothing").expect(403)
    client.delete(f"{credentials}/nothing").expect(403)
    client.get(f"{V3}/users/{cast.member.user_id}/access_rules").expect(403)
    client.delete(f"{V3}/users/{cast.member.user_id}/access_rules/nothing").expect(403)
    keys = f"{V3}/users/{cast.member.user_id}/credentials/OS-EC2"
    client.post(keys, {"tenant_id": ALPHA}).expect(403)


def test_what_was_granted_personally_does_not_count_by_trust(
    cast: Cast, as_admin: ApiClient
) -> None:
    trust = {"trustor_user_id": cast.admin.user_id, "impersonation": True}
    made = trust_of(as_admin, cast, **trust)
    assign_perm(
        Permission.objects.get(
            codename="identity:list_users", content_type=ContentType.objects.get_for_model(Project)
        ),
        cast.admin.user,
        cast.alpha,
    )
    client = use(cast.outsider, made["id"])
    client.get(f"{V3}/users").expect(403)
    client.get("/servers?all_tenants=1").expect(403)
    client.get("//placement/resource_providers").expect(403)


def test_only_the_trustee_uses_a_trust(cast: Cast, as_member: ApiClient) -> None:
    made = trust_of(as_member, cast)
    ask(cast.second_member, made["id"]).expect(403)
    ask(cast.member, made["id"]).expect(403)
    ask(cast.outsider, "nothing").expect(404)
    by_token = use(cast.outsider, made["id"], token=cast.outsider.token)
    by_token.get(SERVERS).expect(200)
    exchanged = {"methods": ["token"], "token": {"id": by_token.token}}
    ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": exchanged}}).expect(403)


def test_a_trust_is_used_so_often(cast: Cast, as_member: ApiClient) -> None:
    made = trust_of(as_member, cast, remaining_uses=2)
    use(cast.outsider, made["id"])
    assert as_member.get(f"{TRUSTS}/{made['id']}").json["trust"]["remaining_uses"] == 1
    client = use(cast.outsider, made["id"])
    client.get(SERVERS).expect(200)
    ask(cast.outsider, made["id"]).expect(404)
    as_member.get(f"{TRUSTS}/{made['id']}").expect(404)


def test_a_trust_ends_with_its_time(cast: Cast, as_member: ApiClient) -> None:
    end = timezone.now() + dt.timedelta(minutes=5)
    made = trust_of(as_member, cast, expires_at=end.isoformat())
    client = use(cast.outsider, made["id"])
    assert client.shown["expires_at"] == made["expires_at"]
    Trust.objects.update(expires_at=timezone.now())
    ask(cast.outsider, made["id"]).expect(404)
    as_member.get(f"{TRUSTS}/{made['id']}").expect(404)


def test_tokens_end_with_the_trust_its_roles_and_its_people(
    cast: Cast, as_member: ApiClient, as_admin: ApiClient, as_outsider: ApiClient
) -> None:
    def fresh(**members: Any) -> tuple[str, Holder]:
        made = trust_of(as_member, cast, **members)
        client = use(cast.outsider, made["id"])
        client.get(SERVERS).expect(200)
        return made["id"], client

    trust, client = fresh()
    as_outsider.delete(f"{TRUSTS}/{trust}").expect(403)
    as_member.delete(f"{TRUSTS}/{trust}").expect(204)
    client.get(SERVERS).expect(401)

    trust, client = fresh(roles=[{"id": MEMBER}])
    held = f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles"
    as_admin.put(f"{held}/{READER}").expect(204)
    as_admin.delete(f"{held}/{MEMBER}").expect(204)
    client.get(SERVERS).expect(401)
    ask(cast.outsider, trust).expect(403)
    as_admin.put(f"{held}/{MEMBER}").expect(204)

    for person in (cast.outsider, cast.member):
        for impersonation in (False, True):
            _, client = fresh(impersonation=impersonation)
            path = f"{V3}/users/{person.user_id}"
            as_admin.patch(path, {"user": {"enabled": False}}).expect(200)
            client.get(SERVERS).expect(401)
            as_admin.patch(path, {"user": {"enabled": True}}).expect(200)
            client.get(SERVERS).expect(401)
            if person is cast.member:
                as_member.persona = None
                as_member.http.defaults["HTTP_X_AUTH_TOKEN"] = token_of(
                    person.name, {"project": {"id": ALPHA}}
                ).token


def test_the_trustee_s_other_roles_do_not_end_its_tokens(
    cast: Cast, as_member: ApiClient, as_admin: ApiClient
) -> None:
    client = use(cast.outsider, trust_of(as_member, cast)["id"])
    held = f"{V3}/projects/{ALPHA}/users/{cast.outsider.user_id}/roles/{MEMBER}"
    as_admin.put(held).expect(204)
    as_admin.delete(held).expect(204)
    client.get(SERVERS).expect(200)


def test_trusts_are_seen_by_those_who_are_in_them(
    cast: Cast, as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient
) -> None:
    made = trust_of(as_member, cast)
    path = f"{TRUSTS}/{made['id']}"
    stranger = ApiClient(cast.second_member)
    for client in (as_member, as_outsider, as_admin):
        assert client.get(path).expect(200).json["trust"] == made
        assert [one["id"] for one in client.get(f"{path}/roles").json["roles"]] == [READER]
        client.head(f"{path}/roles/{READER}").expect(200)
        client.get(f"{path}/roles/{MEMBER}").expect(404)
    for end in ("", "/roles", f"/roles/{READER}"):
        stranger.get(f"{path}{end}").expect(403)
    stranger.delete(path).expect(403)
    of_member = f"{TRUSTS}?trustor_user_id={cast.member.user_id}"
    of_outsider = f"{TRUSTS}?trustee_user_id={cast.outsider.user_id}"
    for client, query in ((as_member, of_member), (as_outsider, of_outsider), (as_admin, TRUSTS)):
        (listed,) = client.get(query).expect(200).json["trusts"]
        assert listed["id"] == made["id"]
        assert "roles" not in listed
    as_outsider.get(of_member).expect(403)
    as_member.get(of_outsider).expect(403)
    as_member.get(TRUSTS).expect(403)
    as_admin.get(f"{TRUSTS}?colour=red").expect(400)
    as_member.get(f"{TRUSTS}/nothing").expect(404)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"trustor_user_id": ...}, 400),
        ({"trustor_user_id": 5}, 400),
        ({"trustor_user_id": Cast.second_member.user_id}, 403),
        ({"trustee_user_id": ...}, 400),
        ({"trustee_user_id": "nothing"}, 404),
        ({"project_id": ...}, 400),
        ({"project_id": None}, 400),
        ({"project_id": "nothing"}, 404),
        ({"project_id": BETA}, 404),
        ({"impersonation": ...}, 400),
        ({"impersonation": "yes"}, 400),
        ({"roles": ...}, 403),
        ({"roles": []}, 403),
        ({"roles": "reader"}, 400),
        ({"roles": [{}]}, 400),
        ({"roles": [{"id": ADMIN}]}, 404),
        ({"roles": [{"name": "nothing"}]}, 404),
        ({"expires_at": "bad.123Z"}, 400),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 400),
        ({"remaining_uses": 0}, 400),
        ({"remaining_uses": "2"}, 400),
        ({"remaining_uses": 2, "allow_redelegation": True}, 400),
        ({"redelegation_count": 4, "allow_redelegation": True}, 403),
        ({"redelegation_count": -1}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_wrong_trusts_are_refused(
    cast: Cast, as_member: ApiClient, wrong: dict[str, Any], status: int
) -> None:
    as_member.post(TRUSTS, order(cast, **wrong)).expect(status)
    assert not Trust.objects.exists()


def test_a_trust_follows_from_another_one_and_gives_no_more(
    cast: Cast, as_member: ApiClient
) -> None:
    made = trust_of(as_member, cast, allow_redelegation=True, redelegation_count=1)
    assert made["redelegation_count"] == 1
    client = use(cast.outsider, made["id"])
    own = {
        "trustor_user_id": cast.outsider.user_id,
        "trustee_user_id": cast.reader.user_id,
        "allow_redelegation": False,
    }
    for more in (
        {"roles": [{"id": MEMBER}]},
        {"impersonation": True},
        {"remaining_uses": 1},
        {"trustor_user_id": cast.member.user_id},
    ):
        client.post(TRUSTS, order(cast, **own | more)).expect(403)
    second = trust_of(client, cast, **own)
    assert (second["redelegated_trust_id"], second["redelegation_count"]) == (made["id"], 0)
    third = use(cast.reader, second["id"])
    assert names_of(third.shown) == {"reader"}
    third.get(SERVERS).expect(200)
    last = {"trustor_user_id": cast.reader.user_id, "trustee_user_id": cast.manager.user_id}
    third.post(TRUSTS, order(cast, **last)).expect(403)
    as_member.delete(f"{TRUSTS}/{made['id']}").expect(204)
    third.get(SERVERS).expect(401)
    assert not Trust.objects.exists()


def credential(person: Persona, **members: Any) -> Any:
    path = f"{V3}/users/{person.user_id}/application_credentials"
    body = {"application_credential": {"name": "robot", **members}}
    return ApiClient(person).post(path, body)


def robot(person: Persona, **members: Any) -> Holder:
    made = credential(person, **members).expect(201).json["application_credential"]
    proof = {name: made[name] for name in ("id", "secret")}
    identity = {"methods": ["application_credential"], "application_credential": proof}
    answer = ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity}}).expect(201)
    return Holder(answer.headers["X-Subject-Token"], answer.json["token"])


def test_an_application_credential_makes_no_trusts(cast: Cast) -> None:
    client = robot(cast.member, unrestricted=True)
    client.post(TRUSTS, order(cast)).expect(403)
    client.get(f"{TRUSTS}?trustor_user_id={cast.member.user_id}").expect(403)


RULES = (
    ({"service": "compute", "method": "GET", "path": "/v2.1/servers"}, SERVERS),
    ({"service": "network", "method": "GET", "path": "/v2.0/networks"}, "//network/v2.0/networks"),
    ({"service": "image", "method": "GET", "path": "/v2/*"}, "//image/v2/images"),
    ({"service": "volumev3", "method": "GET", "path": "/v3/**"}, "//volume/v3/volumes/detail"),
    ({"service": "identity", "method": "GET", "path": "/v3/{x}"}, f"{V3}/regions"),
    ({"service": "placement", "method": "GET", "path": "/traits"}, "//placement/traits"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0]["service"])
def test_access_rules_bind_in_every_api(cast: Cast, rule: tuple[dict[str, str], str]) -> None:
    allowed, path = rule
    client = robot(cast.admin, access_rules=[allowed])
    (shown,) = client.shown["application_credential"]["access_rules"]
    assert {name: shown[name] for name in allowed} == allowed
    version = {"OpenStack-API-Version": "placement 1.39"} if "placement" in path else {}
    client.get(path, headers=version).expect(200)
    client.post(path, {}, headers=version).expect(401)
    for other in [one for _, one in RULES if one != path]:
        client.get(other).expect(401)
    client.get(f"{V3}/auth/tokens", headers={"X-Subject-Token": client.token}).expect(401)


def test_the_paths_of_access_rules() -> None:
    for path, asked, matches in (
        ("/v2.1/servers", "/v2.1/servers", True),
        ("/v2.1/servers", "/v2.1/servers/", False),
        ("/v2.1/servers", "/v2x1/servers", False),
        ("/v2.1/servers/*", "/v2.1/servers/a", True),
        ("/v2.1/servers/*", "/v2.1/servers/a/b", False),
        ("/v2.1/servers/{id}/action", "/v2.1/servers/a/action", True),
        ("/v2.1/servers/{id}/action", "/v2.1/servers/a/b/action", False),
        ("/**", "/v2.1/servers/a/b", True),
        ("/{", "/{", True),
        ("/a.*", "/ab", False),
        ("/**/b", "/v2.1/a/b", True),
        ("/**/b", "/v2.1/a/b/c", False),
        ("/a*c", "/abbc", True),
        ("/a*c", "/ac", False),
        ("/" + "*a" * 100, "/" + "a" * 1000 + "b", False),  # in no more time than others
        ("/**" + "a**" * 80, "/" + "a" * 79 + "b" * 900, False),
    ):
        assert fits(pattern_of(path), asked) is matches, path


def test_a_limited_token_is_shown_to_services_that_limit(cast: Cast, as_admin: ApiClient) -> None:
    client = robot(cast.member, access_rules=[RULES[0][0]])
    headers = {"X-Subject-Token": client.token}
    path = f"{V3}/auth/tokens"
    as_admin.get(path, headers=headers).expect(404)
    as_admin.get(path, headers=headers | {"OpenStack-Identity-Access-Rules": "x"}).expect(404)
    support = {"OpenStack-Identity-Access-Rules": "1.0"}
    shown = as_admin.get(path, headers=headers | support).expect(200).json["token"]
    assert shown["application_credential"]["access_rules"][0]["path"] == "/v2.1/servers"


def test_access_rules_are_kept_by_their_user(
    cast: Cast, as_outsider: ApiClient, as_member: ApiClient, as_admin: ApiClient
) -> None:
    robot(cast.member, access_rules=[RULES[0][0], RULES[1][0]])
    path = f"{V3}/users/{cast.member.user_id}/access_rules"
    listed = as_member.get(path).expect(200).json["access_rules"]
    assert len(listed) == 2
    found = as_member.get(f"{path}?service=network").json["access_rules"]
    one = f"{path}/{found[0]['id']}"
    assert as_member.get(one).json["access_rule"] == found[0]
    assert as_admin.get(path).json["access_rules"] == listed
    as_member.get(f"{path}?colour=red").expect(400)
    for method, where in (("GET", path), ("GET", one), ("DELETE", one)):
        as_outsider.send(method, where).expect(403)
    as_member.delete(one).expect(403)
    again = credential(cast.member, name="second", access_rules=[{"id": found[0]["id"]}])
    assert again.expect(201).json["application_credential"]["access_rules"][0]["path"]
    foreign = credential(cast.outsider, access_rules=[{"id": found[0]["id"]}])
    foreign.expect(404)
    ApplicationCredential.objects.all().delete()
    as_member.delete(one).expect(204)
    as_member.get(one).expect(404)
    assert AccessRule.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        [5],
        [{}],
        [{"id": 5}],
        [{"service": "compute", "method": "GET"}],
        [{"service": "compute", "method": "LOOK", "path": "/x"}],
        [{"service": "compute", "method": "GET", "path": "x"}],
        [{"service": "compute", "method": "GET", "path": 5}],
        [{"service": "", "method": "GET", "path": "/x"}],
        [{"service": "compute", "method": "GET", "path": "/x", "colour": "red"}],
        [{"service": "compute", "method": "GET", "path": "/" + "x" * 225}],
    ],
)
def test_wrong_access_rules_are_refused(cast: Cast, wrong: Any) -> None:
    credential(cast.member, access_rules=wrong).expect(400)
    assert not AccessRule.objects.exists()
    assert not ApplicationCredential.objects.exists()


def test_a_credential_has_the_rules_of_a_role_of_one_s_own(cast: Cast, as_admin: ApiClient) -> None:
    role = make(as_admin, "roles", name="auditor")["id"]
    held = f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles/{role}"
    as_admin.put(held).expect(204)
    client = robot(cast.member, roles=[{"id": role}])
    assert names_of(client.shown) == {"auditor"}
    client.get(SERVERS).expect(403)
    client.get("/flavors").expect(200)
    group = ProjectRole.objects.get(project=ALPHA, role=role).group
    rule = Permission.objects.get(
        codename=INDEX, content_type=ContentType.objects.get_for_model(Project)
    )
    assign_perm(rule, group, cast.alpha)
    client.get(SERVERS).expect(200)
    client.post("//network/v2.0/networks", {"network": {"name": "n"}}).expect(403)
    as_admin.delete(held).expect(204)
    client.get(SERVERS).expect(401)


def test_a_credential_has_what_its_roles_imply(cast: Cast, as_admin: ApiClient) -> None:
    role = make(as_admin, "roles", name="auditor")["id"]
    as_admin.put(f"{V3}/roles/{role}/implies/{READER}").expect(201)
    as_admin.put(f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles/{role}").expect(204)
    client = robot(cast.member, roles=[{"id": role}])
    assert names_of(client.shown) == {"auditor", "reader"}
    client.get(SERVERS).expect(200)
    client.post("//network/v2.0/networks", {"network": {"name": "n"}}).expect(403)


def test_a_lost_role_of_a_credential_gives_nothing_beside_another(
    cast: Cast, as_admin: ApiClient
) -> None:
    role = make(as_admin, "roles", name="auditor")["id"]
    held = f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles"
    as_admin.put(f"{held}/{role}").expect(204)
    client = robot(cast.member, roles=[{"id": role}, {"id": MEMBER}])
    client.get(SERVERS).expect(200)
    ProjectRole.objects.get(project=ALPHA, role="member").group.user_set.remove(cast.member.user)
    client.get(SERVERS).expect(403)
