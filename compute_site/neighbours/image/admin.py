"""Images in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.neighbours.image.local.limits import QUOTAS
from compute_site.neighbours.image.local.properties import read_properties, read_tags
from compute_site.neighbours.image.models import Image, ImageMember, Quota
from compute_site.neighbours.quota_admin import QuotaAdmin


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """The projects with which a shared image is shared."""

    model = ImageMember
    fields = ("member_id", "status")
    extra = 0


@admin.register(Image)
class ImageAdmin(ListAdmin):
    list_display = (
        *("named", "status", "visibility", "owner", "min_ram", "min_disk", "readable_size"),
        "disk_format",
    )
    list_filter = (
        word_filter("owner", "owner__name", "owner__id"),
        word_filter("status", "status"),
        word_filter("visibility", "visibility"),
        word_filter("format", "disk_format"),
        "protected",
        "os_hidden",
    )
    list_select_related = ()
    list_prefetched = ("owner",)
    search_fields = ("name",)
    id_fields = ("id",)
    search_help_text = "Part of the name, or id"
    autocomplete_fields = ("owner",)
    readonly_fields = ("id", "updated_at")
    ordering = ("name", "id")
    inlines = (MemberInline,)
    json_readers = {"properties": read_properties, "tags": read_tags}
    fieldsets = (
        (None, {"fields": ("id", "name", "status", "visibility", "owner", "tags")}),
        ("Care", {"fields": ("protected", "os_hidden")}),
        ("Needs", {"fields": ("min_ram", "min_disk")}),
        ("Data", {"fields": ("size", "disk_format", "container_format", "checksum")}),
        ("Properties", {"fields": ("properties",)}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Image | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj is not None and obj.protected)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Protected images stay, here as in the API."""
        deleted, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        kept = [f"{image} is protected" for image in objs if image.protected]
        return deleted, counts, perms_needed, [*protected, *kept]

    @admin.display(description="size", ordering="size")
    def readable_size(self, image: Image) -> str:
        return "–" if image.size is None else filesizeformat(image.size)


@admin.register(Quota)
class ImageQuotaAdmin(QuotaAdmin):
    quotas = QUOTAS
