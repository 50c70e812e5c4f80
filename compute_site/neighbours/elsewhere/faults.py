"""What services elsewhere refuse, as errors of ours: their status, and a text that names them."""

from __future__ import annotations

from typing import ClassVar

from compute_site.faults import BadRequest, Conflict, Fault, Forbidden, NotFound


class Refused(Fault):
    """A service elsewhere has refused a call. Catch the subclass for the status."""

    code: ClassVar[str] = "refused_elsewhere"
    kind = ""
    """What Neutron calls the error; the others give no such name."""


class BadThere(Refused, BadRequest):
    """400: what we sent contradicts a rule of the service."""

    status = 400


class ForbiddenThere(Refused, Forbidden):
    """403: a policy rule or quota of the service."""

    status = 403


class NotThere(Refused, NotFound):
    """404: the service has no such thing, or the caller may not see it."""

    status = 404


class ConflictThere(Refused, Conflict):
    """409: the thing is not in a state that allows this."""

    status = 409


class TooLargeThere(Refused):
    """413: a limit of the service."""

    status = 413


REFUSALS: dict[int, type[Refused]] = {
    **dict.fromkeys((400, 405, 406, 410, 415, 422), BadThere),
    403: ForbiddenThere,
    404: NotThere,
    **dict.fromkeys((409, 412), ConflictThere),
    413: TooLargeThere,
}
"""By status; what is not listed means that the service cannot be used."""
