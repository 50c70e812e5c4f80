"""Volume types, volumes, snapshots and attachments in the admin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from compute_site.caller import Caller
from compute_site.console.api_pages import ApiAdmin, ApiForm
from compute_site.console.form_fields import RowSelect, RowSelects
from compute_site.console.limits_form import UNLIMITED, LimitsForm, shown_limit
from compute_site.console.lists import ListAdmin, word_filter
from compute_site.console.named import named
from compute_site.console.read_only import RecordAdmin
from compute_site.neighbours.image.models import Image, ImageMember
from compute_site.neighbours.quota_admin import PROJECTS, QuotaAdmin
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.actions import SHAPES, SNAPSHOT_SHAPES
from compute_site.neighbours.volume.api.shapes import strict_texts
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import GroupSnapshot, GroupType, VolumeGroup
from compute_site.neighbours.volume.local import (
    actions,
    backups,
    changes,
    group_types,
    groups,
    qos,
)
from compute_site.neighbours.volume.local.limits import (
    DEFAULT,
    LONGEST_CLASS,
    QUOTAS,
    names_for,
)
from compute_site.neighbours.volume.local.metadata import change_metadata
from compute_site.neighbours.volume.message_models import Message
from compute_site.neighbours.volume.models import (
    Attachment,
    ClassQuota,
    DefaultType,
    Export,
    Quota,
    Snapshot,
    Transfer,
    TypeEncryption,
    UnmanagedVolume,
    Volume,
    VolumeType,
    VolumeTypeAccess,
)
from compute_site.neighbours.volume.qos_models import BACK_END, CONSUMERS, QosSpecs
from compute_site.values.keys import (
    Key,
    WrongValue,
    filled_line,
    one_of,
    optional,
    texts_by_name,
)


class AccessInline(RowSelects, admin.TabularInline):  # type: ignore[type-arg]
    """The projects that may use a type that is not public."""

    model = VolumeTypeAccess
    autocomplete_fields = ("project",)
    extra = 0


class EncryptionInline(admin.StackedInline):  # type: ignore[type-arg]
    """How volumes of the type are to be encrypted; none is made of it then."""

    model = TypeEncryption
    extra = 0


@admin.register(TypeEncryption)
class TypeEncryptionAdmin(RecordAdmin):
    """What is said of encryption can only be viewed here; it is changed with its volume type."""

    list_display = ("volume_type", "provider", "control_location", "cipher", "key_size")
    list_select_related = ("volume_type",)
    search_fields = ("provider",)
    id_fields = ("id", "volume_type__id")
    search_help_text = "Part of the provider, id of the volume type"
    ordering = ("volume_type__name", "id")


def read_specs(value: Any) -> dict[str, str]:
    found = strict_texts(value)
    if qos.CONSUMER in found:
        raise WrongValue(f"{qos.CONSUMER} has a field of its own")
    return found


@admin.register(QosSpecs)
class QosSpecsAdmin(ApiAdmin):
    keys = {key: key for key in ("name", "consumer", "specs")}
    changed = {
        "consumer": Key(one_of(*CONSUMERS), default=BACK_END),
        "specs": Key(read_specs, default={}),
    }
    new = {**shapes.NEW_QOS, **changed}
    owner = ""
    fieldsets = ((None, {"fields": ("id", "name", "consumer", "specs", "created_at")}),)
    list_display = ("named", "consumer", "specs")
    list_filter = ("consumer",)
    search_fields = ("name",)
    id_fields = ("id",)
    ordering = ("name",)

    def create(self, caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> QosSpecs:
        specs = {**values["specs"], qos.CONSUMER: values["consumer"]}
        return qos.create({"name": values["name"], "specs": specs})

    def change(
        self, caller: Caller, row: QosSpecs, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        asked = {key: values[key] if key in given else getattr(row, key) for key in self.changed}
        qos.replace(row, **asked)

    def delete(self, caller: Caller, row: QosSpecs) -> None:
        qos.delete(row)


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
    autocomplete_fields = ("qos_specs",)
    inlines = (AccessInline, EncryptionInline)

    @admin.display(description="volumes")
    def volume_count(self, kind: VolumeType) -> int:
        return self.count_for(kind)


class AttachmentInline(admin.TabularInline):  # type: ignore[type-arg]
    """The servers that have a volume attached or reserved."""

    model = Attachment
    fields = ("server_id", "host_name", "device", "mode", "status", "created_at")
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


class VolumeForm(ApiForm):
    """A volume, and what a new one may be made of."""

    image = forms.ModelChoiceField(
        Image.objects.all(),
        required=False,
        widget=RowSelect(ImageMember._meta.get_field("image"), admin.site),  # noqa: SLF001
        help_text="The volume can boot servers, as the image does.",
    )
    status = forms.ChoiceField(
        choices=[(word, word) for word in actions.STATUSES],
        help_text="It is set without any check, as by an admin in the API.",
    )
    bootable = forms.ChoiceField(
        choices=[("", "no mark"), ("true", "true"), ("false", "false")], required=False
    )


Change = Callable[[Caller, Volume, Any], Any]
VOLUME_CHANGES: Mapping[str, Change] = {
    "size": lambda caller, volume, size: actions.extend(caller, volume, {"new_size": size}),
    "bootable": lambda caller, volume, word: actions.set_bootable(
        caller, volume, {"bootable": word}
    ),
    "readonly": lambda caller, volume, word: actions.set_readonly(
        caller, volume, {"readonly": word}
    ),
    "volume_type": lambda caller, volume, kind: actions.retype(caller, volume, {"new_type": kind}),
    "image_metadata": lambda caller, volume, items: change_metadata(
        caller, policies.SET_IMAGE, volume, lambda _: items, actions.OF_IMAGE
    ),
    "status": lambda caller, volume, word: actions.reset_status(
        caller, volume, {"status": word, "migration_status": None}
    ),
}
"""What the volume API has an action for, in the order in which they are done."""


@admin.register(Volume)
class VolumeAdmin(ApiAdmin):
    form = VolumeForm
    keys = {
        **{key: key for key in ("name", "description", "metadata", "size", "volume_type")},
        **{key: key for key in ("availability_zone", "multiattach", "snapshot_id", "source_volid")},
        **{key: key for key in ("status", "bootable", "readonly", "image_metadata")},
        "image": "imageRef",
        "project": "project_id",
    }
    new = {**shapes.NEW_VOLUME, "project_id": Key(filled_line, required=True)}
    changed = optional(
        {
            **shapes.CHANGED,
            "size": SHAPES["os-extend"]["new_size"],
            "volume_type": SHAPES["os-retype"]["new_type"],
            "status": Key(one_of(*actions.STATUSES), required=True),
            "bootable": Key(one_of("true", "false"), required=True),
            "readonly": SHAPES["os-update_readonly_flag"]["readonly"],
            "image_metadata": Key(texts_by_name, default={}),
        }
    )
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "status", "size", "image")}),
        ("Kind", {"fields": ("volume_type", "availability_zone", "multiattach", "bootable")}),
        ("Origin", {"fields": ("snapshot_id", "source_volid", "image_metadata")}),
        ("More", {"fields": ("metadata", "readonly", "migration_status", "user_id", "created_at")}),
    )
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
    ordering = ("-created_at", "id")
    inlines = (AttachmentInline, SnapshotInline)

    def get_fieldsets(self, request: HttpRequest, obj: Volume | None = None) -> Any:
        """The image of a volume that exists stands in what it knows of it."""
        if obj is None:
            return super().get_fieldsets(request)
        (title, first), *others = self.fieldsets
        shown = tuple(name for name in first["fields"] if name != "image")
        return ((title, {"fields": shown}), *others)

    def create(self, caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Volume:
        return changes.create_volume(caller, values)

    def change(
        self, caller: Caller, row: Volume, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        for key, act in VOLUME_CHANGES.items():
            if key in given:
                act(caller, row, values[key])
        described = shapes.CHANGED.keys() & set(given)
        if described:
            changes.change(caller, row, values, described)

    def delete(self, caller: Caller, row: Volume) -> None:
        changes.delete_volume(caller, row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Volume]:
        return super().get_queryset(request).prefetch_related("attachments")

    @admin.display
    def servers(self, volume: Volume) -> str:
        return ", ".join(
            str(attachment.server_id or attachment.host_name)
            for attachment in volume.attachments.all()
        )


class SnapshotForm(ApiForm):
    """A snapshot, and how a new one is made."""

    force = forms.BooleanField(required=False, help_text="Also of a volume that is in use.")
    status = forms.ChoiceField(
        choices=[(word, word) for word in actions.SNAPSHOT_STATUSES],
        help_text="It is set without any check, as by an admin in the API.",
    )


@admin.register(Snapshot)
class SnapshotAdmin(ApiAdmin):
    form = SnapshotForm
    keys = {
        **{key: key for key in ("name", "description", "metadata", "force", "status")},
        "volume": "volume_id",
    }
    new = shapes.NEW_SNAPSHOT
    changed = optional({**shapes.CHANGED, "status": SNAPSHOT_SHAPES["os-reset_status"]["status"]})
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("id", "volume", "project", "name", "description", "force", "metadata"),
                    *("status", "size", "created_at"),
                )
            },
        ),
    )
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
    autocomplete_fields = ("volume",)
    ordering = ("-created_at", "id")

    def get_fieldsets(self, request: HttpRequest, obj: Snapshot | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request)
        ((title, part),) = self.fieldsets
        return ((title, {"fields": tuple(n for n in part["fields"] if n != "force")}),)

    def create(self, caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Snapshot:
        return changes.create_snapshot(caller, values)

    def change(
        self, caller: Caller, row: Snapshot, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        if "status" in given:
            actions.reset_snapshot(caller, row, values)
        described = shapes.CHANGED.keys() & set(given)
        if described:
            changes.change(caller, row, values, described)

    def delete(self, caller: Caller, row: Snapshot) -> None:
        changes.delete_snapshot(caller, row)


@admin.register(Attachment)
class AttachmentAdmin(RecordAdmin):
    """Attachments can only be viewed here; they are made and deleted through servers, and by the
    volume API.
    """

    list_display = ("volume", "server", "host_name", "device", "status", "created_at")
    list_filter = (word_filter("status", "status"), "made_by_compute")
    list_select_related = ()
    list_prefetched = ("volume",)
    search_fields = ("device",)
    id_fields = ("server_id", "volume__id")
    search_help_text = "Id of a server or volume"
    ordering = ("-created_at", "id")
    exclude = ("server_id",)
    server = named("server_id", "servers.instance", "server")
    readonly_fields = ("server",)


@admin.register(Export)
class ExportAdmin(RecordAdmin):
    """What hosts reach by iSCSI now. Exports come and go with what servers do."""

    list_display = ("volume_id", "server", "node", "is_open", "created_at")
    list_filter = ("is_open", word_filter("node", "node"))
    search_fields = ("node",)
    id_fields = ("id", "volume_id", "server_id")
    search_help_text = "Part of the node's name, id of a server or volume"
    ordering = ("-created_at", "id")
    exclude = ("server_id", "sealed_password")
    server = named("server_id", "servers.instance", "server")
    readonly_fields = ("volume_id", "server", "node", "is_open", "created_at")


@admin.register(Transfer)
class TransferAdmin(RecordAdmin):
    """Offers are made and taken in the volume API, whose keys are told there alone."""

    list_display = ("named", "volume", "no_snapshots", "created_at")
    list_select_related = ()
    list_prefetched = ("volume",)
    search_fields = ("name",)
    id_fields = ("id", "volume__id")
    search_help_text = "Part of the name, id of the offer or of its volume"
    ordering = ("-created_at", "id")
    readonly_fields = ("volume", "name", "no_snapshots", "created_at")


@admin.register(UnmanagedVolume)
class UnmanagedVolumeAdmin(RecordAdmin):
    """They are made volumes again by the volume API (``manageable_volumes``)."""

    list_display = ("__str__", "size", "created_at")
    search_fields = ("id__startswith",)
    id_fields = ("id",)
    search_help_text = "Id that the volume had, or how it begins"
    ordering = ("-created_at", "id")
    readonly_fields = ("id", "size", "created_at")


@admin.register(GroupType)
class GroupTypeAdmin(ApiAdmin):
    keys = {key: key for key in ("name", "description", "is_public", "group_specs")}
    new = shapes.NEW_GROUP_TYPE
    changed = {**shapes.CHANGED_GROUP_TYPE, "group_specs": new["group_specs"]}
    owner = ""
    fieldsets = (
        (
            None,
            {"fields": ("id", "name", "description", "is_public", "group_specs", "created_at")},
        ),
    )
    list_display = ("named", "description", "is_public")
    list_filter = ("is_public",)
    search_fields = ("name",)
    id_fields = ("id",)
    ordering = ("name",)

    def create(
        self, caller: Caller, values: Mapping[str, Any], given: Collection[str]
    ) -> GroupType:
        return group_types.create(values)

    def change(
        self, caller: Caller, row: GroupType, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        described = shapes.CHANGED_GROUP_TYPE.keys() & set(given)
        if described:
            group_types.update(row, values, described)
        if "group_specs" in given:
            for key in row.group_specs.keys() - values["group_specs"].keys():
                group_types.remove_spec(row, key)
            group_types.set_specs(row, values["group_specs"])

    def delete(self, caller: Caller, row: GroupType) -> None:
        group_types.delete(row)


class VolumeGroupForm(ApiForm):
    """A group, and which volumes come into it or leave it."""

    add_volumes = forms.CharField(required=False, help_text="Ids, with commas between them.")
    remove_volumes = forms.CharField(required=False, help_text="Ids, with commas between them.")


@admin.register(VolumeGroup)
class VolumeGroupAdmin(ApiAdmin):
    """A group is deleted once its volumes have left it; the API also deletes both."""

    form = VolumeGroupForm
    keys = {
        **{key: key for key in ("name", "description", "group_type", "volume_types")},
        **{key: key for key in ("availability_zone", "add_volumes", "remove_volumes")},
        "project": "project_id",
    }
    new = {**shapes.NEW_GROUP, "project_id": Key(filled_line, required=True)}
    changed = shapes.CHANGED_GROUP
    fieldsets = (
        (None, {"fields": ("id", "name", "project", "description", "status")}),
        ("Kind", {"fields": ("group_type", "volume_types", "availability_zone")}),
        ("Volumes", {"fields": ("add_volumes", "remove_volumes")}),
        ("Origin", {"fields": ("group_snapshot_id", "source_group_id", "user_id", "created_at")}),
    )
    list_display = ("named", "project", "group_type", "status", "created_at")
    list_filter = (
        word_filter("status", "status"),
        word_filter("project", "project__name", "project__id"),
        word_filter("type", "group_type__name"),
    )
    list_select_related = ()
    list_prefetched = ("project", "group_type")
    search_fields = ("name",)
    id_fields = ("id", "volumes__id")
    search_help_text = "Part of the name, id of the group or of a volume in it"
    autocomplete_fields = ("project", "group_type", "volume_types")
    ordering = ("-created_at", "id")

    def create(
        self, caller: Caller, values: Mapping[str, Any], given: Collection[str]
    ) -> VolumeGroup:
        return groups.create(caller, values)

    def change(
        self, caller: Caller, row: VolumeGroup, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        groups.change(caller, row, values, given)

    def delete(self, caller: Caller, row: VolumeGroup) -> None:
        groups.delete(caller, row, {"delete-volumes": False})


@admin.register(GroupSnapshot)
class GroupSnapshotAdmin(ApiAdmin):
    """Snapshots of groups are made and deleted, and never changed."""

    keys = {"group": "group_id", "name": "name", "description": "description"}
    new = shapes.NEW_GROUP_SNAPSHOT
    fieldsets = (
        (None, {"fields": ("id", "group", "project", "name", "description", "status")}),
        ("More", {"fields": ("user_id", "created_at")}),
    )
    list_display = ("named", "group", "project", "status", "created_at")
    list_filter = (
        word_filter("status", "status"),
        word_filter("project", "project__name", "project__id"),
    )
    list_select_related = ()
    list_prefetched = ("project", "group")
    search_fields = ("name",)
    id_fields = ("id", "group__id")
    search_help_text = "Part of the name, id of the snapshot or of the group"
    autocomplete_fields = ("group",)
    ordering = ("-created_at", "id")

    def create(
        self, caller: Caller, values: Mapping[str, Any], given: Collection[str]
    ) -> GroupSnapshot:
        return groups.create_snapshot(caller, values)

    def delete(self, caller: Caller, row: GroupSnapshot) -> None:
        groups.delete_snapshot(caller, row)


class BackupForm(ApiForm):
    """A backup, and how a new one is made."""

    incremental = forms.BooleanField(required=False, help_text="It names the one before.")
    force = forms.BooleanField(required=False, help_text="Also of a volume that is in use.")


@admin.register(Backup)
class BackupAdmin(ApiAdmin):
    """Backups are restored by the volume API."""

    form = BackupForm
    keys = {
        **{key: key for key in ("name", "description", "metadata", "volume_id", "snapshot_id")},
        **{key: key for key in ("container", "availability_zone", "incremental", "force")},
        "project": "project_id",
    }
    new = {**shapes.NEW_BACKUP, "project_id": Key(filled_line, required=True)}
    changed = shapes.CHANGED_BACKUP
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("id", "name", "project", "description", "metadata", "volume_id"),
                    *("snapshot_id", "container", "availability_zone", "incremental", "force"),
                )
            },
        ),
        ("State", {"fields": ("status", "fail_reason", "size", "parent", "user_id")}),
        ("Dates", {"fields": ("data_timestamp", "created_at", "updated_at")}),
    )
    list_display = ("named", "project", "volume_id", "size", "status", "created_at")
    list_filter = (
        word_filter("status", "status"),
        word_filter("project", "project__name", "project__id"),
    )
    list_select_related = ()
    list_prefetched = ("project",)
    search_fields = ("name",)
    id_fields = ("id", "volume_id")
    search_help_text = "Part of the name, id of the backup or of its volume"
    autocomplete_fields = ("project",)
    ordering = ("-created_at", "id")

    def get_fieldsets(self, request: HttpRequest, obj: Backup | None = None) -> Any:
        """How it is made is no matter of one that exists."""
        if obj is None:
            return super().get_fieldsets(request)
        (title, first), *others = self.fieldsets
        shown = tuple(name for name in first["fields"] if name not in ("incremental", "force"))
        return ((title, {"fields": shown}), *others)

    def create(self, caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Backup:
        return backups.create(caller, values)

    def change(
        self, caller: Caller, row: Backup, values: Mapping[str, Any], given: Collection[str]
    ) -> None:
        backups.change(caller, row, values, given)

    def delete(self, caller: Caller, row: Backup) -> None:
        backups.delete(caller, row)


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    """What users are told of work of theirs that failed."""

    list_display = ("event_id", "project", "resource_type", "resource_uuid", "created_at")
    list_filter = (
        word_filter("kind", "resource_type"),
        word_filter("project", "project__name", "project__id"),
    )
    list_select_related = ()
    list_prefetched = ("project",)
    search_fields = ("event_id",)
    id_fields = ("id", "resource_uuid")
    search_help_text = "Part of the event, id of the message or of what failed"
    ordering = ("-created_at", "id")


@admin.register(DefaultType)
class DefaultTypeAdmin(ListAdmin):
    """The types of volumes for which nobody has said one."""

    list_display = ("project", "volume_type")
    list_select_related = ("project", "volume_type")
    search_fields = ("project__name", "volume_type__name")
    search_help_text = "Part of the name of the project or type"
    autocomplete_fields = ("project", "volume_type")
    ordering = ("project__name", "id")


def limited_resources() -> list[str]:
    """What has a limit; for types as well."""
    return [*QUOTAS.kinds, *names_for(VolumeType.objects.all())]


class ClassQuotaForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit of a class by itself."""

    def clean_quota_class(self) -> str:
        name: str = self.cleaned_data["quota_class"]
        if "/" in name:
            raise forms.ValidationError("The name of a class has no /.")
        return name

    def clean_resource(self) -> str:
        name: str = self.cleaned_data["resource"]
        if name not in (known := limited_resources()):
            raise forms.ValidationError(
                f"Nothing is limited by this name; give {', '.join(known)}."
            )
        return name


@admin.register(ClassQuota)
class ClassQuotaAdmin(ListAdmin):
    """The limits of quota classes, as in the volume API."""

    form = ClassQuotaForm
    change_list_template = "compute_site/class_limits_list.html"
    list_display = ("quota_class", "resource", "limit")
    list_editable = ("limit",)
    list_display_links = ("quota_class",)
    list_filter = (word_filter("class", "quota_class"),)
    search_fields = ("quota_class", "resource")
    search_help_text = "Part of the class or of the resource"
    ordering = ("quota_class", "resource")

    class Media:
        css = {"all": ["compute_site/limits.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.class_view)
        return [path("classes/<str:name>/", view, name="volume_class_change"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = {"class_page": reverse("admin:volume_class_change", args=[DEFAULT])}
        return super().changelist_view(request, {**page, **(extra_context or {})})

    def class_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """All limits of a class; for types as well."""
        may = self.has_change_permission if request.method == "POST" else self.has_view_permission
        if not may(request):
            raise PermissionDenied
        if len(name) > LONGEST_CLASS or "\0" in name:
            raise Http404
        usual = QUOTAS.of_options if name == DEFAULT else QUOTAS.defaults
        own = dict(ClassQuota.objects.filter(quota_class=name).values_list("resource", "limit"))
        resources = limited_resources()
        form = LimitsForm(resources, own, request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._save_class(request, name, form)
            self.message_user(request, f"The limits of {name} are saved.", messages.SUCCESS)
            return redirect(request.path)
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "may_change": self.has_change_permission(request),
            "title": f"Limits of the class {name}",
            "form": form,
            "rows": [
                {
                    "name": resource,
                    "field": form[resource],
                    "wider": shown_limit(usual.get(resource, UNLIMITED)),
                }
                for resource in resources
            ],
        }
        return TemplateResponse(request, "compute_site/limits.html", shown)

    def _save_class(self, request: HttpRequest, name: str, form: LimitsForm) -> None:
        """Raises: PermissionDenied: rows would come or go, which is a right of its own."""
        new = form.limits.keys() - form.own.keys()
        adds, deletes = self.has_add_permission(request), self.has_delete_permission(request)
        if (new and not adds) or (form.cleared and not deletes):
            raise PermissionDenied
        rows = ClassQuota.objects.filter(quota_class=name)
        with transaction.atomic():
            self.log_deletions(request, rows.filter(resource__in=form.cleared))
            QUOTAS.forget_class(name, form.cleared)
            QUOTAS.set_class(name, form.limits)
            for row in rows.filter(resource__in=form.limits):
                note = self.log_addition if row.resource in new else self.log_change
                note(request, row, f"{row.resource}: {shown_limit(row.limit)}")


@admin.register(Quota)
class VolumeQuotaAdmin(QuotaAdmin):
    list_filter = (word_filter("resource", "resource"), PROJECTS)
    quotas = QUOTAS
