"""The site decides which roles hold a rule in projects that are made from now on."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud, parse
from compute_site.identity.models import Project, Role
from compute_site.policy.granted import roles_that_hold
from compute_site.policy.grants import set_default_roles, synchronise
from compute_site.policy.models import RuleDefault
from compute_site.policy.rules import registry
from servers.policies import server as policies
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_project, make_user
from tests.world.granted import caller_of
from tests.world.staff import operator, staff

pytestmark = pytest.mark.django_db
READERS, MANAGERS = {*Role}, {Role.MANAGER, Role.ADMIN}


def by_file() -> None:
    text = f"policy_defaults:\n  {policies.CREATE}: manager\n  {policies.DELETE}: reader\n"
    load_cloud(parse(text))


def in_the_admin() -> None:
    client = operator()
    url = reverse("admin:policy_ruledefault_changelist")
    for rule, role in ((policies.CREATE, "manager"), (policies.DELETE, "reader")):
        page = client.get(url, {"q": rule})
        rows = list(page.context["cl"].result_list)
        form: dict[str, Any] = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows)}
        for index, row in enumerate(rows):
            form |= {f"form-{index}-rule": row.pk}
            form |= {f"form-{index}-role": role if row.pk == rule else row.role}
        answer = client.post(f"{url}?q={rule}", form | {"_save": "Save"})
        assert answer.status_code == 302, answer.content.decode()


def by_api() -> Project:
    body = {"project": {"name": "fresh"}}
    made = ApiClient(Cast.admin).post("//identity/v3/projects", body).expect(201)
    return Project.objects.get(pk=made.json["project"]["id"])


def by_cloud_file() -> Project:
    load_cloud({"projects": [{"name": "fresh"}]})
    return Project.objects.get(name="fresh")


@pytest.mark.parametrize("decide", [by_file, in_the_admin])
@pytest.mark.parametrize("make", [make_project, by_api, by_cloud_file])
def test_new_projects_get_what_the_site_decided(
    cast: Cast, decide: Callable[[], None], make: Callable[[], Project]
) -> None:
    before = roles_that_hold(cast.alpha)
    decide()
    held = roles_that_hold(make())
    assert (held[policies.CREATE], held[policies.DELETE]) == (MANAGERS, READERS)
    assert held[policies.SHOW] == before[policies.SHOW]
    assert roles_that_hold(cast.alpha) == before


def test_a_file_decides_for_the_projects_it_makes(cast: Cast) -> None:
    document = {
        "projects": [{"name": "fresh"}],
        "policy_defaults": {policies.CREATE: "admin"},
        "users": [{"name": "x", "password": "x", "projects": [{"project": "fresh"}]}],
    }
    load_cloud(document)
    load_cloud(document)
    assert roles_that_hold(Project.objects.get(name="fresh"))[policies.CREATE] == {Role.ADMIN}


def test_the_rule_is_asked(cast: Cast) -> None:
    set_default_roles({policies.CREATE: Role.MANAGER})
    project = make_project()
    member = make_user(project=project, role=Role.MEMBER)
    manager = make_user(project=project, role=Role.MANAGER)
    assert not member.has_perm(f"identity.{policies.CREATE}", project)
    assert manager.has_perm(f"identity.{policies.CREATE}", project)
    assert caller_of(cast.member).may(policies.CREATE)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"os_compute_api:no:such": "member"}, "there is no rule"),
        ({policies.CREATE: "owner"}, "give one of reader, member, manager, admin"),
        ({policies.CREATE: None}, "is required"),
        ([policies.CREATE], "give an object"),
    ],
)
def test_a_wrong_section_is_told(cast: Cast, section: Any, told: str) -> None:
    with pytest.raises(CloudFileError, match=told):
        load_cloud({"policy_defaults": section})
    assert not RuleDefault.objects.exclude(role="").exists()


def test_there_is_a_row_for_each_rule_and_a_migrate_keeps_what_was_decided(cast: Cast) -> None:
    set_default_roles({policies.CREATE: Role.ADMIN})
    RuleDefault.objects.create(rule="os_compute_api:of:old", role="member")
    RuleDefault.objects.filter(rule=policies.SHOW).delete()
    synchronise()
    assert RuleDefault.objects.get(rule=policies.CREATE).role == "admin"
    names = set(RuleDefault.objects.values_list("rule", flat=True))
    assert names == {rule.name for rule in registry} | {"os_compute_api:of:old"}
    page = operator().get(reverse("admin:policy_ruledefault_changelist"), {"q": ":of:old"})
    assert list(page.context["cl"].result_list) == []


def test_only_superusers_decide(cast: Cast) -> None:
    client = staff("policy.view_ruledefault", "policy.change_ruledefault")
    url = reverse("admin:policy_ruledefault_changelist")
    assert 'name="form-0-role"' not in client.get(url).content.decode()
    change = reverse("admin:policy_ruledefault_change", args=[policies.CREATE])
    assert client.post(change, {"role": "reader"}).status_code == 403
    assert RuleDefault.objects.get(rule=policies.CREATE).role == ""
    assert operator().post(change, {"role": "reader"}).status_code == 302
    assert RuleDefault.objects.get(rule=policies.CREATE).role == "reader"


def test_the_list_of_policies_tells_what_was_decided(cast: Cast) -> None:
    set_default_roles({policies.CREATE: Role.MANAGER})
    output = StringIO()
    call_command("list_policies", stdout=output)
    assert f"{policies.CREATE}  manager  POST /servers" in output.getvalue()
