"""What servers were asked with, in the admin: request specs, open and kept build requests,
mappings, disks, tags.
"""

from __future__ import annotations

from django.contrib import admin

from compute_site.console.lists import word_filter
from compute_site.console.named import named
from compute_site.console.read_only import RecordAdmin
from servers.admin.display import age_of, link_to, structure_of, structured, text_of, yes_no
from servers.models import (
    BlockDevice,
    BuildRequest,
    InstanceMapping,
    KeptRequest,
    RequestSpec,
    Tag,
)

OF_SERVER = ("instance__reservation_id__exact",)
OF_SERVER_HELP = "Server id or reservation id"
BY_SERVER = ("instance__uuid",)


@admin.register(RequestSpec)
class RequestSpecAdmin(RecordAdmin):
    list_display = ("server_name", "availability_zone", "servers_asked_for", "group", "is_bfv")
    list_filter = ("is_bfv", word_filter("zone", "availability_zone"))
    list_select_related = ("instance", "instance_group")
    search_fields = OF_SERVER
    search_help_text = OF_SERVER_HELP
    id_fields = BY_SERVER
    ordering = ("-id",)
    sortable_by = ()
    flavor_copy = structure_of("flavor")
    image_copy = structure_of("image")
    numa = structure_of("numa_topology", "NUMA")
    pci = structure_of("pci_requests", "PCI")
    hints = structure_of("scheduler_hints")
    hosts = structure_of("force_hosts", "forced hosts")
    nodes = structure_of("force_nodes", "forced nodes")
    destination = structure_of("requested_destination", "wanted host")
    groups = structure_of("security_groups")
    networks = structure_of("network_metadata", "networks")
    resources = structure_of("requested_resources", "resources of ports")
    ignored = structure_of("ignore_hosts", "ignored hosts")
    fieldsets = (
        (None, {"fields": ("server", "servers_asked_for", "flavor_copy", "image_copy", "is_bfv")}),
        (
            "Where",
            {
                "fields": (
                    *("availability_zone", "group", "hosts", "nodes", "destination"),
                    *("ignored", "hints"),
                )
            },
        ),
        ("Hardware", {"fields": ("numa", "pci")}),
        ("Networks", {"fields": ("groups", "networks", "resources")}),
    )
    readonly_fields = (
        *("flavor_copy", "image_copy", "numa", "pci", "hints", "hosts", "nodes", "destination"),
        *("groups", "networks", "resources", "ignored", "server", "group", "servers_asked_for"),
    )
    server = link_to("instance", "server")
    server_name = text_of("instance", "server")
    group = link_to("instance_group", "server group")

    @admin.display(description="servers asked for")
    def servers_asked_for(self, spec: RequestSpec) -> int:
        return spec.num_instances


@admin.register(BuildRequest)
class BuildRequestAdmin(RecordAdmin):
    """The admin password is not shown, not even sealed."""

    list_display = ("server_name", "project", "request_id", "age")
    list_select_related = ("instance", "project")
    search_fields = (*OF_SERVER, "request_id__exact")
    search_help_text = f"{OF_SERVER_HELP}, or request id"
    id_fields = BY_SERVER
    ordering = ("id",)
    sortable_by = ()
    age = age_of("created_at")
    networks = structure_of("requested_networks", "networks")
    groups = structure_of("security_groups")
    disks = structure_of("block_devices")
    words = structure_of("tags")
    fields = (
        *("server", "project", "request_id", "created_at", "networks", "groups"),
        *("disks", "files", "words", "password"),
    )
    server = link_to("instance", "server")
    server_name = text_of("instance", "server")
    readonly_fields = ("server", "networks", "groups", "disks", "files", "words", "password")

    @admin.display(description="files")
    def files(self, request: BuildRequest) -> str:
        return structured([file["path"] for file in request.injected_files])

    @admin.display(description="has an admin password")
    def password(self, request: BuildRequest) -> str:
        return yes_no(bool(request.admin_password))


@admin.register(KeptRequest)
class KeptRequestAdmin(RecordAdmin):
    """What is needed to try a build again; its contents carry secrets and are not shown."""

    list_display = ("server_name", "age")
    list_select_related = ("instance",)
    search_fields = OF_SERVER
    search_help_text = OF_SERVER_HELP
    id_fields = BY_SERVER
    ordering = ("-id",)
    sortable_by = ()
    age = age_of("created_at")
    fields = ("server", "created_at")
    readonly_fields = fields
    server = link_to("instance", "server")
    server_name = text_of("instance", "server")


@admin.register(InstanceMapping)
class InstanceMappingAdmin(RecordAdmin):
    list_display = ("server_name", "cell", "project", "user", "queued_for_delete")
    fields = ("server", *list_display[1:])
    readonly_fields = fields
    server = link_to("instance", "server")
    server_name = text_of("instance", "server")
    list_filter = (word_filter("cell", "cell__name"), "queued_for_delete")
    list_select_related = ("instance", "cell", "project", "user")
    search_fields = OF_SERVER
    search_help_text = OF_SERVER_HELP
    id_fields = BY_SERVER
    ordering = ("-id",)
    sortable_by = ()


@admin.register(BlockDevice)
class BlockDeviceAdmin(RecordAdmin):
    list_display = (
        *("__str__", "server", "source_type", "destination_type", "boot_index", "volume"),
        *("image", "volume_size", "delete_on_termination"),
    )
    list_filter = (
        word_filter("source", "source_type"),
        word_filter("destination", "destination_type"),
        "delete_on_termination",
    )
    list_select_related = ("instance",)
    search_fields = OF_SERVER
    id_fields = ("uuid", "volume_id", "image_id", *BY_SERVER)
    search_help_text = f"Id of device, volume or image, {OF_SERVER_HELP.lower()}"
    ordering = ("-id",)
    sortable_by = ()
    exclude = ("instance", "connection_info", "volume_id", "image_id")
    server = link_to("instance", "server")
    volume = named("volume_id", "volume.volume", "volume")
    image = named("image_id", "image.image", "image")
    readonly_fields = ("server", "volume", "image")


@admin.register(Tag)
class TagAdmin(RecordAdmin):
    list_display = ("tag", "server")
    fields = list_display
    readonly_fields = fields
    server = link_to("instance", "server")
    list_select_related = ("instance",)
    search_fields = ("tag__exact", *OF_SERVER)
    search_help_text = f"Tag, {OF_SERVER_HELP.lower()}"
    id_fields = BY_SERVER
    ordering = ("-id",)
    sortable_by = ()
