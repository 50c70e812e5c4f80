"""Every URL of the site; those of compute stand in ``compute_urls``, those of the other APIs in
``urls`` beside their views.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from compute_site import health
from compute_site.api import versions
from compute_site.api.docs import DocsView, SchemaView
from compute_site.api.url_endings import without_endings
from compute_site.neighbours import openapi
from compute_site.neighbours.identity.api import urls as identity
from compute_site.neighbours.image.api import urls as image
from compute_site.neighbours.network.api import urls as network
from compute_site.neighbours.volume.api import urls as volume
from servers.views import injection
from servers.views.front import show_front
from servers.views.metrics import show_metrics
from servers.views.placement_api.urls import show_document

API = r"^compute/(?P<api>v2\.1|v2)"

urlpatterns = [
    path("", show_front, name="front"),
    path("compute", versions.list_versions),
    path("compute/", versions.list_versions),
    re_path(rf"{API}/?$", versions.show_version),
    re_path(rf"{API}/versions/(?P<name>[^/]+)$", versions.show_named_version),
    re_path(rf"{API}/(?P<project_id>[0-9a-f-]+)/", include("compute_site.compute_urls")),
    re_path(rf"{API}/", include("compute_site.compute_urls")),
    re_path(r"^compute/(?P<path>.*)$", versions.offer_versions),
    re_path(r"^placement(?:/|$)", include("servers.views.placement_api.urls")),
    path("identity", identity.VersionList.as_view()),
    without_endings(r"^identity/", identity.urlpatterns),
    re_path(r"^image(?:/|$)", include("compute_site.neighbours.image.api.urls")),
    re_path(r"^network(?:/|$)", include("compute_site.neighbours.network.api.urls")),
    re_path(r"^host/v1(?:/|$)", include("servers.views.host_api.urls")),
    re_path(r"^volume(?:/|$)", include("compute_site.neighbours.volume.api.urls")),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("schema/placement/", show_document),
    path(
        "schema/identity/",
        openapi.show_document("Identity API", "/identity/", identity.urlpatterns),
    ),
    path("schema/image/", openapi.show_document("Image API", "/image/", image.urlpatterns)),
    path("schema/network/", openapi.show_document("Network API", "/network/v2.0/", network.V2)),
    path("schema/volume/", openapi.show_document("Volume API", "/volume/v3/", volume.V3)),
    path("docs/", DocsView.as_view(), name="docs"),
    path("accounts/", include("rest_framework.urls")),
    path("healthz", health.show_alive),
    path("readyz", health.show_ready),
    path("metrics", show_metrics),
    path("admin/", admin.site.urls),
]

FAULTS = [
    path("faults", injection.Injections.as_view()),
    path("faults/<str:key>", injection.InjectionDetail.as_view()),
]
if settings.OPTIONS.faults_on_request:
    urlpatterns += FAULTS

handler400 = "compute_site.api.error_answers.show_bad_request"
handler403 = "compute_site.api.error_answers.show_forbidden"
handler404 = "compute_site.api.error_answers.show_not_found"
handler500 = "compute_site.api.error_answers.show_error"
