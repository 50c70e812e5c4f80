"""Which proofs a user needs for a token: the options ``multi_factor_auth_rules`` name methods that
go together, and one of these rules must be met. What was proven already is told by a receipt.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any

from django.core import signing
from django.utils import timezone

from compute_site.faults import Unauthorized
from compute_site.identity.scope import Scope

ENABLED, RULES = "multi_factor_auth_enabled", "multi_factor_auth_rules"
"""The options of a user."""
PASSWORD_ALONE = ("password",)
"""What HTTP Basic and pages ask for."""
LASTS = dt.timedelta(minutes=5)
SALT = "auth receipt"


class UnknownReceipt(Unauthorized):
    """A receipt that is not ours, has expired, or is another user's."""

    code = "unknown_receipt"


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """What a user has proven, for a while."""

    user: Scope
    methods: tuple[str, ...]
    required: tuple[tuple[str, ...], ...]
    """The rules that begin with these."""
    issued_at: dt.datetime

    @property
    def expires_at(self) -> dt.datetime:
        return self.issued_at + LASTS

    @property
    def text(self) -> str:
        told = {"user": self.user.user_id, "methods": self.methods, "since": _state_of(self.user)}
        return signing.dumps(told, salt=SALT)


class MoreProofsNeeded(Unauthorized):
    """The proofs are right, and not enough."""

    code = "more_proofs_needed"

    def __init__(self, receipt: Receipt) -> None:
        super().__init__("Your account needs more proofs than this: give all in a token request.")
        self.receipt = receipt


def check_factors(user: Scope, methods: Collection[str]) -> None:
    """Go on only if these methods are enough for the user.

    Raises:
        MoreProofsNeeded: none of the user's rules is met.
    """
    rules = user.factor_rules
    if not rules or any(set(methods).issuperset(rule) for rule in rules):
        return
    begun = tuple(rule for rule in rules if set(rule) & set(methods))
    raise MoreProofsNeeded(Receipt(user, tuple(methods), begun, timezone.now()))


def methods_before(receipt: str, user: Scope) -> list[str]:
    """What the receipt says that the user has proven.

    Raises:
        UnknownReceipt: it says nothing of this user, or not any more.
    """
    try:
        told: Any = signing.loads(receipt, salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        told = {}
    if told.get("user") != user.user_id or told.get("since") != _state_of(user):
        raise UnknownReceipt("The receipt is unknown, has expired, or is another user's.")
    return list(told["methods"])


def _state_of(user: Scope) -> str | None:
    """A receipt ends where all tokens do, as after a new password."""
    return user.signed_out_at.isoformat() if user.signed_out_at else None
