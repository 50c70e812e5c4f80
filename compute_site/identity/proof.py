"""Verifies that somebody is a user, by a password, a passcode or the secret of an application
credential.

The token API, HTTP Basic, the HTML pages and the change of a password all call these functions, so
that failures are counted, logged and answered in the same way.
"""

from __future__ import annotations

import logging

from compute_site.identity import passcodes
from compute_site.identity.errors import InvalidPassword
from compute_site.identity.kept import blob_of
from compute_site.identity.lockout import account_of, forget_failures, is_locked, note_failure
from compute_site.identity.models import ApplicationCredential, StoredCredential
from compute_site.identity.passwords import verify_password, verify_secret
from compute_site.identity.records import note_failed_sign_in
from compute_site.identity.scope import Scope
from compute_site.request_id import note_user

logger = logging.getLogger(__name__)

LONGEST_SHOWN = 100
PASSCODE = "passcode"
"""The way of those."""


def prove_password(scope: Scope | None, password: str, *, named: str, by: str) -> Scope:
    """Return the user if the password is right. ``named`` is the name or id that was given; ``by``
    is, for the log, the way the password was sent.

    Raises:
        InvalidPassword: there is no such user, the password is wrong, or the account is locked.
    """
    right = verify_password(scope, password)
    user_id = scope.user_id if scope is not None else None
    if not _counts(right=right, user_id=user_id, named=named, by=by):
        raise InvalidPassword("User and password do not belong together.")
    assert scope is not None  # noqa: S101 - only a known user has a right password
    note_user(scope.user_id)
    return scope


def prove_passcode(user: Scope | None, passcode: str, *, named: str) -> Scope:
    """Return the user if an authenticator of the user shows this passcode.

    Raises:
        InvalidPassword: as with passwords.
    """
    user_id = user.user_id if user is not None else None
    mine = StoredCredential.objects.filter(user=user_id, type=passcodes.TYPE)
    right = user is not None and any(passcodes.is_passcode(blob_of(row), passcode) for row in mine)
    if not _counts(right=right, user_id=user_id, named=named, by=PASSCODE):
        raise InvalidPassword("User and passcode do not belong together.")
    assert user is not None  # noqa: S101 - only a known user has authenticators
    note_user(user.user_id)
    return user


def prove_secret(
    credential: ApplicationCredential | None, secret: str, *, named: str
) -> ApplicationCredential:
    """Return the application credential if the secret is right; failures count for its user.

    Raises:
        InvalidPassword: as with passwords.
    """
    right = verify_secret(credential, secret)
    user_id = credential.user_id if credential is not None else None
    if not _counts(right=right, user_id=user_id, named=named, by="application credential"):
        raise InvalidPassword("Application credential and secret do not belong together.")
    assert credential is not None  # noqa: S101 - only a known one has a right secret
    note_user(credential.user_id)
    return credential


def _counts(*, right: bool, user_id: str | None, named: str, by: str) -> bool:
    """Count the attempt; is a right password accepted? The lock is checked after the slow hash, so
    that parallel guesses get no more attempts than guesses one after another.
    """
    shown = repr(named[:LONGEST_SHOWN])
    account = account_of(user_id, named, of_passcodes=by == PASSCODE)
    if not right:
        logger.warning("sign-in refused: %s, by %s: wrong", shown, by)
        note_failed_sign_in(user_id, way=by)
        note_failure(account, named=shown)
        return False
    if is_locked(account):
        logger.warning("sign-in refused: %s, by %s: locked", shown, by)
        note_failed_sign_in(user_id, way=by)
        return False
    forget_failures(account)
    return True
