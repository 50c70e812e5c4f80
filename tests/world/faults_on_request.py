"""A site with the option ``faults_on_request``, within the test's own process."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from django.conf import settings
from django.test import override_settings
from django.urls import path

from compute_site import urls
from compute_site.console.site import ConsoleSite
from servers.admin.injections import InjectionAdmin
from servers.models import Injection

MIDDLEWARE = "servers.views.injection.InjectionMiddleware"

site = ConsoleSite()
site.register(Injection, InjectionAdmin)
urlpatterns = [path("admin/", site.urls), *urls.FAULTS, *urls.urlpatterns]


@contextlib.contextmanager
def faults_on_request() -> Iterator[None]:
    with override_settings(
        OPTIONS=dataclasses.replace(settings.OPTIONS, faults_on_request=True),
        MIDDLEWARE=[MIDDLEWARE, *settings.MIDDLEWARE],
        ROOT_URLCONF=__name__,
    ):
        yield
