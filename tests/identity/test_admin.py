"""Projects, users, groups and tokens in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from compute_site.console import people
from compute_site.identity.models import ApplicationCredential, Project, Role, Token, User
from compute_site.identity.tokens import digest_of
from compute_site.neighbours.volume.models import Snapshot
from servers.policies import server as policies
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_network, make_port, make_user, make_volume
from tests.world.granted import caller_of
from tests.world.staff import staff

pytestmark = pytest.mark.django_db
LIST = reverse("admin:identity_project_changelist")
MODELS = (
    "auth_group",
    "identity_applicationcredential",
    "identity_project",
    "identity_token",
    "identity_user",
)


@pytest.fixture
def site(cast: Cast) -> Client:
    """A browser in which the cloud's admin, a superuser, is logged in."""
    http = Client()
    http.force_login(cast.admin.user, backend="django.contrib.auth.backends.ModelBackend")
    return http


def url_of(thing: Any, page: str = "change") -> str:
    return reverse(
        f"admin:{thing._meta.app_label}_{thing._meta.model_name}_{page}", args=[thing.pk]
    )


def group_of(project: Project, role: Role) -> Group:
    return project.roles.get(role=role).group


@pytest.mark.parametrize("model", MODELS)
def test_lists_are_shown_with_a_constant_number_of_statements(
    site: Client, statements, model: str
) -> None:
    url = reverse(f"admin:{model}_changelist")

    def cost() -> int:
        with statements() as seen:
            assert site.get(url).status_code == 200
        return len(seen)

    def fill(number: int) -> None:
        project = Project.objects.create(name=f"more-{number}")
        make_user(project=project)
        ApplicationCredential.objects.create(
            name=str(number),
            user_id=Cast.member.user_id,
            project=project,
            role=Role.READER,
            secret_hash="-",
        )
        Token.objects.create(
            digest=str(number),
            user_id=Cast.member.user_id,
            project=project,
            audit_id=str(number),
            issued_at=project.created_at,
            expires_at=project.created_at,
        )

    fill(0)
    cost()
    before = cost()
    for number in range(1, 4):
        fill(number)

    assert cost() == before


@pytest.mark.parametrize("model", MODELS)
def test_lists_can_be_searched(site: Client, model: str) -> None:
    page = site.get(reverse(f"admin:{model}_changelist"), {"q": "alpha"})

    assert page.status_code == 200


def test_a_project_made_in_the_admin_has_its_roles(site: Client) -> None:
    url = reverse("admin:identity_project_add")
    assert site.get(url).status_code == 200

    answer = site.post(url, {"name": "new", "description": "", "enabled": "on"})

    assert answer.status_code == 302
    assert Project.objects.get(name="new").roles.count() == len(Role)


def test_users_are_put_into_roles_on_the_page_of_the_project(site: Client, cast: Cast) -> None:
    project = Project.objects.create(name="new")
    page = site.get(url_of(project)).content.decode()
    assert "rules in this project" in page
    assert "rules in every project" in page

    entries = list(project.roles.order_by("pk"))
    data = {
        "name": "renamed",
        "description": "",
        "enabled": "on",
        "roles-TOTAL_FORMS": len(entries),
        "roles-INITIAL_FORMS": len(entries),
    }
    for index, entry in enumerate(entries):
        data |= {f"roles-{index}-id": entry.pk, f"roles-{index}-project": project.pk}
        if entry.role == Role.MEMBER:
            data[f"roles-{index}-users"] = [cast.outsider.user_id, cast.reader.user_id]
    answer = site.post(url_of(project), data)

    assert answer.status_code == 302, answer.content.decode()
    members = group_of(project, Role.MEMBER)
    assert set(members.user_set.values_list("username", flat=True)) == {
        "beta-member",
        "alpha-reader",
    }
    assert members.name == "renamed/member"
    assert not group_of(project, Role.ADMIN).user_set.exists()


def test_users_can_be_searched_for_a_role(site: Client) -> None:
    source = {"app_label": "identity", "model_name": "user_groups", "field_name": "user"}

    found = site.get(reverse("admin:autocomplete"), source | {"term": "outsider"}).json()
    beta = site.get(reverse("admin:autocomplete"), source | {"term": "beta"}).json()

    assert found["results"] == []
    assert [entry["text"] for entry in beta["results"]] == ["beta-member"]


def test_an_empty_project_can_be_deleted(site: Client) -> None:
    project = Project.objects.create(name="gone")

    answer = site.post(url_of(project, "delete"), {"post": "yes"})

    assert answer.status_code == 302
    assert not Group.objects.filter(name__startswith="gone/").exists()


def test_a_project_with_servers_cannot_be_deleted(site: Client, cast: Cast) -> None:
    make_instance()

    site.post(url_of(cast.alpha, "delete"), {"post": "yes"})

    assert Project.objects.filter(name="alpha").exists()


@pytest.mark.parametrize("page", ["delete", "changelist"])
def test_a_project_whose_network_others_use_cannot_be_deleted(
    site: Client, cast: Cast, page: str
) -> None:
    """As by the API, and both pages say what is in the way."""
    lender = Project.objects.create(name="lender")
    network = make_network(project_id=lender.pk, shared=True)
    make_port(network, project_id=cast.beta.pk)
    url = url_of(lender, "delete") if page == "delete" else LIST
    asked = {"action": "delete_selected", "_selected_action": lender.pk}
    form = {"post": "yes"} | (asked if page == "changelist" else {})

    answer = site.post(url, form)

    assert answer.status_code == 200
    assert f"Ports of other projects are in networks of the project {lender.pk}" in (
        answer.content.decode()
    )
    assert Project.objects.filter(pk=lender.pk).exists()
    assert network.subnets.exists()


@pytest.mark.parametrize("page", ["delete", "changelist"])
def test_what_comes_in_the_way_meanwhile_is_told(
    site: Client, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = Project.objects.create(name="lender")
    make_port(make_network(project_id=lender.pk, shared=True), project_id=BETA)
    monkeypatch.setattr(people, "find_hindrance", lambda _: None)
    url = url_of(lender, "delete") if page == "delete" else LIST
    asked = {"action": "delete_selected", "_selected_action": lender.pk}
    form = {"post": "yes"} | (asked if page == "changelist" else {})

    answer = site.post(url, form, follow=True)

    assert f"Ports of other projects are in networks of the project {lender.pk}" in (
        answer.content.decode()
    )
    assert Project.objects.filter(pk=lender.pk).exists()
    assert not LogEntry.objects.filter(object_id=lender.pk).exists()


def test_what_is_in_the_way_of_a_deletion_is_linked(site: Client, cast: Cast) -> None:
    servers = [make_instance() for _ in range(25)]
    volume = make_volume()
    snapshot = Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1)
    page = site.get(url_of(cast.alpha, "delete")).content.decode()
    links = [url_of(row) for row in (*servers, snapshot)]
    assert [url for url in links if url in page] == [*links[:20], links[-1]]
    assert "and more" in page


def test_who_may_not_see_servers_gets_no_links_to_them(cast: Cast) -> None:
    person = make_user()
    server = make_instance(user_id=person.pk)
    client = staff("identity.view_user", "identity.delete_user")
    page = client.get(url_of(person, "delete")).content.decode()
    assert "still has servers" in page
    assert url_of(server) not in page


def test_what_goes_with_a_project_is_counted(site: Client) -> None:
    project = Project.objects.create(name="gone")
    for _ in range(3):
        make_network(project_id=project.pk)
    page = site.get(url_of(project, "delete")).content.decode()
    assert "<li>Networks: 3</li>" in page
    assert site.post(url_of(project, "delete"), {"post": "yes"}).status_code == 302
    assert not Project.objects.filter(pk=project.pk).exists()


def test_a_user_with_servers_cannot_be_deleted(site: Client, cast: Cast) -> None:
    make_instance()
    answer = site.post(url_of(cast.member.user, "delete"), {"post": "yes"})
    assert "still has servers" in answer.content.decode()


def rules_page(project: Project, role: Role) -> str:
    return reverse(
        "admin:identity_project_permissions_manage_group",
        args=[project.pk, group_of(project, role).pk],
    )


def test_a_ticked_rule_holds_from_the_next_request_on(site: Client, cast: Cast) -> None:
    url = rules_page(cast.alpha, Role.READER)
    page = site.get(url)
    held = page.context["form"].initial or page.context["form"]["permissions"].initial
    assert policies.SHOW in held
    assert policies.CREATE not in held
    assert not caller_of(cast.reader).may(policies.CREATE)

    answer = site.post(url, {"permissions": [*held, policies.CREATE]})

    assert answer.status_code == 302
    assert caller_of(cast.reader).may(policies.CREATE)
    assert caller_of(cast.reader).may(policies.SHOW)


def test_an_unticked_rule_is_refused_from_the_next_request_on(site: Client, cast: Cast) -> None:
    site.post(rules_page(cast.alpha, Role.READER), {"permissions": [policies.INDEX]})

    assert caller_of(cast.reader).rules == {policies.INDEX}


def test_rules_are_boxes_with_name_and_description(site: Client, cast: Cast) -> None:
    page = site.get(rules_page(cast.alpha, Role.READER)).content.decode()

    assert f'type="checkbox" name="permissions" value="{policies.CREATE}"' in page
    assert f"<code>{policies.CREATE}</code>" in page
    assert "<td>Create a server.</td>" in page


def test_the_overview_of_rules_leads_to_groups_and_users(site: Client, cast: Cast) -> None:
    url = url_of(cast.alpha, "permissions")
    page = site.get(url).content.decode()
    assert f"group-manage/{group_of(cast.alpha, Role.MEMBER).pk}/" in page

    answer = site.post(url, {"submit_manage_user": "1", "user": "alpha-reader"})

    assert answer.status_code == 302
    granted = site.post(answer.url, {"permissions": [policies.CREATE]})
    assert granted.status_code == 302
    assert caller_of(cast.reader).may(policies.CREATE)


def test_a_user_made_in_the_admin_can_log_in(site: Client, cast: Cast) -> None:
    url = reverse("admin:identity_user_add")
    assert site.get(url).status_code == 200

    answer = site.post(
        url,
        {
            "username": "new-user",
            "usable_password": "true",
            "password1": "long enough 1",
            "password2": "long enough 1",
            "default_project": cast.alpha.pk,
            "groups": [group_of(cast.alpha, Role.MEMBER).pk],
        },
    )

    assert answer.status_code == 302, answer.content.decode()
    user = {"name": "new-user", "domain": {"id": "default"}, "password": "long enough 1"}
    identity = {"methods": ["password"], "password": {"user": user}}
    token = ApiClient().post("//identity/v3/auth/tokens", {"auth": {"identity": identity}})
    assert token.expect(201).json["token"]["project"]["name"] == "alpha"


def test_the_page_of_a_user_is_shown(site: Client, cast: Cast) -> None:
    page = site.get(url_of(cast.member.user)).content.decode()

    assert "alpha/member" in page


def test_the_tokens_of_a_user_are_revoked_by_an_action(site: Client, cast: Cast) -> None:
    site.post(
        reverse("admin:identity_user_changelist"),
        {"action": "revoke_tokens", "_selected_action": [cast.member.user_id]},
    )

    assert not Token.objects.filter(user=cast.member.user_id).exists()
    assert Token.objects.filter(user=cast.outsider.user_id).exists()


def test_the_page_of_a_group_is_shown(site: Client, cast: Cast) -> None:
    admins = group_of(cast.alpha, Role.ADMIN)

    assert site.get(url_of(admins)).status_code == 200
    assert site.get(reverse("admin:auth_group_add")).status_code == 200


def test_rules_of_every_project_are_ticked_on_the_page_of_a_group(site: Client, cast: Cast) -> None:
    auditors = Group.objects.create(name="auditors")
    cast.outsider.user.groups.add(auditors)
    right = Permission.objects.get(codename="view_instance")

    for rules in ([policies.SHOW, policies.INDEX], [policies.SHOW]):
        answer = site.post(
            url_of(auditors), {"name": "auditors", "everywhere": rules, "permissions": [right.pk]}
        )
        assert answer.status_code == 302, answer.content.decode()
        assert caller_of(cast.outsider).global_rules == set(rules)

    assert right in auditors.permissions.all()
    page = site.get(url_of(auditors)).context["adminform"].form
    assert page.initial["everywhere"] == [policies.SHOW]
    offered = page.fields["permissions"].queryset.values_list("codename", flat=True)
    assert policies.SHOW not in set(offered)


def test_a_cloud_admin_loses_a_rule_that_is_unticked(site: Client, cast: Cast) -> None:
    admins = group_of(cast.alpha, Role.ADMIN)
    form = site.get(url_of(admins)).context["adminform"].form
    kept = [rule for rule in form.initial["everywhere"] if rule != policies.DELETE]
    assert len(kept) == len(form.initial["everywhere"]) - 1

    assert site.post(url_of(admins), {"everywhere": kept}).status_code == 302

    assert not caller_of(cast.admin).may(policies.DELETE)
    assert caller_of(cast.admin).may(policies.SHOW)


def test_a_role_s_group_cannot_be_deleted_but_an_own_one_can(site: Client, cast: Cast) -> None:
    members = group_of(cast.alpha, Role.MEMBER)
    own = Group.objects.create(name="auditors")

    assert site.post(url_of(members, "delete"), {"post": "yes"}).status_code == 403
    assert site.post(url_of(own, "delete"), {"post": "yes"}).status_code == 302
    site.post(
        reverse("admin:auth_group_changelist"),
        {"action": "delete_selected", "_selected_action": [members.pk], "post": "yes"},
    )

    assert Group.objects.filter(pk=members.pk).exists()
    assert not Group.objects.filter(pk=own.pk).exists()


def test_a_token_is_shown_without_its_digest_and_can_be_revoked(site: Client, cast: Cast) -> None:
    token = Token.objects.get(digest=digest_of(cast.member.token))
    page = site.get(url_of(token)).content.decode()
    assert token.audit_id in page
    assert 'name="_save"' not in page

    assert site.get(reverse("admin:identity_token_add")).status_code == 403
    site.post(url_of(token, "delete"), {"post": "yes"})

    assert not Token.objects.filter(pk=token.pk).exists()


def test_a_credential_is_shown_without_its_hash_and_can_be_deleted(
    site: Client, cast: Cast
) -> None:
    credential = ApplicationCredential.objects.create(
        name="robot",
        user_id=cast.member.user_id,
        project=cast.alpha,
        role=Role.READER,
        secret_hash="not to be seen",
    )
    page = site.get(url_of(credential)).content.decode()
    assert "robot" in page
    assert "not to be seen" not in page

    site.post(url_of(credential, "delete"), {"post": "yes"})

    assert not ApplicationCredential.objects.exists()


def test_the_admin_is_for_staff_alone(cast: Cast) -> None:
    http = Client()
    http.force_login(cast.member.user, backend="django.contrib.auth.backends.ModelBackend")

    for model in MODELS:
        assert http.get(reverse(f"admin:{model}_changelist")).status_code == 302


def test_staff_without_rights_sees_no_project(cast: Cast) -> None:
    user = make_user(is_staff=True)
    http = Client()
    http.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    assert http.get(reverse("admin:identity_project_changelist")).status_code == 403
    assert User.objects.get(pk=user.pk).is_staff
