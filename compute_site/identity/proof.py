"""Who proves to be a user: by a password, or by the secret of an application credential.

Whatever asks for one asks here: the token API, HTTP Basic, the pages, the change of a password. So
failures are counted and logged alike, and all get one answer.
"""

from __future__ import annotations

import logging

from compute_site.identity.errors import InvalidPassword
from compute_site.identity.lockout import account_of, forget_failures, is_locked, note_failure
from compute_site.identity.models import ApplicationCredential
from compute_site.identity.passwords import verify_password, verify_secret
from compute_site.identity.scope import Scope
from compute_site.request_id import note_user

logger = logging.getLogger(__name__)

LONGEST_SHOWN = 100


def prove_password(scope: Scope | None, password: str, *, named: str, by: str) -> Scope:
    """The user, whose password this is. ``named`` is what the user was called; ``by``, for the
    log, what the password came with.

    Raises:
        InvalidPassword: nobody is called so, the password is another one, or there were too many
            failures lately.
    """
    right = verify_password(scope, password)
    user_id = scope.user_id if scope is not None else None
    if not _counts(right=right, account=account_of(user_id, named), named=named, by=by):
        raise InvalidPassword("User and password do not belong together.")
    assert scope is not None  # noqa: S101 - only a known user has a right password
    note_user(scope.user_id)
    return scope


def prove_secret(
    credential: ApplicationCredential | None, secret: str, *, named: str
) -> ApplicationCredential:
    """The application credential, whose secret this is; failures count for its user.

    Raises:
        InvalidPassword: as with passwords.
    """
    right = verify_secret(credential, secret)
    user_id = credential.user_id if credential is not None else None
    account = account_of(user_id, named)
    if not _counts(right=right, account=account, named=named, by="application credential"):
        raise InvalidPassword("Application credential and secret do not belong together.")
    assert credential is not None  # noqa: S101 - only a known one has a right secret
    note_user(credential.user_id)
    return credential


def _counts(*, right: bool, account: str, named: str, by: str) -> bool:
    """Is a right proof accepted? The lock is looked at when the slow hash is done, so that many
    guesses at the same time are no more than the same number one after another.
    """
    shown = repr(named[:LONGEST_SHOWN])
    if not right:
        logger.warning("sign-in refused: %s, by %s: wrong", shown, by)
        note_failure(account, named=shown)
        return False
    if is_locked(account):
        logger.warning("sign-in refused: %s, by %s: locked", shown, by)
        return False
    forget_failures(account)
    return True
