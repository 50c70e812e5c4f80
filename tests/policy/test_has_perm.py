"""Django's ``user.has_perm(rule, thing)`` and the API give the same answer."""

from __future__ import annotations

from functools import cache

import pytest
from django.contrib.contenttypes.models import ContentType
from guardian.shortcuts import assign_perm

from compute_site.identity.models import Project, User
from compute_site.policy import backend
from compute_site.policy.rules import registry
from servers.models import Instance
from servers.policies import server as policies
from tests.world.cast import ALPHA, BETA, Cast, Persona
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_user
from tests.world.granted import caller_of

pytestmark = pytest.mark.django_db
PERSONAS = [Cast.reader, Cast.member, Cast.second_member, Cast.manager, Cast.outsider, Cast.admin]


@pytest.mark.parametrize("project_id", [ALPHA, BETA])
@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_all_rules_have_one_answer(
    cast: Cast, persona: Persona, project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "rules_held", cache(backend.rules_held))  # the same for each rule
    user, project = User.objects.get(pk=persona.user_id), Project.objects.get(pk=project_id)
    caller = caller_of(persona)

    differing = [
        rule.name
        for rule in registry
        if user.has_perm(rule.name, project) != caller.may(rule.name, project_id=project_id)
    ]

    assert differing == []


def test_the_permission_may_be_named_with_its_app(cast: Cast) -> None:
    project = Project.objects.get(pk=ALPHA)
    for_project = ContentType.objects.get_for_model(Project).app_label

    assert User.objects.get(pk=cast.member.user_id).has_perm(
        f"{for_project}.{policies.CREATE}", project
    )


def test_a_rule_granted_on_one_server_counts_there_alone(
    cast: Cast, as_outsider: ApiClient
) -> None:
    shared, other = make_instance(), make_instance()
    assign_perm(policies.SHOW, User.objects.get(pk=cast.outsider.user_id), shared)
    outsider = User.objects.get(pk=cast.outsider.user_id)

    for server, seen in ((shared, True), (other, False)):
        assert outsider.has_perm(policies.SHOW, server) is seen
        as_outsider.get(f"/servers/{server.uuid}").expect(200 if seen else 404)


def test_a_grant_without_a_role_is_of_no_use(cast: Cast) -> None:
    user, project = make_user("nobody"), Project.objects.get(pk=ALPHA)
    assign_perm(policies.CREATE, user, project)

    assert not user.has_perm(policies.CREATE, project)


def test_who_is_not_active_may_nothing(cast: Cast) -> None:
    user = User.objects.get(pk=cast.admin.user_id)
    user.is_active = False

    assert not user.has_perm(policies.SHOW, Project.objects.get(pk=ALPHA))
    assert not user.has_perm(policies.SHOW, Instance(project_id=ALPHA))
