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
from compute_site.neighbours.identity import api as identity
from compute_site.neighbours.image.api import urls as image
from compute_site.neighbours.network.api import urls as network
from compute_site.neighbours.volume.api import urls as volume
from servers.views import injection
from servers.views.front import show_front
from servers.views.metrics import show_metrics
from servers.views.placement_api.urls import show_document

IDENTITY = [
    path("", identity.VersionList.as_view()),
    re_path(r"^v3/?$", identity.VersionDetail.as_view()),
    path("v3/auth/tokens", identity.Tokens.as_view()),
    path("v3/auth/catalog", identity.Catalog.as_view()),
    path("v3/auth/domains", identity.OwnDomains.as_view()),
    path("v3/auth/system", identity.OwnSystem.as_view()),
    path("v3/auth/projects", identity.OwnProjects.as_view()),
    path("v3/projects", identity.ProjectList.as_view()),
    path("v3/projects/<project_id>", identity.ProjectDetail.as_view()),
    path("v3/users", identity.UserList.as_view()),
    path("v3/users/<user_id>", identity.UserDetail.as_view()),
    path("v3/users/<user_id>/password", identity.UserPassword.as_view()),
    path("v3/users/<user_id>/projects", identity.UserProjects.as_view()),
    path("v3/users/<user_id>/application_credentials", identity.CredentialList.as_view()),
    path(
        "v3/users/<user_id>/application_credentials/<credential_id>",
        identity.CredentialDetail.as_view(),
    ),
    path("v3/roles", identity.RoleList.as_view()),
    path("v3/roles/<role_id>", identity.RoleDetail.as_view()),
    path("v3/role_assignments", identity.AssignmentList.as_view()),
    path("v3/projects/<project_id>/users/<user_id>/roles", identity.GrantList.as_view()),
    path("v3/projects/<project_id>/users/<user_id>/roles/<role_id>", identity.Grant.as_view()),
    path("v3/domains", identity.Domains.as_view()),
    path("v3/domains/<item_id>", identity.Domains.as_view()),
    path("v3/regions", identity.Regions.as_view()),
    path("v3/regions/<item_id>", identity.Regions.as_view()),
    path("v3/services", identity.Services.as_view()),
    path("v3/services/<item_id>", identity.Services.as_view()),
    path("v3/endpoints", identity.Endpoints.as_view()),
    path("v3/endpoints/<item_id>", identity.Endpoints.as_view()),
    re_path("", identity.UnknownIdentityUrl.as_view()),
]

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
    without_endings(r"^identity/", IDENTITY),
    re_path(r"^image(?:/|$)", include("compute_site.neighbours.image.api.urls")),
    re_path(r"^network(?:/|$)", include("compute_site.neighbours.network.api.urls")),
    re_path(r"^host/v1(?:/|$)", include("servers.views.host_api.urls")),
    re_path(r"^volume(?:/|$)", include("compute_site.neighbours.volume.api.urls")),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("schema/placement/", show_document),
    path("schema/identity/", openapi.show_document("Identity API", "/identity/", IDENTITY)),
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
