"""What each of the cast may do, by default and after an operator changed something."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from guardian.shortcuts import assign_perm, remove_perm

from compute_site.caller import Caller, PolicyRefused
from compute_site.identity.models import Project, Role
from compute_site.policy.granted import rules_on
from servers.models import Instance
from servers.policies import server as policies
from tests.world.cast import BETA, Cast, Persona
from tests.world.factories import make_instance, make_user
from tests.world.granted import caller_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (policies.INDEX, {"reader", "member", "manager", "admin"}),
        (policies.SHOW, {"reader", "member", "manager", "admin"}),
        (policies.CREATE, {"member", "manager", "admin"}),
        (policies.DELETE, {"member", "manager", "admin"}),
        (policies.CREATE_FORCED_HOST, {"admin"}),
    ],
)
def test_roles_hold_their_rules_by_default(cast: Cast, rule: str, allowed: set[str]) -> None:
    cast_of_alpha = (cast.reader, cast.member, cast.manager, cast.admin)

    may = {persona.role.value for persona in cast_of_alpha if caller_of(persona).may(rule)}

    assert may == allowed


@pytest.mark.parametrize("persona", [Cast.member, Cast.manager, Cast.reader])
def test_rules_hold_in_the_own_project_alone(cast: Cast, persona: Persona) -> None:
    caller = caller_of(persona)

    assert caller.may(policies.SHOW, project_id=persona.project_id)
    assert not caller.may(policies.SHOW, project_id=BETA)


def test_an_admin_s_rules_hold_everywhere(cast: Cast) -> None:
    assert caller_of(cast.admin).may(policies.CREATE_FORCED_HOST, project_id=BETA)


def test_a_refusal_names_the_rule(cast: Cast) -> None:
    with pytest.raises(PolicyRefused, match=policies.CREATE) as refusal:
        caller_of(cast.reader).permit(policies.CREATE)

    assert refusal.value.status == 403


def test_a_rule_that_is_ticked_for_a_role_counts_at_once(cast: Cast) -> None:
    assert not caller_of(cast.member).may(policies.CREATE_FORCED_HOST)

    members = cast.alpha.roles.get(role=Role.MEMBER).group
    assign_perm(policies.CREATE_FORCED_HOST, members, cast.alpha)

    assert caller_of(cast.member).may(policies.CREATE_FORCED_HOST)
    assert not caller_of(cast.outsider).may(policies.CREATE_FORCED_HOST)


def test_a_rule_that_is_unticked_for_a_role_counts_at_once(cast: Cast) -> None:
    assert caller_of(cast.member).may(policies.CREATE)

    remove_perm(policies.CREATE, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)

    assert not caller_of(cast.member).may(policies.CREATE)
    assert caller_of(cast.manager).may(policies.CREATE)
    assert caller_of(cast.outsider).may(policies.CREATE)


def test_a_rule_can_be_granted_to_one_user(cast: Cast) -> None:
    assign_perm(policies.CREATE, cast.reader.user, cast.alpha)

    assert caller_of(cast.reader).may(policies.CREATE)
    assert not caller_of(cast.reader).may(policies.DELETE)


def test_a_rule_can_be_granted_to_a_group_of_the_operator(cast: Cast) -> None:
    auditors = Group.objects.create(name="auditors")
    auditors.permissions.add(
        Permission.objects.get(
            codename=policies.SHOW, content_type=ContentType.objects.get_for_model(Project)
        )
    )
    cast.outsider.user.groups.add(auditors)

    caller = caller_of(cast.outsider)

    assert caller.may(policies.SHOW, project_id=cast.alpha.id)
    assert not caller.may(policies.DELETE, project_id=cast.alpha.id)


def test_an_admin_can_lose_a_rule(cast: Cast) -> None:
    admins = cast.alpha.roles.get(role=Role.ADMIN).group
    admins.permissions.remove(*admins.permissions.filter(codename=policies.DELETE))

    assert not caller_of(cast.admin).may(policies.DELETE)


def test_other_permissions_are_no_rules(cast: Cast) -> None:
    admins = cast.alpha.roles.get(role=Role.ADMIN).group
    admins.permissions.add(Permission.objects.get(codename="view_instance"))

    assert "view_instance" not in caller_of(cast.admin).global_rules


def test_one_server_can_be_shared_with_one_user(cast: Cast) -> None:
    shared, other = make_instance(), make_instance()
    assert rules_on(caller_of(cast.outsider), Instance, shared.pk) == frozenset()

    assign_perm(policies.SHOW, cast.outsider.user, shared)

    assert rules_on(caller_of(cast.outsider), Instance, shared.pk) == {policies.SHOW}
    assert rules_on(caller_of(cast.outsider), Instance, other.pk) == frozenset()
    assert rules_on(caller_of(cast.member), Instance, shared.pk) == frozenset()


def test_one_server_can_be_shared_with_the_members_of_a_project(cast: Cast) -> None:
    shared = make_instance()
    assign_perm(policies.SHOW, cast.beta.roles.get(role=Role.MEMBER).group, shared)

    assert rules_on(caller_of(cast.outsider), Instance, shared.pk) == {policies.SHOW}


def test_what_is_shared_with_a_project_is_seen_from_that_project_alone(cast: Cast) -> None:
    shared = make_instance()
    assign_perm(policies.SHOW, cast.beta.roles.get(role=Role.MEMBER).group, shared)
    cast.member.user.groups.add(cast.beta.roles.get(role=Role.MEMBER).group)

    assert rules_on(caller_of(cast.member), Instance, shared.pk) == frozenset()


def test_looking_for_rules_on_a_server_costs_one_statement(cast: Cast, statements) -> None:
    shared = make_instance()
    caller: Caller = caller_of(cast.outsider)
    rules_on(caller, Instance, shared.pk)

    with statements() as seen:
        rules_on(caller, Instance, shared.pk)

    assert len(seen) == 1


def test_a_rule_made_while_the_process_runs_is_known(cast: Cast) -> None:
    user = make_user(project=cast.alpha, role=Role.READER)
    caller_of(cast.reader)
    Permission.objects.filter(codename=policies.CREATE).delete()
    again = Permission.objects.create(
        codename=policies.CREATE,
        name="made again",
        content_type=ContentType.objects.get_for_model(Project),
    )

    user.user_permissions.add(again)

    reader = Persona(user.username, user.pk, cast.alpha.id, "alpha", Role.READER)
    assert caller_of(reader).global_rules == {policies.CREATE}
