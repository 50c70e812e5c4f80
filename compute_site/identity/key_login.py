"""Issues tokens for what was signed with a pair of keys for EC2 or S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compute_site.identity.credentials import unexpired
from compute_site.identity.errors import NoRole, NoSuchThing, WrongSignature
from compute_site.identity.kept import EC2, id_of_key, is_utf8, keys_of
from compute_site.identity.login import use_limits
from compute_site.identity.models import StoredCredential
from compute_site.identity.oauth import alive, find_access
from compute_site.identity.records import note_failed_sign_in
from compute_site.identity.scope import find_by_user
from compute_site.identity.tokens import Target, ValidToken, issue_token
from compute_site.identity.trusts import find_trust, log_in_by_trust

METHODS = ("ec2credential",)
"""What the tokens say of themselves: nothing that gives anything on."""


def log_in_by_keys(access: str, check: Callable[[str], None]) -> tuple[str, ValidToken]:
    """A token of the user and project of the keys with this access key; ``check`` looks at the
    signature, with the secret.

    Raises:
        NoSuchThing: there are no such keys, or what they are tied to is gone.
        WrongSignature: it is wrong, or the keys are tied to something of somebody else.
        NoRole: the user holds no role in the project, or one of them is disabled.
    """
    row = StoredCredential.objects.filter(pk=id_of_key(access)).first()
    if row is None or row.type.lower() != EC2:
        raise NoSuchThing("There is no such access key.")
    keys = keys_of(row)
    try:
        check(_secret_of(keys))
    except WrongSignature:
        note_failed_sign_in(row.user_id, way="keys for EC2")
        raise
    return _log_in(row, keys)


def _log_in(row: StoredCredential, keys: dict[str, Any]) -> tuple[str, ValidToken]:
    """By what the keys are tied to, or with all roles of the user."""
    user = find_by_user(user_id=row.user_id, project_id=row.project_id)
    if user is None or user.project_id is None:
        raise NoRole("The user or the project of these keys is disabled.")
    if keys.get("trust_id"):
        return _by_trust(row, _text(keys["trust_id"]))
    if keys.get("app_cred_id"):
        credential = unexpired().filter(pk=_text(keys["app_cred_id"]), user=row.user_id).first()
        if credential is None:
            raise NoSuchThing("The application credential of these keys is gone.")
        _check_project(row, credential.project_id)
        return use_limits(credential, methods=METHODS)
    if keys.get("access_token_id"):
        given = alive(find_access(row.user_id, _text(keys["access_token_id"])))
        _check_project(row, given.project_id)
        return use_limits(given, methods=METHODS)
    if not user.holds_any:
        raise NoRole("The user of these keys holds no role in their project.")
    return issue_token(user, target=Target(project_id=user.project_id), methods=METHODS)


def _by_trust(row: StoredCredential, trust_id: str) -> tuple[str, ValidToken]:
    """Keystone: where the tokens of a trust are the trustor's, the trustor's keys get them, too."""
    trust = find_trust(trust_id)
    own = trust.trustor_id if trust.impersonation else trust.trustee_id
    if row.user_id not in (trust.trustee_id, own):
        raise WrongSignature("The trust of these keys is somebody else's.")
    _check_project(row, trust.project_id)
    trustee = find_by_user(user_id=trust.trustee_id)
    if trustee is None:
        raise NoRole("The trustee is disabled.")
    return log_in_by_trust(trustee, trust_id, methods=METHODS, expires_at=None)


def _check_project(row: StoredCredential, project_id: str) -> None:
    if row.project_id != project_id:
        raise WrongSignature("These keys are of another project than what they are tied to.")


def _secret_of(keys: dict[str, Any]) -> str:
    secret = keys.get("secret")
    if not isinstance(secret, str) or not is_utf8(secret):
        raise WrongSignature("These keys have no secret.")
    return secret


def _text(value: Any) -> str:
    """An id in the blob; users write it, so it may be anything."""
    return value if isinstance(value, str) and "\0" not in value else ""
