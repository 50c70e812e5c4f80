"""Images in the admin."""

from __future__ import annotations

from django.contrib import admin

from compute_site.services.image.models import Image


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        *("name", "id", "status", "visibility", "owner", "min_ram", "min_disk", "size"),
        *("disk_format", "created_at"),
    )
    list_filter = ("status", "visibility", "disk_format")
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "=id", "owner__name")
    search_help_text = "Name, id or owner"
    autocomplete_fields = ("owner",)
    readonly_fields = ("id", "updated_at")
    ordering = ("name", "id")
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("id", "name", "status", "visibility", "owner", "tags")}),
        ("Needs", {"fields": ("min_ram", "min_disk")}),
        ("Data", {"fields": ("size", "disk_format", "container_format", "checksum")}),
        ("Properties", {"fields": ("properties",)}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
