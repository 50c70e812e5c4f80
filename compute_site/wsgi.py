"""The WSGI application."""

import gc
import os

from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import reset_queries
from django.urls import get_resolver

from compute_site.db.sessions import limit_sessions

GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""A page of a thousand servers is more than ten thousand objects, and none of them is garbage: with
Python's own threshold of 700 each page would start dozens of searches for some.
"""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")
settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it is missing
application = get_wsgi_application()
limit_sessions(settings.OPTIONS.statement_timeout_seconds)

# Django does both with every request; there is neither a record of statements nor a cache to close
if not settings.DEBUG:
    request_started.disconnect(reset_queries)
    request_finished.disconnect(close_caches)

# What is loaded by now stays until the process ends. Frozen, it is not searched for garbage again
# and again, which takes 100 ms each time.
get_resolver().url_patterns  # noqa: B018 - reading it imports all views
gc.collect()
gc.freeze()
gc.set_threshold(*GARBAGE_THRESHOLDS)
