"""Django's settings; everything that may differ between installations is an option
(``options.py``). Importing them has no side effect: no server starts, no file is made.
"""

from __future__ import annotations

from pathlib import Path

from django.utils.functional import SimpleLazyObject

from compute_site.db.embedded import database_settings
from compute_site.options import find_state_folder, read_options
from compute_site.secrets.site_key import read_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
OPTIONS = read_options()
STATE_DIR = find_state_folder(BASE_DIR, OPTIONS.state_dir)

# read, or made, when it is needed first
SECRET_KEY = OPTIONS.secret_key or SimpleLazyObject(lambda: read_secret_key(STATE_DIR))
DEBUG = OPTIONS.debug
ALLOWED_HOSTS = list(OPTIONS.allowed_hosts)
ROOT_URLCONF = "compute_site.urls"
WSGI_APPLICATION = "compute_site.wsgi.application"
APPEND_SLASH = False  # a URL with a slash too many is no URL of the API

INSTALLED_APPS = [
    "compute_site.console.config.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "procrastinate.contrib.django",
    "compute_site.identity",
    "compute_site.policy",
    "compute_site.metrics",
    "compute_site.idempotency",
    "compute_site.neighbours.identity",
    "compute_site.neighbours.image",
    "compute_site.neighbours.network",
    "compute_site.neighbours.volume",
    "flavors",
    "quotas",
    "servers",
    "compute_site",
]

MIDDLEWARE = [
    "compute_site.request_id.RequestIdMiddleware",
    "compute_site.metrics.middleware.CountRequests",
    "compute_site.api.request_url.RequestUrlMiddleware",
    "compute_site.api.content_policy.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "compute_site.api.body_limit.BodyLimitMiddleware",
    "compute_site.api.browser_sessions.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "compute_site.api.browser_sessions.AuthenticationMiddleware",
    "compute_site.api.browser_sessions.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

if OPTIONS.faults_on_request:
    MIDDLEWARE.insert(1, "servers.views.injection.InjectionMiddleware")

if OPTIONS.joined_services:
    MIDDLEWARE.insert(1, "compute_site.neighbours.identity.api.signpost.SignpostMiddleware")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "compute_site" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database_settings(STATE_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = [
    "compute_site.identity.backend.SignInBackend",
    "django.contrib.auth.backends.ModelBackend",
    "compute_site.policy.backend.RuleBackend",
]
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # RuleBackend is guardian's backend, and more
    "auth.W004",  # names of users are unique in their domain, and pages are for the default one
]
ANONYMOUS_USER_NAME = None  # guardian: callers without a name have no rights to hold
LOGIN_URL = "rest_framework:login"
LOGIN_REDIRECT_URL = "/compute/v2.1/servers"
PASSWORD_HASHERS = [
    "compute_site.identity.hashers.QueuedScryptHasher",
    "compute_site.identity.hashers.QueuedPbkdf2Hasher",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["compute_site.api.authentication.CallerAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "compute_site.api.openapi.ComputeSchema",
    "DEFAULT_VERSIONING_CLASS": "compute_site.api.microversions.negotiation.MicroversionVersioning",
    "DEFAULT_RENDERER_CLASSES": [
        "compute_site.api.rendering.JsonRenderer",
        "compute_site.api.rendering.BrowsableRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "compute_site.api.rendering.Negotiation",
    "EXCEPTION_HANDLER": "compute_site.api.view.render_fault",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "compute-site",
    "DESCRIPTION": "OpenStack Compute API, microversions 2.1 to 2.104",
    "VERSION": "2.104",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

PROCRASTINATE_IMPORT_PATHS = ["servers.worker.tasks"]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = "compute_site.console.formats"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

if OPTIONS.behind_proxy:
    USE_X_FORWARDED_HOST = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

SECURE_REDIRECT_EXEMPT = [
    "^healthz$",
    "^readyz$",
    "^metrics$",
]  # a supervisor asks the process itself
if OPTIONS.https:
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "compute_site.request_id.RequestIdFilter"},
        "outage": {"()": "compute_site.db.outages.OutageFilter"},
        "one_line": {"()": "compute_site.db.outages.OneLineFilter"},
    },
    "formatters": {
        "plain": {
            "format": "%(asctime)s %(levelname)s %(name)s "
            "[%(request_id)s %(user)s %(address)s] %(message)s"
        },
        "json": {"()": "compute_site.metrics.json_lines.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": OPTIONS.log_format,
            "filters": ["request_id", "one_line"],
        },
    },
    "loggers": {
        "django.request": {"filters": ["outage"]},
        "psycopg.pool": {"level": "ERROR"},  # the workers themselves say when the database is away
        "procrastinate": {"level": "WARNING"},
    },
    "root": {"handlers": ["console"], "level": OPTIONS.log_level},
}
