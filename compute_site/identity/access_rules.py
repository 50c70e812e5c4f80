"""Limits tokens of application credentials to single kinds of requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import transaction

from compute_site.identity.errors import InvalidToken, NoSuchThing, RuleInUse
from compute_site.identity.models import AccessRule, ApplicationCredential
from compute_site.identity.records import note_change

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
SERVICES: Mapping[str, tuple[str, ...]] = {
    "compute": ("compute",),
    "identity": ("identity",),
    "image": ("image",),
    "network": ("network",),
    "placement": ("placement",),
    "volume": ("block-storage", "block-store", "volume", "volumev3"),
}
"""The first part of the path → the types by which a rule may name the service there."""
PARTS = re.compile(r"(?P<name>\{[^}]*\})|(?P<all>\*\*)|(?P<one>\*)|(?P<text>[^{*]+|\{)")
Kept = Mapping[str, str]
"""A rule as a credential keeps it: id, service, method and path."""


def check_allowed(rules: Iterable[Kept] | None, method: str, path: str) -> None:
    """Go on only if one of the rules allows the request; ``None``: there is no such limit.

    ``path`` is that of the whole site, such as ``/compute/v2.1/servers``; a rule names what follows
    the service, ``/v2.1/servers``, or the whole of it.

    Raises:
        InvalidToken: none does, as in Keystone's middleware.
    """
    if rules is None:
        return
    first, _, rest = path.removeprefix("/").partition("/")
    types = SERVICES.get(first, ())
    for rule in rules:
        if rule["service"] in types and rule["method"] == method:
            pattern = pattern_of(rule["path"])
            if pattern.fullmatch(f"/{rest}") or pattern.fullmatch(path):
                return
    raise InvalidToken("The access rules of the application credential do not allow this request.")


@lru_cache(maxsize=1024)
def pattern_of(path: str) -> re.Pattern[str]:
    """``{name}`` and ``*`` stand for one part of a path, ``**`` for any number of them."""
    wild = {"name": "[^/]+", "one": "[^/]+", "all": ".*"}
    return re.compile(
        "".join(
            wild.get(str(part.lastgroup)) or re.escape(part[0]) for part in PARTS.finditer(path)
        )
    )


def keep_rules(user_id: str, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The rules of a new credential; those that the user does not have yet are made.

    Raises:
        NoSuchThing: one is named by an id that none has.
    """
    found: list[AccessRule] = []
    for one in asked:
        named = {name: one[name] for name in ("service", "method", "path") if name in one}
        if named:
            rule, _ = AccessRule.objects.get_or_create(user_id=user_id, **named)
        else:
            rule = find_rule(user_id, one["id"])
        if rule not in found:
            found.append(rule)
    return [show_rule(rule) for rule in found]


def find_rule(user_id: str, rule_id: str) -> AccessRule:
    """Raises: NoSuchThing."""
    rows = AccessRule.objects.filter(user=user_id)
    found = None if "\0" in rule_id else rows.filter(pk=rule_id).first()
    if found is None:
        raise NoSuchThing(f"There is no access rule {rule_id[:60]}.")
    return found


def show_rule(rule: AccessRule) -> dict[str, str]:
    return {name: getattr(rule, name) for name in ("id", "service", "method", "path")}


def remove_rule(rule: AccessRule, *, by: str) -> None:
    """Raises: RuleInUse: an application credential is limited by it."""
    with transaction.atomic():
        own = ApplicationCredential.objects.select_for_update().filter(user=rule.user_id)
        if own.filter(access_rules__contains=[{"id": rule.pk}]).exists():
            raise RuleInUse("An application credential is limited by this rule.")
        note_change(rule.user, f"Deleted the access rule {rule}.", by=by)
        rule.delete()
