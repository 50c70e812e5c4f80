"""Volume types, volumes, snapshots and attachments in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from compute_site.console.form_fields import RowSelects
from compute_site.console.lists import ListAdmin, word_filter
from compute_site.keys import texts_by_name
from compute_site.neighbours.quota_admin import QuotaAdmin
from compute_site.neighbours.volume.local.limits import QUOTAS
from compute_site.neighbours.volume.models import (
    Attachment,
    Quota,
    Snapshot,
    Volume,
    VolumeType,
    VolumeTypeAccess,
)


class AccessInline(RowSelects, admin.TabularInline):  # type: ignore[type-arg]
    """The projects that may use a type that is not public."""

    model = VolumeTypeAccess
    autocomplete_fields = ("project",)
    extra = 0


@admin.register(VolumeType)
class VolumeTypeAdmin(ListAdmin):
    counted = "volume"
    list_display = ("named", "description", "is_public", "volume_count")
    list_filter = ("is_public",)
    search_fields = ("name",)
    id_fields = ("id",)
    readonly_fields = ("id",)
    ordering = ("name",)
    json_readers = {"extra_specs": texts_by_name}
    inlines = (AccessInline,)

    @admin.display(description="volumes")
    def volume_count(self, kind: VolumeType) -> int:
        return self.count_for(kind)


class AttachmentInline(admin.TabularInline):  # type: ignore[type-arg]
    """The servers that have a volume attached or reserved."""

    model = Attachment
    fields = ("server_id", "device", "status", "created_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Volume | None = None) -> bool:
        return False


class SnapshotInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Snapshot
    fields = ("name", "size", "status", "created_at")
    readonly_fields = fields
    show_change_link = True
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Volume | None = None) -> bool:
        return False


@admin.register(Volume)
class VolumeAdmin(ListAdmin):
    json_readers = dict.fromkeys(("image_metadata", "metadata"), texts_by_name)
    list_display = (
        *("named", "project", "size", "status", "bootable"),
        *("volume_type", "servers"),
    )
    list_filter = (
        word_filter("status", "status"),
        word_filter("project", "project__name", "project__id"),
        word_filter("bootable", "bootable"),
        "multiattach",
        word_filter("type", "volume_type__name"),
        word_filter("zone", "availability_zone"),
    )
    list_select_related = ()
    list_prefetched = ("project", "volume_type")
    search_fields = ("name",)
    id_fields = ("id", "attachments__server_id")
    search_help_text = "Part of the name, id, or id of a server that has it"
    autocomplete_fields = ("project", "volume_type")
    readonly_fields = ("id",)
    ordering = ("-created_at", "id")
    inlines = (AttachmentInline, SnapshotInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Volume]:
        return super().get_queryset(request).prefetch_related("attachments")

    @admin.display
    def servers(self, volume: Volume) -> str:
        return ", ".join(str(attachment.server_id) for attachment in volume.attachments.all())


@admin.register(Snapshot)
class SnapshotAdmin(ListAdmin):
    json_readers = {"metadata": texts_by_name}
    list_display = ("named", "volume", "project", "size", "status", "created_at")
    list_filter = (
        word_filter("status", "status"),
        word_filter("project", "project__name", "project__id"),
    )
    list_select_related = ()
    list_prefetched = ("volume", "project")
    search_fields = ("name",)
    id_fields = ("id", "volume__id")
    search_help_text = "Part of the name, id of the snapshot or of its volume"
    autocomplete_fields = ("volume", "project")
    readonly_fields = ("id",)
    ordering = ("-created_at", "id")


@admin.register(Attachment)
class AttachmentAdmin(ListAdmin):
    """Attachments can only be viewed here; they are made and deleted through servers."""

    list_display = ("volume", "server_id", "device", "status", "created_at")
    list_filter = (word_filter("status", "status"),)
    list_select_related = ()
    list_prefetched = ("volume",)
    search_fields = ("device",)
    id_fields = ("server_id", "volume__id")
    search_help_text = "Id of a server or volume"
    ordering = ("-created_at", "id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Attachment | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Attachment | None = None) -> bool:
        return False


@admin.register(Quota)
class VolumeQuotaAdmin(QuotaAdmin):
    quotas = QUOTAS
