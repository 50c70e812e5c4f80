"""Every URL of the site; the compute API on one screen."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from compute_site import health
from compute_site.api import versions
from compute_site.api.docs import DocsView, SchemaView
from compute_site.api.view import GoneUrl, ProxyUrl, UnknownUrl
from compute_site.neighbours.identity import api as identity
from flavors.views import access, extra_spec, flavor
from quotas.views import limit, quota_class, quota_set
from servers.views import (
    action,
    address,
    aggregate,
    audit,
    diagnostics,
    extension,
    external_event,
    grant,
    host,
    hypervisor,
    image,
    image_metadata,
    instance_action,
    interface,
    keypair,
    metadata,
    migration,
    network,
    password,
    remote_console,
    security_group,
    server,
    server_group,
    service,
    tag,
    topology,
    usage,
    volume_attachment,
    zone,
)

COMPUTE = [
    # servers
    path("servers", server.Servers.as_view()),
    path("servers/detail", server.ServersDetail.as_view()),
    path("servers/<str:server_id>", server.Server.as_view()),
    path("servers/<str:server_id>/action", action.ServerAction.as_view()),
    path("servers/<str:server_id>/metadata", metadata.Metadata.as_view()),
    path("servers/<str:server_id>/metadata/<str:key>", metadata.MetadataItem.as_view()),
    path("servers/<str:server_id>/tags", tag.Tags.as_view()),
    path("servers/<str:server_id>/tags/<str:tag>", tag.Tag.as_view()),
    path("servers/<str:server_id>/grants", grant.Grants.as_view()),
    path("servers/<str:server_id>/grants/<str:user_id>", grant.Grant.as_view()),
    path("servers/<str:server_id>/ips", address.Addresses.as_view()),
    path("servers/<str:server_id>/ips/<str:label>", address.NetworkAddresses.as_view()),
    path("servers/<str:server_id>/os-interface", interface.Interfaces.as_view()),
    path("servers/<str:server_id>/os-interface/<str:port_id>", interface.Interface.as_view()),
    path(
        "servers/<str:server_id>/os-volume_attachments",
        volume_attachment.VolumeAttachments.as_view(),
    ),
    path(
        "servers/<str:server_id>/os-volume_attachments/<str:volume_id>",
        volume_attachment.VolumeAttachment.as_view(),
    ),
    path("servers/<str:server_id>/os-security-groups", security_group.SecurityGroups.as_view()),
    path("servers/<str:server_id>/os-instance-actions", instance_action.InstanceActions.as_view()),
    path(
        "servers/<str:server_id>/os-instance-actions/<str:request_id>",
        instance_action.OneInstanceAction.as_view(),
    ),
    path("servers/<str:server_id>/diagnostics", diagnostics.ServerDiagnostics.as_view()),
    path("servers/<str:server_id>/migrations", migration.Migrations.as_view()),
    path("servers/<str:server_id>/remote-consoles", remote_console.RemoteConsoles.as_view()),
    path("servers/<str:server_id>/migrations/<str:migration_id>", migration.OneMigration.as_view()),
    path(
        "servers/<str:server_id>/migrations/<str:migration_id>/action",
        migration.MigrationAction.as_view(),
    ),
    path("servers/<str:server_id>/topology", topology.Topology.as_view()),
    path("servers/<str:server_id>/os-server-password", password.ServerPassword.as_view()),
    # flavors
    path("flavors", flavor.FlavorsView.as_view()),
    path("flavors/detail", flavor.FlavorDetailListView.as_view()),
    path("flavors/<flavor_id>", flavor.FlavorView.as_view()),
    path("flavors/<flavor_id>/action", access.FlavorActionView.as_view()),
    path("flavors/<flavor_id>/os-flavor-access", access.FlavorAccessView.as_view()),
    path("flavors/<flavor_id>/os-extra_specs", extra_spec.ExtraSpecsView.as_view()),
    path("flavors/<flavor_id>/os-extra_specs/<name>", extra_spec.ExtraSpecView.as_view()),
    # quotas and limits
    path("limits", limit.LimitsView.as_view()),
    path("os-quota-class-sets/<quota_class>", quota_class.QuotaClassView.as_view()),
    path("os-quota-sets/<owner>", quota_set.QuotaSetView.as_view()),
    path("os-quota-sets/<owner>/defaults", quota_set.QuotaSetDefaultsView.as_view()),
    path("os-quota-sets/<owner>/detail", quota_set.QuotaSetDetailView.as_view()),
    # key pairs, server groups
    path("os-keypairs", keypair.KeyPairs.as_view()),
    path("os-keypairs/<str:name>", keypair.OneKeyPair.as_view()),
    path("os-server-groups", server_group.ServerGroups.as_view()),
    path("os-server-groups/<str:group_id>", server_group.OneServerGroup.as_view()),
    # zones, hosts, aggregates
    path("os-availability-zone", zone.Zones.as_view()),
    path("os-availability-zone/detail", zone.ZonesDetail.as_view()),
    path("os-services", service.Services.as_view()),
    path("os-services/<str:service_id>", service.OneService.as_view()),
    path("os-aggregates", aggregate.Aggregates.as_view()),
    path("os-aggregates/<str:aggregate_id>", aggregate.OneAggregate.as_view()),
    path("os-aggregates/<str:aggregate_id>/action", aggregate.AggregateActions.as_view()),
    path("os-aggregates/<str:aggregate_id>/images", aggregate.AggregateImages.as_view()),
    path("os-hypervisors", hypervisor.Hypervisors.as_view()),
    path("os-hypervisors/detail", hypervisor.HypervisorsDetail.as_view()),
    path("os-hypervisors/statistics", hypervisor.HypervisorStatistics.as_view()),
    path("os-hypervisors/<str:hypervisor_id>", hypervisor.Hypervisor.as_view()),
    path("os-hypervisors/<str:hypervisor_id>/uptime", hypervisor.HypervisorUptime.as_view()),
    path("os-hypervisors/<str:hypervisor_id>/search", hypervisor.HypervisorSearchByName.as_view()),
    path("os-hypervisors/<str:hypervisor_id>/servers", hypervisor.HypervisorServers.as_view()),
    path("os-migrations", migration.AllMigrations.as_view()),
    path("os-instance_usage_audit_log", audit.AuditLogs.as_view()),
    path("os-instance_usage_audit_log/<str:before>", audit.OneAuditLog.as_view()),
    path("os-server-external-events", external_event.ExternalEvents.as_view()),
    path("os-simple-tenant-usage", usage.Usages.as_view()),
    path("os-simple-tenant-usage/<str:usage_of>", usage.Usage.as_view()),
    path("os-console-auth-tokens/<str:token>", remote_console.OneConsoleToken.as_view()),
    # what old clients ask for
    path("os-volumes_boot", server.Servers.as_view()),
    path("os-volumes_boot/detail", server.ServersDetail.as_view()),
    path("os-volumes_boot/<str:server_id>", server.Server.as_view()),
    path("os-volumes_boot/<str:server_id>/action", action.ServerAction.as_view()),
    path("extensions", extension.Extensions.as_view()),
    path("extensions/<str:alias>", extension.OneExtension.as_view()),
    path("os-hosts", host.Hosts.as_view()),
    path("os-hosts/<str:host_name>", host.Host.as_view()),
    path("os-hosts/<str:host_name>/reboot", host.HostReboot.as_view()),
    path("os-hosts/<str:host_name>/shutdown", host.HostShutdown.as_view()),
    path("os-hosts/<str:host_name>/startup", host.HostStartup.as_view()),
    path("images", image.Images.as_view()),
    path("images/detail", image.ImagesDetail.as_view()),
    path("images/<str:image_id>", image.Image.as_view()),
    path("images/<str:image_id>/metadata", image_metadata.ImageMetadata.as_view()),
    path("images/<str:image_id>/metadata/<str:key>", image_metadata.ImageMetadataItem.as_view()),
    path("os-networks", network.Networks.as_view()),
    path("os-networks/<str:network_id>", network.OneNetwork.as_view()),
    path("os-tenant-networks", network.TenantNetworks.as_view()),
    path("os-tenant-networks/<str:network_id>", network.OneTenantNetwork.as_view()),
    # what Nova once passed on to other services: 404
    *(
        re_path(rf"^{name}(?:/.*)?$", ProxyUrl.as_view())
        for name in (
            "os-baremetal-nodes",
            "os-floating-ip-pools",
            "os-floating-ips",
            "os-security-group-rules",
            "os-security-groups",
            "os-snapshots",
            "os-volumes",
        )
    ),
    # what Nova has taken out: 410
    *(
        path(route, GoneUrl.as_view(http_method_names=methods.lower().split()))
        for route, methods in (
            ("os-agents", "GET POST"),
            ("os-agents/<str:id>", "PUT DELETE"),
            ("os-cells", "GET POST"),
            ("os-cells/sync_instances", "POST"),
            ("os-cells/capacities", "GET"),
            ("os-cells/detail", "GET"),
            ("os-cells/info", "GET"),
            ("os-cells/<str:id>", "GET PUT DELETE"),
            ("os-cells/<str:id>/capacities", "GET"),
            ("os-certificates", "POST"),
            ("os-certificates/<str:id>", "GET"),
            ("os-cloudpipe", "GET POST"),
            ("os-cloudpipe/<str:id>", "PUT"),
            ("os-fixed-ips/<str:id>", "GET"),
            ("os-fixed-ips/<str:id>/action", "POST"),
            ("os-floating-ip-dns", "GET"),
            ("os-floating-ip-dns/<str:id>", "PUT DELETE"),
            ("os-floating-ip-dns/<str:domain_id>/entries/<str:id>", "GET PUT DELETE"),
            ("os-floating-ips-bulk", "GET POST"),
            ("os-floating-ips-bulk/<str:id>", "GET PUT"),
            ("os-fping", "GET"),
            ("os-fping/<str:id>", "GET"),
            ("os-security-group-default-rules", "GET POST"),
            ("os-security-group-default-rules/<str:id>", "GET DELETE"),
            ("servers/<str:server_id>/consoles", "GET POST"),
            ("servers/<str:server_id>/consoles/<str:id>", "GET DELETE"),
            ("servers/<str:server_id>/os-virtual-interfaces", "GET"),
        )
    ),
    re_path("", UnknownUrl.as_view()),
]

IDENTITY = [
    path("", identity.VersionList.as_view()),
    re_path(r"^v3/?$", identity.VersionDetail.as_view()),
    path("v3/auth/tokens", identity.Tokens.as_view()),
    path("v3/auth/catalog", identity.Catalog.as_view()),
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

SCHEMA_URLS = [path("compute/v2.1/", include(COMPUTE))]

API = r"^compute/(?P<api>v2\.1|v2)"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("compute", versions.list_versions),
    path("compute/", versions.list_versions),
    re_path(rf"{API}/?$", versions.show_version),
    re_path(rf"{API}/versions/(?P<name>[^/]+)$", versions.show_named_version),
    re_path(rf"{API}/(?P<project_id>[0-9a-f-]+)/", include(COMPUTE)),
    re_path(rf"{API}/", include(COMPUTE)),
    re_path(r"^compute/(?P<path>.*)$", versions.offer_versions),
    path("identity", identity.VersionList.as_view()),
    path("identity/", include(IDENTITY)),
    re_path(r"^image(?:/|$)", include("compute_site.neighbours.image.api.urls")),
    re_path(r"^network(?:/|$)", include("compute_site.neighbours.network.api.urls")),
    re_path(r"^volume(?:/|$)", include("compute_site.neighbours.volume.api.urls")),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    path("accounts/", include("rest_framework.urls")),
    path("healthz", health.show_alive),
    path("readyz", health.show_ready),
    path("admin/", admin.site.urls),
]
