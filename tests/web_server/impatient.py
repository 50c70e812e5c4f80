"""gunicorn's configuration for tests: the site's, with little of everything, and an application
that says what it was given.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from compute_site.web_server.configuration import *  # noqa: F403
from compute_site.web_server.worker import PatientWorker


class ImpatientWorker(PatientWorker):
    first_byte_seconds = float(os.environ.get("FIRST_BYTE_SECONDS", "60"))
    request_seconds = float(os.environ.get("REQUEST_SECONDS", "60"))
    linger_seconds = 1.0


wsgi_app = "tests.web_server.impatient:application"
worker_class = ImpatientWorker
threads = 2
worker_connections = 60
LARGE = 12 * 1024 * 1024
"""More than the buffers of a connection take."""


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """What it does depends on how the path begins."""
    path = environ["PATH_INFO"]
    status, size = "200 OK", 0
    if path.startswith("/unread"):
        status = "413 Content Too Large"
    else:
        while piece := environ["wsgi.input"].read(65536):
            size += len(piece)
    if path.startswith("/slow"):
        time.sleep(0.5)
    if path.startswith("/broken"):
        raise RuntimeError("broken")
    texts = {key: value for key, value in environ.items() if isinstance(value, str)}
    given = {key: value for key, value in texts.items() if key.isupper()}
    content = json.dumps({"pid": os.getpid(), "size": size, **given}).encode()
    start_response(status, [("Content-Type", "application/json")])
    return [b"x" * LARGE if path.startswith("/large") else content]
