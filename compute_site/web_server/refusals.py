"""Answers that the web server gives by itself, in Nova's envelope and with a request id."""

from __future__ import annotations

import http
import json
import uuid
from email.utils import formatdate

from compute_site.faults import ENVELOPE_KEYS

RETRY_SECONDS = 2


class Refused(Exception):
    """A request that does not get as far as the site; the connection ends with the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def answer(self) -> bytes:
        """The whole answer."""
        key = ENVELOPE_KEYS.get(self.status, "computeFault")
        body = json.dumps({key: {"code": self.status, "message": self.message}}).encode()
        request_id = f"req-{uuid.uuid4()}"
        headers = {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-openstack-request-id": request_id,
            "x-compute-request-id": request_id,
        }
        if self.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = str(RETRY_SECONDS)
        lines = [f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
