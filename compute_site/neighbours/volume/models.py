"""Volume types, volumes, snapshots and attachments of the local volume service."""

from __future__ import annotations

import uuid
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.ids import LONGEST_USER_ID
from compute_site.identity.models import Project
from compute_site.neighbours.ownership import OwnedQuerySet, Thing
from compute_site.neighbours.quotas import ProjectQuota
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import GroupSnapshot, GroupType, VolumeGroup
from compute_site.neighbours.volume.message_models import Message
from compute_site.neighbours.volume.qos_models import QosSpecs

__all__ = ["Backup", "GroupType", "Message", "QosSpecs"]  # Django finds them here

LIMITED = (
    *("volumes", "snapshots", "gigabytes", "per_volume_gigabytes"),
    *("backups", "backup_gigabytes", "groups"),
)
"""What quotas limit."""
BY_TYPE = ("volumes", "snapshots", "gigabytes")
"""What they limit for each type of volumes, too."""
CONTROL_LOCATIONS = ("front-end", "back-end")
"""Where volumes are encrypted: by the host of the server, or by the store."""


class VolumeTypeQuerySet(models.QuerySet["VolumeType"]):
    def visible_to(self, caller: Caller) -> Self:
        """The public types and those that were opened to the project; an admin sees all."""
        if caller.is_admin:
            return self
        opened = VolumeTypeAccess.objects.filter(project=caller.project_id)
        return self.filter(Q(is_public=True) | Q(pk__in=opened.values("volume_type")))


class VolumeType(models.Model):
    """A kind of storage."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, unique=True, db_collation="C")
    description = models.CharField(max_length=255, blank=True, default="")
    is_public = models.BooleanField(default=True)
    extra_specs = models.JSONField(default=dict, blank=True)
    qos_specs = models.ForeignKey(
        QosSpecs,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="types",
        verbose_name="QoS specs",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = VolumeTypeQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        """Can several servers have a volume of the type?"""
        return bool(self.extra_specs.get("multiattach") == "<is> True")


class TypeEncryption(models.Model):
    """How volumes of a type are to be encrypted. As nothing here encrypts, none is made of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    volume_type = models.OneToOneField(
        VolumeType, on_delete=models.CASCADE, related_name="encryption"
    )
    provider = models.CharField(max_length=255)
    control_location = models.CharField(
        max_length=16, choices=[(word, word) for word in CONTROL_LOCATIONS]
    )
    cipher = models.CharField(max_length=255, null=True, blank=True)
    key_size = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.volume_type}: {self.provider}"


class VolumeTypeAccess(models.Model):
    """A project that may use a type that is not public."""

    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="access")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["volume_type", "project"], name="volume_type_opened_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.volume_type_id} → {self.project_id}"


class Volume(models.Model):
    """A disk that exists independently of servers; ``size`` in GiB.

    ``available`` → ``reserved`` (for a server) → ``in-use`` → ``detaching`` → ``available``.
    A multiattach volume that is in use can be reserved for further servers.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="volumes")
    user_id = models.CharField(max_length=LONGEST_USER_ID, blank=True, default="")
    size = models.PositiveIntegerField()
    status = models.CharField(max_length=32, default="available")
    bootable = models.CharField(max_length=8, blank=True, default="false")
    """``true``, ``false``, or empty: no mark, which counts as bootable."""
    multiattach = models.BooleanField(default=False)
    availability_zone = models.CharField(max_length=255, default="nova")
    volume_type = models.ForeignKey(VolumeType, null=True, blank=True, on_delete=models.SET_NULL)
    group = models.ForeignKey(
        VolumeGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="volumes"
    )
    snapshot_id = models.UUIDField(null=True, blank=True)
    source_volid = models.UUIDField("source volume", null=True, blank=True)
    readonly = models.BooleanField("read-only", null=True, blank=True)
    """``None``: nobody has said."""
    migration_status = models.CharField(max_length=32, blank=True, default="")
    """Not empty while the service moves the volume; only then may a server be given another in
    its place."""
    image_metadata = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    awaits = models.JSONField(null=True, blank=True, editable=False)
    """What its bytes are to be those of, until they are there (``local/copies.py``)."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    """A trigger of the database keeps it."""

    objects = OwnedQuerySet["Volume"].as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(awaits__isnull=False), name="volumes_awaiting_bytes"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class UnmanagedVolume(models.Model):
    """What is left in the store of a volume that the service has given up, until the service takes
    it over as a volume again, with the same id; ``size`` in GiB.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    size = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField("given up", default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"volume-{self.id}"


class Snapshot(models.Model):
    """The state of a volume at one time; ``size`` in GiB."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    description = models.TextField(blank=True, default="")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    volume = models.ForeignKey(Volume, on_delete=models.PROTECT, related_name="snapshots")
    group_snapshot = models.ForeignKey(
        GroupSnapshot, null=True, blank=True, on_delete=models.SET_NULL, related_name="parts"
    )
    size = models.PositiveIntegerField()
    status = models.CharField(max_length=32, default="available")
    progress = models.CharField(max_length=8, default="100%", editable=False)
    metadata = models.JSONField(default=dict, blank=True)
    user_id = models.CharField(max_length=LONGEST_USER_ID, blank=True, default="")
    awaits = models.JSONField(null=True, blank=True, editable=False)
    """As of volumes."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    """A trigger of the database keeps it."""

    objects = OwnedQuerySet["Snapshot"].as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(awaits__isnull=False), name="snapshots_awaiting_bytes"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class OfVolumeQuerySet(OwnedQuerySet[Thing]):
    """Rows that belong to the project of their volume."""

    owner = "volume__project"


class Attachment(models.Model):
    """The attachment of a volume to a server: ``reserved`` until the server has it (``attached``),
    and ``detaching`` while it is being detached. One that a client of the volume API makes is
    ``attaching`` in between, and may be of a host or of nothing that is known here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    volume = models.ForeignKey(
        Volume, on_delete=models.CASCADE, related_name="attachments", db_index=False
    )
    server_id = models.UUIDField(db_index=True, null=True, blank=True)
    made_by_compute = models.BooleanField(default=True)
    """Only compute changes and deletes what it has made."""
    device = models.CharField(max_length=255, blank=True, default="")
    host_name = models.CharField("host", max_length=255, blank=True, default="")
    mode = models.CharField(max_length=8, default="rw")
    connector = models.JSONField(null=True, blank=True)
    """What the host has said of itself."""
    status = models.CharField(max_length=16, default="reserved")
    created_at = models.DateTimeField(default=timezone.now)
    attached_at = models.DateTimeField(null=True, blank=True)

    objects = OfVolumeQuerySet["Attachment"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["volume", "server_id", "made_by_compute"],
                name="volume_attached_once_to_a_server",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.volume_id} → {self.server_id or self.host_name}"


class Export(models.Model):
    """The way by which a node reaches a volume of a server that lies on it, by iSCSI. It counts as
    long as it is open and the server has an attachment of the volume; a row that is left over is
    removed (``local/exports.py``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    volume_id = models.UUIDField()
    server_id = models.UUIDField(db_index=True)
    node = models.CharField(max_length=255)
    sealed_password = models.TextField(editable=False)
    is_open = models.BooleanField(default=True)
    """Not, while the server is built elsewhere, or has left the node."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["volume_id", "server_id", "node"], name="volume_exported_once_to_a_node"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.volume_id} → {self.node}"


class Transfer(models.Model):
    """A volume that is offered to another project, until somebody takes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    volume = models.OneToOneField(Volume, on_delete=models.CASCADE, related_name="transfer")
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    no_snapshots = models.BooleanField("without snapshots", default=False)
    key_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OfVolumeQuerySet["Transfer"].as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)


class DefaultType(models.Model):
    """The type of a project's volumes for which nobody has said one."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="+")
    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.project}: {self.volume_type}"


def check_resource(text: str) -> None:
    """Raises: ValidationError: quotas do not limit it."""
    if text not in LIMITED and not text.startswith(tuple(f"{name}_" for name in BY_TYPE)):
        raise ValidationError(f"Give one of {', '.join(LIMITED)}, or volumes_TYPE and the like.")


class Quota(ProjectQuota):
    """A limit of one project in the volume service; ``volumes_fast`` is that of volumes of the type
    ``fast``.
    """

    resource = models.CharField(max_length=300, validators=[check_resource])


class ClassQuota(models.Model):
    """A limit of a quota class. ``default`` holds for all projects that have none of their own,
    in place of the option; others are only kept and shown, as in Cinder.
    """

    quota_class = models.CharField(max_length=255, db_collation="C")
    resource = models.CharField(max_length=300, validators=[check_resource])
    limit = models.IntegerField(default=-1, validators=[MinValueValidator(-1)])
    """−1: none."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["quota_class", "resource"], name="volume_one_quota_of_a_class"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quota_class}: {self.resource} {self.limit}"
