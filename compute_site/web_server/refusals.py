"""Answers that the web server gives by itself, in Nova's envelope and with a request id."""

from __future__ import annotations

import http
import json
import uuid
from email.utils import formatdate

from compute_site.faults import Fault


class Refused(Fault):
    """A request that does not get as far as the site; the connection ends with the answer."""

    def answer(self) -> bytes:
        """The whole answer."""
        body = json.dumps(self.envelope()).encode()
        request_id = f"req-{uuid.uuid4()}"
        headers = {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-openstack-request-id": request_id,
            "x-compute-request-id": request_id,
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Malformed(Refused):
    """It is no HTTP, or could be read in two ways."""

    status = 400
    code = "malformed_request"


class TooSlow(Refused):
    """It did not end in time."""

    status = 408
    code = "request_timeout"


class UrlTooLong(Refused):
    """More than is read of a URL."""

    status = 414
    code = "url_too_long"


class UnknownExpectation(Refused):
    """``Expect`` asks for something that is not known."""

    status = 417
    code = "unknown_expectation"


class HeadersTooLarge(Refused):
    """More than is read of headers or trailers."""

    status = 431
    code = "headers_too_large"


class Crashed(Refused):
    """An error in the server, or one that the site let through."""

    status = 500
    code = "internal_error"


class UnknownCoding(Refused):
    """``Transfer-Encoding`` is not ``chunked``."""

    status = 501
    code = "unknown_coding"


class Busy(Refused):
    """All threads are taken, and too many requests wait for them."""

    status = 503
    code = "busy"
    headers = {"Retry-After": "2"}


class UnknownVersion(Refused):
    """Neither HTTP/1.0 nor HTTP/1.1."""

    status = 505
    code = "unknown_http_version"
