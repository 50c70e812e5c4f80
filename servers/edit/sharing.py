"""Shares one server: rules on it, granted to single users of whatever project."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import transaction

from compute_site.caller import Caller
from compute_site.identity.models import User
from compute_site.policy.grants import rules_of_users, set_rules_of_user
from compute_site.policy.rules import registry
from servers.errors import NoSuchUser, NotGrantable, NothingGranted
from servers.lifecycle.history import log_action
from servers.models import Instance


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """What a user may do with a server, beside what roles allow."""

    user_id: str
    user_name: str
    rules: Sequence[str]


def list_grants(instance: Instance) -> list[Grant]:
    """Who holds rules on the server, by name of the user (one statement)."""
    return [Grant(*row) for row in rules_of_users(instance)]


def grant_rules(caller: Caller, instance: Instance, user_id: str, rules: Sequence[str]) -> Grant:
    """Let a user hold exactly these rules on the server.

    Raises:
        NoSuchUser: the URL names nobody.
        NotGrantable: a rule is none that one can hold on one server.
        PolicyRefused: the caller does not hold a rule on the server's project.
    """
    for number, rule in enumerate(rules):
        if rule not in registry or not registry[rule].on_instance:
            raise NotGrantable(rule, field=f"grant.rules.{number}")
        caller.permit(rule, project_id=instance.project_id)
    user = _find_user(user_id)
    with transaction.atomic():
        set_rules_of_user(instance, user, rules)
        log_action(caller, instance, "share", "api_share", details=user.get_username())
    return Grant(user.pk, user.get_username(), sorted(set(rules)))


def revoke_rules(caller: Caller, instance: Instance, user_id: str) -> None:
    """Take back everything that a user was granted on the server.

    Raises:
        NoSuchUser: the URL names nobody.
        NothingGranted: the user holds nothing on it.
    """
    user = _find_user(user_id)
    with transaction.atomic():
        if not set_rules_of_user(instance, user, ()):
            raise NothingGranted(f"The user {user_id} holds no rule on this server.")
        log_action(caller, instance, "unshare", "api_unshare", details=user.get_username())


def _find_user(user_id: str) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NoSuchUser(user_id)
    return user
