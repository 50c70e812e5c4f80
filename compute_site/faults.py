"""The families of errors that a client can meet; each knows its status and how it looks in the
envelope.

Domain errors derive from a family and are raised where the condition is seen;
``compute_site.api.view`` renders them in one place.
The outer keys are those of Nova (docs/contract/create-response.md 3).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

ENVELOPE_KEYS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    422: "unprocessableEntity",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


@dataclasses.dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing that is wrong in a request: where (``server.networks.0.uuid``; empty: nowhere in
    the body), a stable code, and what.
    """

    field: str
    code: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """Without ``field`` where no member of the body is to blame."""
        shown = {"code": self.code, "detail": self.detail}
        return {"field": self.field, **shown} if self.field else shown


class Fault(Exception):
    """An error with an HTTP status; ``detail`` is written for the client.

    ``field`` is the path of the member of the body that is to blame, where there is one.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "fault"
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field

    @property
    def errors(self) -> Sequence[FieldFault]:
        """Every reason, the one that ``detail`` tells first."""
        return [FieldFault(self.field or "", self.code, self.detail)]

    def envelope(self) -> dict[str, Any]:
        """The body of the answer: one outer key named after the status."""
        fault = {
            "code": self.status,
            "message": self.detail,
            "errors": [error.as_json() for error in self.errors],
        }
        return {ENVELOPE_KEYS.get(self.status, "computeFault"): fault}


class BadRequest(Fault):
    """The request contradicts a rule."""

    status = 400
    code = "bad_request"


class BadReference(BadRequest):
    """The body names a thing that does not exist, or that the caller may not see."""

    code = "bad_reference"


class InvalidBody(BadRequest):
    """The body breaks the rules of its microversion; every broken rule is listed."""

    code = "invalid_body"

    def __init__(self, errors: Sequence[FieldFault]) -> None:
        first = errors[0]
        super().__init__(f"{first.field}: {first.detail}" if first.field else first.detail)
        self._errors = errors

    @property
    def errors(self) -> Sequence[FieldFault]:
        return self._errors


class Unauthorized(Fault):
    """No identity was proved, or the proof is not valid any more."""

    status = 401
    code = "unauthorized"


class Forbidden(Fault):
    """The caller is known but may not do this."""

    status = 403
    code = "forbidden"


class OverLimit(Forbidden):
    """More was asked for than a quota allows. Nova: over quota is 403 on create, not 413."""

    code = "over_limit"


class NotFound(Fault):
    """The URL names a thing that does not exist, or that the caller may not see."""

    status = 404
    code = "not_found"


class MethodNotAllowed(Fault):
    """The URL does not support the method."""

    status = 405
    code = "method_not_allowed"


class NotAcceptable(Fault):
    """The asked microversion is not served."""

    status = 406
    code = "not_acceptable"


class Conflict(Fault):
    """The thing is not in a state that allows this."""

    status = 409
    code = "conflict"


class Gone(Fault):
    """An API that was removed."""

    status = 410
    code = "gone"


class BodyTooLarge(Fault):
    """The body is larger than the limit."""

    status = 413
    code = "body_too_large"


class UnsupportedMediaType(Fault):
    """The body is not JSON by its content type."""

    status = 415
    code = "unsupported_media_type"


class NotSupported(Fault):
    """Nothing here can do this."""

    status = 501
    code = "not_supported"


class Unavailable(Fault):
    """A service that is needed does not answer."""

    status = 503
    code = "unavailable"
    headers = {"Retry-After": "5"}
