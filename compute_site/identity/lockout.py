"""Counts failed sign-ins of each account, and locks it for a while after too many in a row.

Names of users that do not exist are counted and locked in the same way, so that neither the answers
nor their timing tell which users exist.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from compute_site.identity.models import SignInFailures, User

logger = logging.getLogger(__name__)

NAME, PASSCODE = "name ", "passcode "
EXEMPT = "ignore_lockout_failure_attempts"
"""The option of a user whose account is never locked."""

NAMES_KEPT = dt.timedelta(days=1)
"""How long failures count of names that nobody has: there is no end of them."""
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

NOTE = """
INSERT INTO identity_signinfailures AS known (account, failures, last_at)
VALUES (%(account)s, 1, %(now)s)
    ON CONFLICT (account) DO UPDATE
   SET failures = CASE WHEN known.failures >= %(most)s THEN 1 ELSE known.failures + 1 END,
       last_at = excluded.last_at
 WHERE known.failures < %(most)s OR known.last_at < %(since)s
RETURNING failures
"""


def account_of(user_id: str | None, named: str, *, of_passcodes: bool = False) -> str:
    """The key under which failures are counted: the user, or the name if no user has it. Passcodes
    are counted by themselves: whoever knows the password would set the count back.
    """
    if user_id is not None and of_passcodes:
        return f"{PASSCODE}{user_id}"
    if user_id is not None:
        return SignInFailures.account_of(user_id)
    return f"{NAME}{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_locked(account: str) -> bool:
    """Is the account locked? One statement, two where it is or would be; none where the site never
    locks accounts.
    """
    return _is_on() and _locked().filter(account=account).exists() and not _is_exempt(account)


def note_failure(account: str, *, named: str) -> None:
    """Count one failure. As in Keystone, failures during a lock do not prolong it."""
    if not _is_on():
        return
    most = settings.OPTIONS.lockout_failure_attempts
    values: dict[str, Any] = {
        "account": account,
        "now": timezone.now(),
        "most": most,
        "since": _since(),
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTE, values)
        row = cursor.fetchone()
    if row is not None and row[0] == most and not _is_exempt(account):
        seconds = settings.OPTIONS.lockout_duration
        until = f"for {seconds} s" if seconds else "until somebody unlocks it"
        logger.warning("%s is locked %s after %s failed sign-ins", named, until, most)


def forget_failures(account: str) -> None:
    """Set the count back after a successful sign-in."""
    if _is_on():
        SignInFailures.objects.filter(account=account).delete()


def unlock(user_ids: Iterable[str]) -> int:
    """Let the users sign in again; return how many had failed before."""
    accounts = [
        account_of(user_id, "", of_passcodes=of_passcodes)
        for user_id in user_ids
        for of_passcodes in (False, True)
    ]
    return SignInFailures.objects.filter(account__in=accounts).delete()[0]


def describe_failures(user_id: str) -> str:
    """For operators: how often the user failed to sign in, and whether that locks the account."""
    account = SignInFailures.account_of(user_id)
    found = SignInFailures.objects.filter(account=account).first()
    if found is None:
        return "none"
    text = f"{found.failures}, the last one at {found.last_at:%Y-%m-%d %H:%M:%S}"
    return f"{text}; locked" if is_locked(account) else text


def purge_failures() -> int:
    """Delete old counts of names that no user has; return how many there were."""
    old = SignInFailures.objects.filter(last_at__lt=timezone.now() - NAMES_KEPT)
    return old.filter(account__startswith=NAME).delete()[0]


def _is_exempt(account: str) -> bool:
    """Does an option of the user say that failures do not lock the account?"""
    exempt = User.objects.filter(options__contains={EXEMPT: True})
    return exempt.filter(pk=account.partition(" ")[2]).exists()


def _is_on() -> bool:
    return bool(settings.OPTIONS.lockout_failure_attempts > 0)


def _since() -> dt.datetime:
    """The time before which a lock has ended."""
    seconds: int = settings.OPTIONS.lockout_duration
    return timezone.now() - dt.timedelta(seconds=seconds) if seconds else EPOCH


def _locked() -> QuerySet[SignInFailures]:
    most = settings.OPTIONS.lockout_failure_attempts
    return SignInFailures.objects.filter(failures__gte=most, last_at__gte=_since())
