"""Domains, groups of users, roles of one's own, and what tokens may be for."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.identity.ids import stable_id
from compute_site.identity.models import DerivedMembership, Project, Token, User
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient

pytestmark = pytest.mark.django_db
V3 = "//identity/v3"
READER, MEMBER, MANAGER, ADMIN = (
    stable_id("role", name) for name in ("reader", "member", "manager", "admin")
)
SERVERS = "/servers"


def make(client: ApiClient, plural: str, **members: Any) -> Any:
    noun = plural.removesuffix("s")
    return client.post(f"{V3}/{plural}", {noun: members}).expect(201).json[noun]


class Holder(ApiClient):
    """Speaks with a token that it has got; ``shown`` is the token's body."""

    def __init__(self, token: str, shown: Any) -> None:
        super().__init__()
        self.token, self.shown = token, shown

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = {"X-Auth-Token": self.token, **(options.pop("headers", None) or {})}
        return super().send(method, path, body, headers=headers, **options)


def token_of(name: str, scope: Any, *, domain: str = "default", expect: int = 201) -> Holder:
    user = {"name": name, "domain": {"id": domain}, "password": name}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": scope}}
    answer = ApiClient().post(f"{V3}/auth/tokens", body).expect(expect)
    return Holder(answer.headers.get("X-Subject-Token", ""), answer.json.get("token"))


def names_of(shown: Any) -> set[str]:
    return {role["name"] for role in shown["roles"]}


@pytest.fixture
def branch(as_admin: ApiClient) -> Any:
    """A domain with a user of the same name as one of the default domain, and a project."""
    domain = make(as_admin, "domains", name="branch")
    user = make(
        as_admin, "users", name="alpha-member", password="alpha-member", domain_id=domain["id"]
    )
    project = make(as_admin, "projects", name="alpha", domain_id=domain["id"])
    path = f"{V3}/projects/{project['id']}/users/{user['id']}/roles/{MEMBER}"
    as_admin.put(path).expect(204)
    return {"id": domain["id"], "user": user["id"], "project": project["id"]}


def test_names_are_unique_in_a_domain(as_admin: ApiClient, branch: Any) -> None:
    again = {"name": "alpha", "domain_id": branch["id"]}
    as_admin.post(f"{V3}/projects", {"project": again}).expect(409)
    own = {"project": {"name": "alpha", "domain": {"id": branch["id"]}}}
    shown = token_of("alpha-member", own, domain=branch["id"]).shown
    assert shown["user"]["id"] == branch["user"]
    assert shown["project"]["domain"] == {"id": branch["id"], "name": "branch"}
    token_of("alpha-member", {"project": {"id": ALPHA}}, domain=branch["id"], expect=401)
    assert token_of("alpha-member", {"project": {"id": ALPHA}}).shown["user"]["id"] == "01" * 16


def test_a_disabled_domain_ends_tokens(as_admin: ApiClient, branch: Any) -> None:
    scope = {"project": {"id": branch["project"]}}
    client = token_of("alpha-member", scope, domain=branch["id"])
    client.get(SERVERS).expect(200)
    path = f"{V3}/domains/{branch['id']}"
    as_admin.delete(path).expect(403)

    as_admin.patch(path, {"domain": {"enabled": False}}).expect(200)

    client.get(SERVERS).expect(401)
    token_of("alpha-member", scope, domain=branch["id"], expect=401)
    as_admin.patch(path, {"domain": {"enabled": True}}).expect(200)
    client.get(SERVERS).expect(401)
    as_admin.patch(path, {"domain": {"enabled": False}}).expect(200)
    as_admin.delete(path).expect(204)
    assert not User.objects.filter(pk=branch["user"]).exists()
    assert not Project.objects.filter(pk=branch["project"]).exists()
    as_admin.delete(f"{V3}/domains/default").expect(403)


def test_members_of_a_group_hold_its_roles(as_admin: ApiClient, cast: Cast) -> None:
    group = make(as_admin, "groups", name="crew")["id"]
    member = f"{V3}/groups/{group}/users/{cast.outsider.user_id}"
    as_admin.put(member).expect(204)
    as_admin.put(f"{V3}/projects/{ALPHA}/groups/{group}/roles/{MEMBER}").expect(204)
    client = token_of("beta-member", {"project": {"id": ALPHA}})
    assert names_of(client.shown) == {"member", "reader"}
    client.get(SERVERS).expect(200)
    held = as_admin.get(
        f"{V3}/role_assignments?effective&user.id={cast.outsider.user_id}&scope.project.id={ALPHA}"
    ).json["role_assignments"]
    assert {one["role"]["id"] for one in held} == {MEMBER, READER}

    as_admin.delete(member).expect(204)

    client.get(SERVERS).expect(401)
    token_of("beta-member", {"project": {"id": ALPHA}}, expect=401)
    assert not DerivedMembership.objects.exists()


def test_a_role_held_twice_stays_when_one_goes(as_admin: ApiClient, cast: Cast) -> None:
    group = make(as_admin, "groups", name="crew")["id"]
    as_admin.put(f"{V3}/groups/{group}/users/{cast.member.user_id}").expect(204)
    by_group = f"{V3}/projects/{ALPHA}/groups/{group}/roles/{MEMBER}"
    direct = f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles/{MEMBER}"
    as_admin.put(by_group).expect(204)
    as_admin.delete(direct).expect(204)
    ApiClient(cast.member).get(SERVERS).expect(200)
    as_admin.head(direct).expect(404)
    as_admin.put(direct).expect(204)
    as_admin.delete(by_group).expect(204)
    ApiClient(cast.member).get(SERVERS).expect(200)
    as_admin.head(direct).expect(204)


def test_roles_of_a_domain_are_inherited_by_its_projects(as_admin: ApiClient, cast: Cast) -> None:
    path = f"{V3}/OS-INHERIT/domains/default/users/{cast.outsider.user_id}/roles/{READER}"
    as_admin.put(f"{path}/inherited_to_projects").expect(204)
    later = make(as_admin, "projects", name="later")["id"]
    below = make(as_admin, "projects", name="below", parent_id=later)["id"]
    for project in (ALPHA, later, below):
        token_of("beta-member", {"project": {"id": project}}).get(SERVERS).expect(200)

    as_admin.delete(f"{path}/inherited_to_projects").expect(204)

    token_of("beta-member", {"project": {"id": later}}, expect=401)


def test_a_role_of_one_s_own_has_the_rules_of_what_it_implies(
    as_admin: ApiClient, cast: Cast
) -> None:
    role = make(as_admin, "roles", name="operator")["id"]
    as_admin.put(f"{V3}/projects/{ALPHA}/users/{cast.outsider.user_id}/roles/{role}").expect(204)
    client = token_of("beta-member", {"project": {"id": ALPHA}})
    assert names_of(client.shown) == {"operator"}
    client.get(SERVERS).expect(403)

    as_admin.put(f"{V3}/roles/{role}/implies/{READER}").expect(201)

    client.get(SERVERS).expect(200)
    as_admin.put(f"{V3}/roles/{role}/implies/{ADMIN}").expect(403)
    as_admin.delete(f"{V3}/roles/{MEMBER}/implies/{READER}").expect(403)
    as_admin.delete(f"{V3}/roles/{role}/implies/{READER}").expect(204)
    client.get(SERVERS).expect(403)
    as_admin.delete(f"{V3}/roles/{role}").expect(204)
    client.get(SERVERS).expect(401)


def test_built_in_roles_stay(as_admin: ApiClient) -> None:
    as_admin.patch(f"{V3}/roles/{MEMBER}", {"role": {"name": "other"}}).expect(403)
    as_admin.delete(f"{V3}/roles/{MEMBER}").expect(403)
    as_admin.post(f"{V3}/roles", {"role": {"name": "member"}}).expect(409)


def test_a_role_of_a_domain_stands_for_what_it_implies(as_admin: ApiClient, branch: Any) -> None:
    role = make(as_admin, "roles", name="member", domain_id=branch["id"])["id"]
    as_admin.put(f"{V3}/roles/{role}/implies/{MANAGER}").expect(201)
    grant = f"{V3}/projects/{branch['project']}/users/{branch['user']}/roles/{role}"
    as_admin.put(grant).expect(204)
    as_admin.put(f"{V3}/projects/{BETA}/users/{branch['user']}/roles/{role}").expect(403)
    scope = {"project": {"id": branch["project"]}}
    shown = token_of("alpha-member", scope, domain=branch["id"]).shown
    assert names_of(shown) == {"manager", "member", "reader"}
    listed = as_admin.get(f"{V3}/roles?domain_id={branch['id']}").json["roles"]
    assert [one["id"] for one in listed] == [role]


def test_a_reader_of_the_system_sees_all_and_changes_nothing(
    as_admin: ApiClient, cast: Cast
) -> None:
    grant = f"{V3}/system/users/{cast.outsider.user_id}/roles/{READER}"
    as_admin.put(grant).expect(204)
    client = token_of("beta-member", {"system": {"all": True}})
    assert client.shown["system"] == {"all": True}
    assert client.shown["catalog"]
    assert client.get(f"{V3}/auth/system").json["system"] == [{"all": True}]
    for path in ("users", "projects", "domains", "groups", "roles", "role_assignments", "services"):
        client.get(f"{V3}/{path}").expect(200)
    client.get(f"{V3}/projects/{ALPHA}").expect(200)
    client.post(f"{V3}/users", {"user": {"name": "new"}}).expect(403)
    client.get(SERVERS).expect(403)

    as_admin.delete(grant).expect(204)

    client.get(f"{V3}/users").expect(401)
    token_of("beta-member", {"system": {"all": True}}, expect=401)


def test_tokens_for_the_system_end_with_the_last_role_there(
    as_admin: ApiClient, cast: Cast
) -> None:
    user = cast.outsider.user_id
    grant = f"{V3}/system/users/{user}/roles/{READER}"
    group = make(as_admin, "groups", name="watch")["id"]
    member = f"{V3}/groups/{group}/users/{user}"
    for path in (grant, member, f"{V3}/system/groups/{group}/roles/{MEMBER}"):
        as_admin.put(path).expect(204)
    client = token_of("beta-member", {"system": {"all": True}})

    as_admin.delete(grant).expect(204)
    assert names_of(
        client.get(f"{V3}/auth/tokens", headers={"X-Subject-Token": client.token})
        .expect(200)
        .json["token"]
    ) == {"member", "reader"}
    as_admin.delete(member).expect(204)
    as_admin.put(grant).expect(204)

    client.get(f"{V3}/users").expect(401)
    assert not Token.objects.filter(user=user, system=True).exists()


def test_a_manager_of_a_domain_acts_there_alone(
    as_admin: ApiClient, branch: Any, cast: Cast
) -> None:
    as_admin.put(f"{V3}/domains/{branch['id']}/users/{branch['user']}/roles/{MANAGER}").expect(204)
    scope = {"domain": {"name": "branch"}}
    client = token_of("alpha-member", scope, domain=branch["id"])
    assert client.shown["domain"] == {"id": branch["id"], "name": "branch"}
    assert names_of(client.shown) == {"manager", "member", "reader"}
    listed = client.get(f"{V3}/users").expect(200).json["users"]
    assert [one["id"] for one in listed] == [branch["user"]]
    assert [one["id"] for one in client.get(f"{V3}/domains").json["domains"]] == [branch["id"]]
    made = make(client, "users", name="new")
    assert made["domain_id"] == branch["id"]
    group = make(client, "groups", name="crew")
    client.put(f"{V3}/groups/{group['id']}/users/{made['id']}").expect(204)
    roles = f"{V3}/projects/{branch['project']}/users/{made['id']}/roles"
    client.put(f"{roles}/{MEMBER}").expect(204)
    client.put(f"{roles}/{ADMIN}").expect(403)
    foreign = {"user": {"name": "new", "domain_id": "default"}}
    client.post(f"{V3}/users", foreign).expect(403)
    client.get(f"{V3}/users/{cast.member.user_id}").expect(403)
    client.put(f"{V3}/groups/{group['id']}/users/{cast.member.user_id}").expect(403)
    client.put(f"{V3}/projects/{ALPHA}/users/{made['id']}/roles/{READER}").expect(403)
    client.post(f"{V3}/domains", {"domain": {"name": "more"}}).expect(403)
    client.get(SERVERS).expect(403)


def test_a_tree_of_projects_has_a_depth(as_admin: ApiClient) -> None:
    above = None
    ids = []
    for level in range(5):
        placed = {"parent_id": above} if above else {}
        above = make(as_admin, "projects", name=f"level {level}", **placed)["id"]
        ids.append(above)
    too_deep = {"name": "one more", "parent_id": above}
    as_admin.post(f"{V3}/projects", {"project": too_deep}).expect(403)
    shown = as_admin.get(f"{V3}/projects/{ids[2]}?parents_as_ids&subtree_as_ids").json["project"]
    assert shown["parents"] == {ids[1]: {ids[0]: {"default": None}}}
    assert shown["subtree"] == {ids[3]: {ids[4]: None}}
    listed = as_admin.get(f"{V3}/projects/{ids[2]}?parents_as_list").json["project"]
    assert listed["parents"] == []
    as_admin.get(f"{V3}/projects/{ids[2]}?domain_id=default").expect(200)
    for wrong in (f"{ids[2]}?domain_id=nosuch", "default?domain_id=default"):
        as_admin.get(f"{V3}/projects/{wrong}").expect(404)
    as_admin.delete(f"{V3}/projects/{ids[0]}").expect(403)
    as_admin.patch(f"{V3}/projects/{ids[0]}", {"project": {"enabled": False}}).expect(403)
    as_admin.patch(f"{V3}/projects/{ids[0]}", {"project": {"parent_id": ALPHA}}).expect(403)
    assert [
        one["id"] for one in as_admin.get(f"{V3}/projects?parent_id={ids[3]}").json["projects"]
    ] == [ids[4]]


def test_tags_of_projects(as_admin: ApiClient, as_reader: ApiClient) -> None:
    tags = f"{V3}/projects/{ALPHA}/tags"
    assert as_admin.put(tags, {"tags": ["b", "a"]}).expect(200).json["tags"] == ["a", "b"]
    as_admin.put(f"{tags}/c").expect(201)
    as_reader.head(f"{tags}/c").expect(204)
    as_reader.get(f"{tags}/d").expect(404)
    as_admin.put(tags, {"tags": ["a,b"]}).expect(400)
    as_admin.put(f"{V3}/projects/{BETA}/tags", {"tags": ["c"]}).expect(200)

    def found(query: str) -> list[str]:
        return [one["name"] for one in as_admin.get(f"{V3}/projects?{query}").json["projects"]]

    assert found("tags=a,c") == ["alpha"]
    assert found("tags-any=a,c") == ["alpha", "beta"]
    assert found("not-tags=a,c") == ["beta"]
    assert found("not-tags-any=a") == ["beta"]
    as_admin.delete(tags).expect(204)
    assert as_reader.get(tags).json["tags"] == []


def test_the_catalogue_is_what_operators_make_it(as_admin: ApiClient, cast: Cast) -> None:
    service = make(as_admin, "services", type="dns", name="designate")["id"]
    url = "https://dns.example.org/$(project_id)s"
    endpoint = make(
        as_admin, "endpoints", service_id=service, interface="public", url=url, region="Far"
    )

    def urls() -> dict[str, list[str]]:
        shown = token_of("alpha-member", {"project": {"id": ALPHA}}).shown["catalog"]
        return {one["type"]: [entry["url"] for entry in one["endpoints"]] for one in shown}

    assert endpoint["region_id"] == "Far"
    assert urls()["dns"] == [f"https://dns.example.org/{ALPHA}"]
    path = f"{V3}/endpoints/{stable_id('endpoint', 'image', 'admin')}"
    as_admin.patch(path, {"endpoint": {"enabled": False}}).expect(200)
    assert len(urls()["image"]) == 2
    image = f"{V3}/services/{stable_id('service', 'image')}"
    as_admin.patch(image, {"service": {"enabled": False}}).expect(200)
    assert "image" not in urls()
    as_admin.delete(f"{V3}/regions/Far").expect(403)
    as_admin.delete(f"{V3}/services/{service}").expect(204)
    as_admin.delete(f"{V3}/regions/Far").expect(204)
    assert "dns" not in urls()


def test_limits_refer_to_registered_ones(
    as_admin: ApiClient, as_reader: ApiClient, as_outsider: ApiClient
) -> None:
    named = {"service_id": stable_id("service", "compute"), "resource_name": "servers"}
    order = {"limits": [{**named, "project_id": ALPHA, "resource_limit": 3}]}
    as_admin.post(f"{V3}/limits", order).expect(403)
    registered = {"registered_limits": [{**named, "default_limit": 10}]}
    made = as_admin.post(f"{V3}/registered_limits", registered).expect(201)
    path = f"{V3}/registered_limits/{made.json['registered_limits'][0]['id']}"
    as_admin.post(f"{V3}/registered_limits", registered).expect(409)
    (limit,) = as_admin.post(f"{V3}/limits", order).expect(201).json["limits"]
    as_admin.post(f"{V3}/limits", order).expect(409)
    as_admin.delete(path).expect(403)
    as_admin.patch(path, {"registered_limit": {"resource_name": "other"}}).expect(403)
    as_admin.patch(path, {"registered_limit": {"default_limit": 20}}).expect(200)
    as_admin.patch(path, {"registered_limit": {"colour": "red"}}).expect(400)
    assert as_reader.get(f"{V3}/limits").json["limits"] == [limit]
    assert as_outsider.get(f"{V3}/limits").json["limits"] == []
    as_outsider.get(f"{V3}/limits/{limit['id']}").expect(403)
    assert as_outsider.get(f"{V3}/limits/model").json["model"]["name"] == "flat"
    as_admin.delete(f"{V3}/limits/{limit['id']}").expect(204)
    as_admin.delete(path).expect(204)


def test_an_application_credential_has_roles_of_one_s_own(as_admin: ApiClient, cast: Cast) -> None:
    role = make(as_admin, "roles", name="auditor")["id"]
    held = f"{V3}/projects/{ALPHA}/users/{cast.member.user_id}/roles/{role}"
    path = f"{V3}/users/{cast.member.user_id}/application_credentials"
    asked = {"application_credential": {"name": "robot", "roles": [{"id": role}]}}
    ApiClient(cast.member).post(path, asked).expect(403)
    as_admin.put(held).expect(204)
    made = ApiClient(cast.member).post(path, asked).expect(201).json["application_credential"]
    proof = {"id": made["id"], "secret": made["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": proof}
    body = {"auth": {"identity": identity}}
    answer = ApiClient().post(f"{V3}/auth/tokens", body).expect(201)
    assert names_of(answer.json["token"]) == {"auditor"}
    Holder(answer.headers["X-Subject-Token"], None).get(SERVERS).expect(403)
    as_admin.delete(held).expect(204)
    ApiClient().post(f"{V3}/auth/tokens", body).expect(401)


def test_a_domain_is_a_project_too(as_admin: ApiClient) -> None:
    made = make(as_admin, "projects", name="branch", is_domain=True)
    assert (made["is_domain"], made["domain_id"]) == (True, None)
    path = f"{V3}/projects/{made['id']}"
    assert as_admin.get(f"{V3}/domains/{made['id']}").json["domain"]["name"] == "branch"
    as_admin.delete(path).expect(403)
    as_admin.patch(path, {"project": {"enabled": False}}).expect(200)
    as_admin.delete(path).expect(204)
    as_admin.get(path).expect(404)


def test_who_may_not_change_the_own_password(as_admin: ApiClient, cast: Cast) -> None:
    path = f"{V3}/users/{cast.member.user_id}"
    as_admin.patch(path, {"user": {"options": {"lock_password": True}}}).expect(200)
    asked = {"user": {"original_password": "alpha-member", "password": "new"}}
    ApiClient().post(f"{path}/password", asked).expect(400)
    as_admin.patch(path, {"user": {"options": {"lock_password": None}}}).expect(200)
    ApiClient().post(f"{path}/password", asked).expect(204)


def test_tokens_of_a_group_s_domain_role_go_with_the_group(as_admin: ApiClient, cast: Cast) -> None:
    group = make(as_admin, "groups", name="crew")["id"]
    as_admin.put(f"{V3}/groups/{group}/users/{cast.outsider.user_id}").expect(204)
    as_admin.put(f"{V3}/domains/default/groups/{group}/roles/{READER}").expect(204)
    client = token_of("beta-member", {"domain": {"id": "default"}})
    client.get(f"{V3}/users").expect(200)
    as_admin.delete(f"{V3}/groups/{group}").expect(204)
    client.get(f"{V3}/users").expect(401)
    assert not Token.objects.filter(domain="default").exists()
