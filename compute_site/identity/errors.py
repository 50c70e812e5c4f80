"""What the identity API refuses."""

from __future__ import annotations

from compute_site.faults import BadRequest, Conflict, Fault, Forbidden, NotFound, Unauthorized


class InvalidToken(Unauthorized):
    """The token does not exist, is over, or its user or project is disabled."""

    code = "invalid_token"


class InvalidPassword(Unauthorized):
    """User and password do not belong together; one answer for an unknown user and a wrong
    password.
    """

    code = "invalid_password"


class EndedMeanwhile(Unauthorized):
    """The user or project was disabled, or the password changed, while somebody signed in."""

    code = "ended_meanwhile"


class NoRole(Unauthorized):
    """The user is known but holds no role in the wanted project."""

    code = "no_role"


class CrossSite(Forbidden):
    """A page of another site tries to write with the credentials that a browser remembers."""

    code = "cross_site"


class UnknownMethod(Unauthorized):
    """A method of authentication that is not offered."""

    code = "unknown_method"


class MalformedRequest(BadRequest):
    """The body is not what the identity API expects."""

    code = "malformed_request"


class TokenNotFound(NotFound):
    """The token in ``X-Subject-Token`` is not valid."""

    code = "token_not_found"


class ForeignToken(Forbidden):
    """The token in ``X-Subject-Token`` is another user's."""

    code = "foreign_token"


class NoProject(Forbidden):
    """The token is not for a project, and the question is about one."""

    code = "no_project"


class NoSuchThing(NotFound):
    """A project or user that does not exist, or that is not the caller's to see."""

    code = "no_such_thing"


class ForeignUser(Forbidden):
    """Only the user does this."""

    code = "foreign_user"


class RestrictedToken(Forbidden):
    """The token comes from an application credential, which may not do this."""

    code = "restricted_token"


class AdminOnly(Forbidden):
    """Only the cloud's admin does this."""

    code = "admin_only"


class StillInUse(Conflict):
    """A project or user that others still need, or that has servers."""

    code = "still_in_use"


class NameInUse(Conflict):
    """A project or user, or an application credential of the user, has this name."""

    code = "name_in_use"


class MethodNotAllowed(Fault):
    """The URL does not know the method."""

    status = 405
    code = "method_not_allowed"
