"""The errors of the identity API."""

from __future__ import annotations

from compute_site.faults import BadRequest, Conflict, Forbidden, NotFound, Unauthorized


class InvalidToken(Unauthorized):
    """The token does not exist or has expired, or its user or project is disabled."""

    code = "invalid_token"


class InvalidPassword(Unauthorized):
    """Unknown user or wrong password; the answer does not tell which."""

    code = "invalid_password"


class EndedMeanwhile(Unauthorized):
    """The user or project was disabled, or the password changed, while somebody signed in."""

    code = "ended_meanwhile"


class WrongSignature(Unauthorized):
    """The signature of a request is wrong, or of another time."""

    code = "wrong_signature"


class Expired(Unauthorized):
    """What the token was asked for with has expired."""

    code = "expired"


class NoRole(Unauthorized):
    """The user is known but holds no role in the wanted project."""

    code = "no_role"


class ScopeBesideCredential(Unauthorized):
    """An application credential has its scope; none can be asked for beside it."""

    code = "scope_beside_credential"


class CrossSite(Forbidden):
    """A page of another site sent a writing request with credentials that the browser remembers."""

    code = "cross_site"


class UnknownMethod(Unauthorized):
    """A method of authentication that is not offered."""

    code = "unknown_method"


class MalformedRequest(BadRequest):
    """The body is not what the identity API expects."""

    code = "malformed_request"


class TokenNotFound(NotFound):
    """The token in ``X-Subject-Token``, or the one to exchange, is not valid."""

    code = "token_not_found"


class ForeignToken(Forbidden):
    """The token in ``X-Subject-Token`` is another user's."""

    code = "foreign_token"


class NoProject(Forbidden):
    """The request needs a token that is scoped to a project."""

    code = "no_project"


class NoSuchThing(NotFound):
    """A project or user that does not exist or that the caller may not see."""

    code = "no_such_thing"


class ForeignUser(Forbidden):
    """Only the user itself may do this."""

    code = "foreign_user"


class RestrictedToken(Forbidden):
    """The token comes from an application credential, which may not do this."""

    code = "restricted_token"


class StillInUse(Conflict):
    """A project or user that still has servers, or resources that others use."""

    code = "still_in_use"


class NameInUse(Conflict):
    """A project or user, or an application credential of the user, has this name."""

    code = "name_in_use"


class WrongDomain(Forbidden):
    """A role, group or user of another domain than the thing it is used with."""

    code = "wrong_domain"


class Immutable(Forbidden):
    """A role or project that is not to be changed: one the site needs, or one marked so."""

    code = "immutable"


class StillEnabled(Forbidden):
    """A domain or parent that has to be disabled first, or one that has enabled projects below."""

    code = "still_enabled"


class Moved(Forbidden):
    """A project would get another parent."""

    code = "moved"


class TooDeep(Forbidden):
    """Projects would lie too deep in others."""

    code = "too_deep"


class LockedPassword(BadRequest):
    """The user may not change the own password."""

    code = "locked_password"


class RegionInUse(Forbidden):
    """A region in which endpoints or limits are."""

    code = "region_in_use"


class LimitInUse(Forbidden):
    """A registered limit of which projects have their own, or a service with registered limits."""

    code = "limit_in_use"


class NotRegistered(Forbidden):
    """A limit of something of which no limit is registered."""

    code = "not_registered"


class UnknownSetting(Forbidden):
    """A setting of a domain that there is none of."""

    code = "unknown_setting"


class RuleInUse(Forbidden):
    """An access rule that limits an application credential."""

    code = "rule_in_use"
