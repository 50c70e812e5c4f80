"""Images in the admin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from compute_site.caller import Caller
from compute_site.console.api_pages import ApiAdmin, PartInline, parts_of
from compute_site.console.lists import word_filter
from compute_site.console.operator import operator_of
from compute_site.console.read_only import RecordAdmin
from compute_site.identity.models import Project
from compute_site.neighbours.image import metadef_shapes
from compute_site.neighbours.image.local import changes, members, metadefs
from compute_site.neighbours.image.local.limits import QUOTAS
from compute_site.neighbours.image.local.properties import read_properties, read_tags
from compute_site.neighbours.image.local.steps import ADD, REMOVE, REPLACE, Step
from compute_site.neighbours.image.models import (
    SHARED,
    Image,
    ImageMember,
    ImageTask,
    MetadefNamespace,
    MetadefObject,
    MetadefProperty,
    MetadefTag,
    Quota,
    ResourceType,
    ResourceTypeAssociation,
)
from compute_site.neighbours.image.shapes import CHANGEABLE, NEW_IMAGE, NEW_MEMBER
from compute_site.neighbours.quota_admin import QuotaAdmin
from compute_site.values.keys import Key, anything, mapping

PROPERTIES = {changes.PROPERTIES: Key(mapping, default={})}


class MemberInline(PartInline):
    """The projects with which a shared image is shared. What a member says of it is its own."""

    model = ImageMember
    keys = {"member_id": "member"}
    new = NEW_MEMBER
    fields = ("member_id", "status")
    readonly_fields = ("status",)


@admin.register(Image)
class ImageAdmin(ApiAdmin):
    servers_by = "image"
    """The data of an image come by the image API."""

    keys = {key: key for key in (*CHANGEABLE, changes.PROPERTIES)}
    new = {**NEW_IMAGE, **PROPERTIES}
    changed = {**CHANGEABLE, **PROPERTIES}
    owner = "owner"
    actions = ("deactivate", "reactivate")
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
    ordering = ("name", "id")
    inlines = (MemberInline,)
    json_readers = {"properties": read_properties, "tags": read_tags}
    fieldsets = (
        (None, {"fields": ("id", "name", "status", "visibility", "owner", "tags")}),
        ("Care", {"fields": ("protected", "os_hidden")}),
        ("Needs", {"fields": ("min_ram", "min_disk")}),
        (
            "Data",
            {
                "fields": (
                    *("disk_format", "container_format", "size", "virtual_size"),
                    *("checksum", "os_hash_value"),
                )
            },
        ),
        ("Properties", {"fields": ("properties",)}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )

    def get_inlines(self, request: HttpRequest, obj: Image | None) -> Any:
        """Only shared images have members."""
        return self.inlines if obj is not None and obj.visibility == SHARED else ()

    def create(self, caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Image:
        return changes.create_image(caller, values)

    def change(
        self, caller: Caller, row: Image, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        """As a patch of the API: a step for each key, and for each property that is another. An
        owner that is no project stands in no field, and stays.
        """
        kept = {changes.PROPERTIES}
        if values.get("owner") is None and _owner_of(row) is None:
            kept.add("owner")
        steps = [Step(REPLACE, key, values[key]) for key in given if key not in kept]
        if changes.PROPERTIES in given:
            wanted = values[changes.PROPERTIES]
            steps += [Step(REMOVE, key) for key in row.properties if key not in wanted]
            steps += [
                Step(ADD, key, value)
                for key, value in wanted.items()
                if row.properties.get(key) != value
            ]
        changes.change_image(caller, row, steps)

    def caller(self, request: HttpRequest, row: Any) -> Caller:
        return operator_of(request, _owner_of(row))

    def delete(self, caller: Caller, row: Image) -> None:
        changes.delete_images(caller, [row])

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        caller = self.caller(request, form.instance)
        deleted, new = parts_of(formset)
        for member in deleted:
            members.remove_member(caller, form.instance, member.member_id)
        for part in new:
            members.add_member(caller, form.instance, part.values["member"])

    @admin.action(description="Deactivate: nobody boots or downloads it", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        self._set_status(request, queryset, "deactivated")

    @admin.action(description="Activate again", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        self._set_status(request, queryset, "active")

    def _set_status(self, request: HttpRequest, images: QuerySet[Image], status: str) -> None:
        for image in images.select_related("owner"):
            changes.set_status(self.caller(request, image), image, status)
            self.log_change(request, image, f"It is {status}.")
        self.message_user(request, f"They are {status}.", messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: Image | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj is not None and obj.protected)

    @admin.display(description="size", ordering="size")
    def readable_size(self, image: Image) -> str:
        return "–" if image.size is None else filesizeformat(image.size)


def _owner_of(image: Image) -> Project | None:
    """``None``: there is none, or it is no project."""
    try:
        return image.owner
    except Project.DoesNotExist:
        return None


@admin.register(Quota)
class ImageQuotaAdmin(QuotaAdmin):
    quotas = QUOTAS


class AssociationInline(PartInline):
    """What the namespace is for."""

    model = ResourceTypeAssociation
    keys = {"resource_type": "name", "prefix": "prefix", "properties_target": "properties_target"}
    new = {**metadef_shapes.ASSOCIATION, "name": Key(anything, required=True)}
    fields = ("resource_type", "prefix", "properties_target")


class MetadefPropertyInline(PartInline):
    model = MetadefProperty
    keys = {"name": "name", "definition": "definition"}
    new = {
        "name": metadef_shapes.PROPERTY["name"],
        "definition": Key(metadef_shapes.read_definition, required=True),
    }
    fields = ("name", "definition")


class MetadefObjectInline(PartInline):
    model = MetadefObject
    keys = {key: key for key in metadef_shapes.OBJECT}
    new = metadef_shapes.OBJECT
    fields = ("name", "description", "required", "properties")


class MetadefTagInline(PartInline):
    model = MetadefTag
    keys = {"name": "name"}
    new = metadef_shapes.TAG
    fields = ("name",)


@admin.register(MetadefNamespace)
class MetadefNamespaceAdmin(ApiAdmin):
    """A namespace; what is in it is made and deleted below it."""

    keys = {key: key for key in metadef_shapes.NAMESPACE}
    new = changed = metadef_shapes.NAMESPACE
    owner = ""  # the owner is a text, and perhaps no project
    list_display = ("namespace", "display_name", "visibility", "protected", "owner", "updated_at")
    list_filter = ("visibility", "protected", word_filter("owner", "owner"))
    search_fields = ("namespace", "display_name")
    search_help_text = "Part of the name"
    ordering = ("namespace",)
    inlines = (AssociationInline, MetadefPropertyInline, MetadefObjectInline, MetadefTagInline)
    fieldsets = (
        (None, {"fields": ("namespace", "display_name", "description")}),
        ("Who sees it", {"fields": ("visibility", "owner", "protected")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )

    def get_inlines(self, request: HttpRequest, obj: MetadefNamespace | None) -> Any:
        """A new namespace is empty."""
        return self.inlines if obj is not None else ()

    def create(
        self, caller: Caller, values: Mapping[str, Any], given: Collection[str]
    ) -> MetadefNamespace:
        empty = {key: shape.default for key, shape in metadef_shapes.CONTENTS.items()}
        return metadefs.create_namespace(caller, {**empty, **values})

    def change(
        self,
        caller: Caller,
        row: MetadefNamespace,
        values: Mapping[str, Any],
        given: Collection[str],
    ) -> None:
        as_it_is = {key: getattr(row, key) for key in metadef_shapes.NAMESPACE}
        wanted = as_it_is | {key: values[key] for key in given}
        metadefs.change_namespace(caller, row, wanted, frozenset())

    def delete(self, caller: Caller, row: MetadefNamespace) -> None:
        metadefs.delete_namespace(caller, row)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        caller, namespace = self.caller(request, form.instance), form.instance
        kept: MetadefNamespace = MetadefNamespace.objects.get(pk=namespace.pk)
        deleted, new = parts_of(formset)
        for part in deleted:
            _delete_part(caller, kept, part)
        for part in new:
            _make_part(caller, kept, formset.model, part.values)


def _delete_part(caller: Caller, namespace: MetadefNamespace, part: Any) -> None:
    if isinstance(part, ResourceTypeAssociation):
        metadefs.dissociate(caller, namespace, part.resource_type.name)
    else:
        metadefs.delete_part(caller, namespace, KINDS[type(part)], part.name)


def _make_part(
    caller: Caller, namespace: MetadefNamespace, model: type[Any], values: Mapping[str, Any]
) -> None:
    if model is ResourceTypeAssociation:
        name = ResourceType.objects.get(pk=values["name"]).name
        metadefs.associate(caller, namespace, {**values, "name": name})
    elif model is MetadefProperty:
        definition = {**values["definition"], "name": values["name"]}
        metadefs.create_part(caller, namespace, metadefs.PROPERTIES, definition)
    else:
        metadefs.create_part(caller, namespace, KINDS[model], values)


KINDS: Mapping[type[Any], metadefs.Kind[Any]] = {
    kind.model: kind for kind in (metadefs.PROPERTIES, metadefs.OBJECTS, metadefs.TAGS)
}


@admin.register(ImageTask)
class ImageTaskAdmin(RecordAdmin):
    """Imports of data; they come and go by themselves."""

    list_display = ("id", "type", "status", "owner", "image_id", "created_at")
    list_filter = (word_filter("status", "status"), word_filter("owner", "owner"))
    search_fields = ("image_id",)
    id_fields = ("id",)
    ordering = ("-created_at",)
    fields = (
        *("id", "type", "status", "message", "owner", "user_id", "request_id", "image_id"),
        *("input", "result", "created_at", "updated_at", "expires_at"),
    )


@admin.register(ResourceType)
class ResourceTypeAdmin(RecordAdmin):
    """They come with the first namespace that is for them."""

    list_display = ("name", "created_at")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "created_at", "updated_at")
