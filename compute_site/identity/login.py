"""Issues a token to a client that proves its identity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from compute_site.identity.auth_request import AuthRequest, DomainRef
from compute_site.identity.credentials import find_credential
from compute_site.identity.errors import (
    InvalidPassword,
    InvalidToken,
    MalformedRequest,
    NoRole,
    RestrictedToken,
    ScopeBesideCredential,
    TokenNotFound,
)
from compute_site.identity.factors import check_factors, methods_before
from compute_site.identity.models import AccessToken, ApplicationCredential, Domain, Role
from compute_site.identity.oauth import prove_access
from compute_site.identity.proof import prove_passcode, prove_password, prove_secret
from compute_site.identity.scope import Scope, find_by_user
from compute_site.identity.signed_requests import SignedRequest
from compute_site.identity.tokens import (
    OWN_METHODS,
    Target,
    ValidToken,
    find_token,
    in_wide_scope,
    issue_token,
)
from compute_site.identity.trusts import log_in_by_trust


def log_in(asked: AuthRequest) -> tuple[str, ValidToken]:
    """Issue the asked token; return its text, and its user and project.

    Raises:
        InvalidPassword: unknown user or wrong password.
        TokenNotFound: the token to exchange is not valid.
        InvalidToken: the token is another user's than the password.
        NoRole: the user holds no role in the wanted project.
        MoreProofsNeeded: all is right, but the user needs more for a token.
    """
    if asked.signed is not None:
        return _log_in_by_access(asked, asked.signed)
    if asked.secret is not None:
        return _log_in_by_credential(asked)
    scope, methods, expires_at = _prove_all(asked)
    methods = _check_methods(asked, scope, methods)
    if asked.trust_id is not None:
        return log_in_by_trust(scope, asked.trust_id, methods=methods, expires_at=expires_at)
    scope, target = _aim(asked, scope)
    return issue_token(scope, target=target, methods=methods, expires_at=expires_at)


def _prove_all(asked: AuthRequest) -> tuple[Scope, Sequence[str], dt.datetime | None]:
    """Who has shown all that the request has, in the wanted project; the methods, with those of
    an earlier token, and its end.
    """
    methods = list(asked.methods)
    expires_at = None
    found = []
    if asked.passcode is not None:
        found.append(_check_passcode(asked))
    if asked.password is not None:
        found.append(_check_password(asked))
    if asked.token is not None:
        scope, expires_at, earlier = _check_token(asked, found[0] if found else None)
        found += [scope] if scope is not None else []
        methods += [method for method in earlier if method not in methods]
    if len({scope.user_id for scope in found}) != 1:
        raise InvalidPassword("User and password do not belong together.")
    return found[0], methods, expires_at


def _check_methods(asked: AuthRequest, user: Scope, methods: Sequence[str]) -> list[str]:
    """All that the user has shown, now and before. What others may hold counts only where it is
    shown now: it is what limits the token.

    Raises:
        UnknownReceipt: the receipt is not the user's.
        MoreProofsNeeded: the user needs more than this for a token.
    """
    before = [] if asked.receipt is None else methods_before(asked.receipt, user)
    wanted = [method for method in before if method in OWN_METHODS and method not in methods]
    check_factors(user, [*methods, *wanted])
    return [*methods, *wanted]


def _aim(asked: AuthRequest, scope: Scope) -> tuple[Scope, Target]:
    """The user with the roles that count for what is asked for, and what that is.

    Raises:
        NoRole: the user holds no role there.
    """
    if asked.scope in ("domain", "system"):
        domain = _find_domain(asked.domain) if asked.scope == "domain" else None
        wide = in_wide_scope(scope, domain)
        if not wide.holds_any or (asked.scope == "domain" and domain is None):
            raise NoRole(f"You hold no role there: {asked.scope}.")
        return wide, Target(domain_id=domain, system=asked.scope == "system")
    has_role = scope.project_id is not None and scope.holds_any
    if asked.scope == "project" and not has_role:
        raise NoRole("You hold no role in this project, or it does not exist or is disabled.")
    if not has_role or asked.scope == "none":
        return scope, Target()
    return scope, Target(project_id=scope.project_id)


def _find_domain(asked: DomainRef) -> str | None:
    named = {"pk": asked.id} if asked.id is not None else {"name": asked.name}
    if any("\0" in str(value) for value in named.values()):
        return None
    found = Domain.objects.filter(enabled=True, **named).values_list("pk", flat=True)
    return found.first()


def _check_password(asked: AuthRequest) -> Scope:
    scope = find_by_user(
        name=asked.user_name,
        user_id=asked.user_id,
        domain=asked.user_domain,
        project_id=asked.project_id,
        project_name=asked.project_name,
        project_domain=asked.project_domain,
    )
    named = asked.user_id if asked.user_id is not None else asked.user_name
    return prove_password(scope, asked.password or "", named=named or "", by="token request")


def _check_passcode(asked: AuthRequest) -> Scope:
    user = find_by_user(
        name=asked.passcode_user_name,
        user_id=asked.passcode_user_id,
        domain=asked.passcode_user_domain,
        project_id=asked.project_id,
        project_name=asked.project_name,
        project_domain=asked.project_domain,
    )
    named = asked.passcode_user_id or asked.passcode_user_name or ""
    return prove_passcode(user, asked.passcode or "", named=named)


def _check_token(
    asked: AuthRequest, owner: Scope | None
) -> tuple[Scope | None, dt.datetime, list[str]]:
    """The owner of the token in the wanted project, and what the new token inherits."""
    valid = find_token(asked.token or "")
    if valid is None:
        # Keystone: 404, as for the token in X-Subject-Token
        raise TokenNotFound("The token is unknown, expired or revoked.")
    if owner is not None and owner.user_id != valid.user_id:
        raise InvalidToken("The token is another user's.")
    if valid.is_delegated:
        raise RestrictedToken(
            "A token of an application credential, an access token or a pair of keys cannot be "
            "exchanged."
        )
    if valid.token.trust_id is not None:
        raise RestrictedToken("A token of a trust cannot be exchanged.")
    scope = find_by_user(
        user_id=valid.user_id,
        project_id=asked.project_id,
        project_name=asked.project_name,
        project_domain=asked.project_domain,
    )
    return scope, valid.token.expires_at, valid.token.methods


def _log_in_by_credential(asked: AuthRequest) -> tuple[str, ValidToken]:
    """Log in with an application credential: it determines the project, and cannot be combined with
    another method.
    """
    if asked.methods != ("application_credential",):
        raise MalformedRequest("auth: an application credential goes with no other method.")
    if asked.scope != "default":
        raise ScopeBesideCredential(
            "auth.scope: an application credential has its own; ask for none beside it."
        )
    credential = find_credential(asked)
    named = asked.credential_id
    if named is None:
        named = f"{asked.credential_name} of {asked.user_name or asked.user_id}"
    credential = prove_secret(credential, asked.secret or "", named=named)
    return use_limits(credential, methods=asked.methods, asked=asked)


def use_limits(
    limits: ApplicationCredential | AccessToken,
    *,
    methods: Sequence[str],
    asked: AuthRequest | None = None,
) -> tuple[str, ValidToken]:
    """A token with the roles of an application credential, or of an access token of OAuth;
    ``asked``: by a request that shows the secret, or that was signed with it.

    Raises:
        NoRole: its user does not hold its roles any more.
    """
    credential = limits if isinstance(limits, ApplicationCredential) else None
    access = limits if isinstance(limits, AccessToken) else None
    scope = _restricted(limits)
    if scope is None:
        noun = "application credential" if credential else "access token"
        raise NoRole(f"The user of the {noun} does not hold its roles any more.")
    if asked is not None:
        methods = _check_methods(asked, scope, methods)
    return issue_token(
        scope,
        target=Target(project_id=limits.project_id),
        methods=methods,
        expires_at=limits.expires_at,
        credential=credential,
        access=access,
    )


def _restricted(limits: ApplicationCredential | AccessToken) -> Scope | None:
    """The user in the project with the roles that the row gives and the user still holds."""
    user = find_by_user(user_id=limits.user_id, project_id=limits.project_id)
    role = Role(limits.role) if limits.role else None
    scope = user and user.restricted_to(role, others=limits.others)
    return scope if scope and scope.project_id is not None and scope.holds_any else None


def _log_in_by_access(asked: AuthRequest, signed: SignedRequest) -> tuple[str, ValidToken]:
    """Log in by the signature of a consumer, for the project of its access token.

    Raises:
        MalformedRequest: another method or scope is named as well.
    """
    if asked.methods != ("oauth1",):
        raise MalformedRequest("auth: oauth1 goes with no other method.")
    access = prove_access(signed)
    if asked.scope != "default" and not _is_project_of(access, asked):
        raise MalformedRequest("auth.scope: leave it out: it is the project of the access token.")
    return use_limits(access, methods=asked.methods, asked=asked)


def _is_project_of(access: AccessToken, asked: AuthRequest) -> bool:
    named = find_by_user(
        user_id=access.user_id,
        project_id=asked.project_id,
        project_name=asked.project_name,
        project_domain=asked.project_domain,
    )
    return asked.scope == "project" and named is not None and named.project_id == access.project_id
