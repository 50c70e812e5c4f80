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
MEMBERS = ("service", "method", "path")
"""What makes a rule of a user."""
SUPPORT, SUPPORTED = "OpenStack-Identity-Access-Rules", "1.0"
"""The header, and its value, by which who validates a token says that it keeps to such rules."""
NAME = re.compile(r"\{[^}]*\}")
LETTER, LETTERS, ANYTHING = "letter", "letters", "anything"
"""In a pattern: one character of a part of a path, any number of these, and any number of any."""
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
            if fits(pattern, f"/{rest}") or fits(pattern, path):
                return
    raise InvalidToken("The access rules of the application credential do not allow this request.")


@lru_cache(maxsize=1024)
def pattern_of(path: str) -> tuple[str, ...]:
    """The path of a rule, character by character: ``{name}`` and ``*`` stand for one part of a
    path, ``**`` for any number of them.
    """
    found: list[str] = []
    for run in re.split(r"(\*\*|\*)", NAME.sub("*", path)):
        match run:
            case "**":
                found.append(ANYTHING)
            case "*":
                found += (LETTER, LETTERS)
            case _:
                found += run
    return tuple(found)


def fits(pattern: Sequence[str], path: str) -> bool:
    """Does the pattern stand for the path? All ways to read it are followed at once, so that the
    time grows with both lengths alone, whatever a rule is made of.
    """
    here = _with_skipped(pattern, {0})
    for letter in path:
        after = set()
        for place in here:
            wanted = pattern[place] if place < len(pattern) else None
            inside = letter != "/"
            if wanted == ANYTHING or (wanted == LETTERS and inside):
                after.add(place)
            elif wanted == letter or (wanted == LETTER and inside):
                after.add(place + 1)
        here = _with_skipped(pattern, after)
    return len(pattern) in here


def _with_skipped(pattern: Sequence[str], places: set[int]) -> set[int]:
    """With the places behind what may stand for nothing."""
    found = set(places)
    for start in places:
        place = start
        while place < len(pattern) and pattern[place] in (LETTERS, ANYTHING):
            place += 1
            found.add(place)
    return found


def keep_rules(user_id: str, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The rules of a new credential; those that the user does not have yet are made.

    Raises:
        NoSuchThing: one is named by an id that none has.
    """
    new = [AccessRule(user_id=user_id, **one) for one in asked if "id" not in one]
    AccessRule.objects.bulk_create(new, ignore_conflicts=True)
    rules = AccessRule.objects.filter(user=user_id)
    by_id = {rule.pk: rule for rule in rules}
    by_members = {tuple(getattr(rule, name) for name in MEMBERS): rule for rule in rules}
    found: dict[str, AccessRule] = {}
    for one in asked:
        if "id" in one:
            rule, named = by_id.get(one["id"]), one["id"]
        else:
            rule, named = by_members.get(tuple(one[name] for name in MEMBERS)), one["path"]
        if rule is None:
            raise _no_rule(named)
        found[rule.pk] = rule
    return [show_rule(rule) for rule in found.values()]


def find_rule(user_id: str, rule_id: str) -> AccessRule:
    """Raises: NoSuchThing."""
    rows = AccessRule.objects.filter(user=user_id)
    found = None if "\0" in rule_id else rows.filter(pk=rule_id).first()
    if found is None:
        raise _no_rule(rule_id)
    return found


def _no_rule(named: str) -> NoSuchThing:
    return NoSuchThing(f"There is no access rule {named[:60]}.")


def show_rule(rule: AccessRule) -> dict[str, str]:
    return {name: getattr(rule, name) for name in ("id", *MEMBERS)}


def remove_rule(rule: AccessRule, *, by: str) -> None:
    """Raises: RuleInUse: an application credential is limited by it."""
    with transaction.atomic():
        own = ApplicationCredential.objects.select_for_update().filter(user=rule.user_id)
        if own.filter(access_rules__contains=[{"id": rule.pk}]).exists():
            raise RuleInUse("An application credential is limited by this rule.")
        note_change(rule.user, f"Deleted the access rule {rule}.", by=by)
        rule.delete()
