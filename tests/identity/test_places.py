"""Where roles come from: what is inherited, and projects and groups made in other ways than the
API.
"""

from __future__ import annotations

import base64

import pytest
from django.test import Client
from django.urls import reverse

from compute_site.cloudfile.load import load_cloud
from compute_site.identity.ids import stable_id
from compute_site.identity.models import (
    DerivedMembership,
    Project,
    Service,
    Token,
    User,
    UserGroup,
)
from tests.identity.test_domains import MEMBER, READER, V3, make, token_of
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient

pytestmark = pytest.mark.django_db
INHERITED = "scope.OS-INHERIT:inherited_to=projects"


@pytest.fixture
def site(cast: Cast) -> Client:
    http = Client()
    http.force_login(cast.admin.user, backend="django.contrib.auth.backends.ModelBackend")
    return http


def inherit(as_admin: ApiClient, user: str, domain: str = "default") -> None:
    path = f"{V3}/OS-INHERIT/domains/{domain}/users/{user}/roles/{READER}/inherited_to_projects"
    as_admin.put(path).expect(204)


def test_effective_inherited_assignments_are_those_that_are_inherited(
    as_admin: ApiClient, cast: Cast
) -> None:
    user = cast.outsider.user_id
    inherit(as_admin, user)
    as_admin.put(f"{V3}/domains/default/users/{user}/roles/{MEMBER}").expect(204)
    path = f"{V3}/role_assignments?effective&user.id={user}"
    assert {one["role"]["id"] for one in as_admin.get(path).json["role_assignments"]} == {
        MEMBER,
        READER,
    }
    found = as_admin.get(f"{path}&{INHERITED}").json["role_assignments"]
    assert {one["role"]["id"] for one in found} == {READER}
    assert all("project" in one["scope"] for one in found)


def test_a_project_made_in_the_admin_is_inherited_at_once(
    as_admin: ApiClient, cast: Cast, site: Client
) -> None:
    inherit(as_admin, cast.outsider.user_id)
    form = {"name": "later", "domain": "default", "tags": "b,a", "enabled": "on"}
    above = {**form, "name": "under", "parent": ALPHA}
    for sent in (form, above):
        assert site.post(reverse("admin:identity_project_add"), sent).status_code == 302
    later, under = Project.objects.get(name="later"), Project.objects.get(name="under")
    assert later.tags == ["a", "b"]
    assert under.parent_id == ALPHA
    token_of("beta-member", {"project": {"id": later.pk}})
    token_of("beta-member", {"project": {"id": under.pk}})


@pytest.mark.parametrize(
    "wrong",
    [{"tags": "a/b"}, {"tags": "a,a"}, {"parent": "nothing"}, {"domain": "far"}],
)
def test_the_admin_refuses_places_and_tags_that_cannot_be(
    as_admin: ApiClient, site: Client, wrong: dict[str, str]
) -> None:
    far = make(as_admin, "domains", name="far")["id"]
    sent = {"name": "later", "domain": "default", "parent": ALPHA, "enabled": "on", **wrong}
    if wrong.get("domain") == "far":
        sent["domain"] = far  # the parent is in the default one
    page = site.post(reverse("admin:identity_project_add"), sent)
    assert page.status_code == 200
    assert not Project.objects.filter(name="later").exists()


def test_a_project_keeps_its_place_in_the_admin(site: Client, cast: Cast) -> None:
    url = reverse("admin:identity_project_change", args=[ALPHA])
    roles = {"roles-TOTAL_FORMS": "0", "roles-INITIAL_FORMS": "0"}
    sent = {"name": "alpha", "tags": "q", "enabled": "on", "parent": cast.beta.pk, **roles}
    assert site.post(url, sent).status_code == 302
    alpha = Project.objects.get(pk=ALPHA)
    assert (alpha.tags, alpha.parent_id) == (["q"], None)


def test_a_project_of_a_cloud_file_is_inherited_at_once(as_admin: ApiClient, cast: Cast) -> None:
    inherit(as_admin, cast.outsider.user_id)
    load_cloud({"projects": [{"name": "later"}]})
    token_of("beta-member", {"project": {"name": "later", "domain": {"id": "default"}}})


def test_groups_of_a_cloud_file_cost_the_same_for_many(cast: Cast, statements) -> None:
    def cost(number: int) -> int:
        roles = [{"project": "alpha", "role": "reader"}]
        groups = [
            {"name": f"crew {number} {one}", "users": ["beta-member"], "projects": roles}
            for one in range(number)
        ]
        with statements() as seen:
            load_cloud({"groups": groups})
        return len(seen)

    cost(1)
    assert cost(6) <= cost(2)


def test_who_leaves_a_group_of_a_cloud_file_loses_its_roles(
    as_admin: ApiClient, cast: Cast
) -> None:
    crew = {"name": "crew", "projects": [{"project": "alpha", "role": "reader"}]}
    load_cloud({"groups": [{**crew, "users": ["beta-member"]}]})
    group = as_admin.get(f"{V3}/groups?name=crew").json["groups"][0]["id"]
    as_admin.put(f"{V3}/domains/default/groups/{group}/roles/{READER}").expect(204)
    token_of("beta-member", {"domain": {"id": "default"}})
    client = token_of("beta-member", {"project": {"id": ALPHA}})
    load_cloud({"groups": [{**crew, "users": []}]})
    client.get("/servers").expect(401)
    assert not DerivedMembership.objects.exists()
    assert not Token.objects.filter(user=cast.outsider.user_id, domain="default").exists()


def test_a_role_of_one_s_own_counts_with_name_and_password(as_admin: ApiClient) -> None:
    user = make(as_admin, "users", name="eve", password="eve", default_project_id=ALPHA)["id"]
    role = make(as_admin, "roles", name="auditor")["id"]
    as_admin.put(f"{V3}/projects/{ALPHA}/users/{user}/roles/{role}").expect(204)
    User.objects.filter(pk=user).update(default_project=ALPHA)
    proof = base64.b64encode(b"eve:eve").decode()
    answer = ApiClient().get(f"{V3}/auth/catalog", headers={"Authorization": f"Basic {proof}"})
    assert stable_id("service", "image") in {
        one["id"] for one in answer.expect(200).json["catalog"]
    }


def test_a_cloud_file_gives_roles_on_the_system(as_admin: ApiClient, cast: Cast) -> None:
    load_cloud({"users": [{"name": "ann", "password": "ann", "system": "admin"}]})
    client = token_of("ann", {"system": {"all": True}})
    client.get(f"{V3}/users").expect(200)
    load_cloud({"users": [{"name": "ann", "password": "ann"}]})
    client.get(f"{V3}/users").expect(200)
    load_cloud({"users": [{"name": "ann", "password": "ann", "system": "reader"}]})
    client.post(f"{V3}/users", {"user": {"name": "new"}}).expect(403)


def test_a_filter_that_is_said_twice_counts_once(as_admin: ApiClient) -> None:
    query = "name__contains=alpha&-={'name__contains':'alpha'}"
    found = as_admin.get(f"{V3}/projects?{query}").expect(200).json["projects"]
    assert [one["name"] for one in found] == ["alpha"]
    for wrong in ("-={'name':'alpha'}", "-=x", "name=alpha&-={'name':'beta'}"):
        as_admin.get(f"{V3}/projects?{wrong}").expect(400)


def test_the_projects_of_a_domain_lie_below_it(as_admin: ApiClient, cast: Cast) -> None:
    path = f"{V3}/role_assignments?scope.project.id=default&include_subtree"
    found = as_admin.get(f"{path}&user.id={cast.outsider.user_id}").json["role_assignments"]
    assert [one["scope"]["project"]["id"] for one in found] == [cast.beta.pk]


def test_what_keystone_refuses_or_takes(as_admin: ApiClient, cast: Cast) -> None:
    """Seen in trials against it."""
    role = make(as_admin, "roles", name="auditor")["id"]
    far = make(as_admin, "domains", name="far")["id"]
    as_admin.patch(f"{V3}/roles/{role}", {"role": {"domain_id": far}}).expect(400)
    as_admin.patch(f"{V3}/roles/{role}", {"role": {"domain_id": None}}).expect(200)
    as_admin.post(f"{V3}/projects", {"project": {"name": "n", "domain_id": ""}}).expect(400)
    named = {"service_id": stable_id("service", "compute"), "resource_name": "servers"}
    body = {"registered_limits": [{**named, "default_limit": 1}]}
    made = as_admin.post(f"{V3}/registered_limits", body).expect(201).json["registered_limits"][0]
    path = f"{V3}/registered_limits/{made['id']}"
    changed = as_admin.patch(path, {"registered_limit": {}}).expect(200)
    assert changed.json["registered_limit"] == made
    group = make(as_admin, "groups", name="crew")["id"]
    path = f"{V3}/groups/{group}"
    as_admin.patch(path, {"group": {"name": "band", "domain_id": far}}).expect(400)
    assert UserGroup.objects.values_list("name", "domain").get(pk=group) == ("crew", "default")
    as_admin.patch(path, {"group": {"name": "band", "domain_id": "default"}}).expect(200)
    unchanged = as_admin.patch(f"{V3}/projects/{ALPHA}", {"project": {}}).expect(200)
    assert unchanged.json["project"]["name"] == "alpha"
    nameless = as_admin.post(f"{V3}/services", {"service": {"type": "s", "name": ""}}).expect(400)
    assert "service.name" in nameless.json["error"]["message"]
    assert not Service.objects.filter(type="s").exists()


@pytest.mark.parametrize(
    ("plural", "members"), [("domains", {"name": "far"}), ("regions", {"id": "far"})]
)
def test_some_descriptions_have_at_most_255_characters(
    as_admin: ApiClient, plural: str, members: dict[str, str]
) -> None:
    noun, path = plural[:-1], f"{V3}/{plural}"
    number = len(as_admin.get(path).json[plural])
    refused = as_admin.post(path, {noun: {**members, "description": "x" * 256}}).expect(400)
    assert f"{noun}.description" in refused.json["error"]["message"]
    assert len(as_admin.get(path).json[plural]) == number
    as_admin.post(path, {noun: {**members, "description": "x" * 255}}).expect(201)
