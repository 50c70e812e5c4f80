"""What the site writes into its log, in the form in which it writes it."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings

from compute_site.request_id import RequestIdFilter


@contextlib.contextmanager
def log_of_site() -> Iterator[Callable[[], str]]:
    """A function that tells what was written so far."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatters: Any = settings.LOGGING["formatters"]
    handler.setFormatter(logging.Formatter(formatters["plain"]["format"]))
    handler.addFilter(RequestIdFilter())
    logging.getLogger().addHandler(handler)
    try:
        yield written.getvalue
    finally:
        logging.getLogger().removeHandler(handler)
