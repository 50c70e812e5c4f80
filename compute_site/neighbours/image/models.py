"""Images of the local image service; their data are files (``neighbours.image.data``)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.models import Project
from compute_site.neighbours.ownership import OwnedQuerySet
from compute_site.neighbours.quotas import ProjectQuota

LIMITED = ("image_count_total", "image_size_total")
"""What quotas limit."""
FOR_EVERYONE = ("public", "community")
"""Images of these visibilities are for all projects; the others are for their owner."""
SHARED = "shared"
"""Images of this visibility are for their owner and their members."""
PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"
MEMBER_STATUSES = (PENDING, ACCEPTED, REJECTED)
"""What a member says of an image: only accepted ones stand in its usual lists."""
METADEF_VISIBILITIES = ("public", "private")


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, caller: Caller) -> Self:
        """The project's own images, those of which it is a member, the public and the community
        ones; an admin sees all.

        An image whose project was deleted has no owner: only an admin sees it, unless it is public
        or community, or has members.
        """
        if caller.is_admin:
            return self
        own = Q(owner=caller.project_id)
        return self.filter(own | Q(visibility__in=FOR_EVERYONE) | shared_with(caller.project_id))

    def listed_for(
        self, caller: Caller, *, statuses: Collection[str] = (ACCEPTED,), community: bool = False
    ) -> Self:
        """The images of a list: of other projects the public ones, and those of which the project
        is a member of one of the statuses. ``community``: those, too.
        """
        seen = Q(owner=caller.project_id) | Q(visibility="public")
        seen |= shared_with(caller.project_id, status__in=statuses)
        return self.filter(seen | Q(visibility="community") if community else seen)


def shared_with(project_id: str, **of_member: Any) -> Q:
    """Images of which the project is a member."""
    members = ImageMember.objects.filter(image=OuterRef("pk"), member_id=project_id, **of_member)
    return Q(visibility=SHARED) & Q(Exists(members))


class Image(models.Model):
    """Sizes: ``min_ram`` MiB, ``min_disk`` GiB, ``size`` bytes. Properties stay as given."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    status = models.CharField(max_length=32, default="active")
    visibility = models.CharField(max_length=16, default="private")
    owner = models.ForeignKey(
        *(Project, models.SET_NULL),
        null=True,
        blank=True,
        db_constraint=False,
        related_name="images",
    )
    """Admins may name what is no project: Glance does not ask whether there is one."""
    min_ram = models.PositiveIntegerField(default=0)
    min_disk = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(null=True, blank=True)
    disk_format = models.CharField(max_length=32, null=True, blank=True)
    container_format = models.CharField(max_length=32, null=True, blank=True)
    checksum = models.CharField(max_length=64, null=True, blank=True)
    """MD5 of the data in hex."""
    os_hash_value = models.CharField(max_length=128, null=True, blank=True)
    """SHA-512 of the data in hex."""
    virtual_size = models.BigIntegerField(null=True, blank=True)
    """Bytes of the disk that the data describe."""
    stored = models.BooleanField(default=False, editable=False)
    """Are there data? Images of a cloud file and of simulated servers have none."""
    protected = models.BooleanField(default=False)
    """Nobody deletes it."""
    os_hidden = models.BooleanField("hidden", default=False)
    """It does not stand in lists, but boots servers."""
    tags = models.JSONField(default=list, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ImageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["name"], name="image_name")]

    def __str__(self) -> str:
        return self.name or str(self.id)


class ImageMember(models.Model):
    """A project with which a shared image is shared."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="members")
    member_id = models.CharField(max_length=255, db_index=True)
    """The id of the project; Glance does not ask whether there is one."""
    status = models.CharField(
        max_length=16, default=PENDING, choices=[(word, word) for word in MEMBER_STATUSES]
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "member_id"], name="image_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.image_id} → {self.member_id}"


class ImageTaskQuerySet(OwnedQuerySet["ImageTask"]):
    owner = "owner"


class ImageTask(models.Model):
    """An import of data; its life is drawn in ``local.tasks``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    type = models.CharField(max_length=32)
    status = models.CharField(max_length=16, default="pending")
    input = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    message = models.TextField(blank=True, default="")
    owner = models.CharField(max_length=255, db_index=True)
    """The id of the project that asked for it."""
    user_id = models.CharField(max_length=255)
    request_id = models.CharField(max_length=255, blank=True, default="")
    image_id = models.CharField(max_length=36, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField(null=True)
    """When it is forgotten; ``None``: it has not ended."""

    objects = ImageTaskQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Quota(ProjectQuota):
    """A limit of one project in the image service."""

    resource = models.CharField(max_length=32, choices=[(name, name) for name in LIMITED])


class MetadefNamespaceQuerySet(models.QuerySet["MetadefNamespace"]):
    def visible_to(self, caller: Caller) -> Self:
        """The public ones and those of the project; an admin sees all."""
        if caller.is_admin:
            return self
        return self.filter(Q(owner=caller.project_id) | Q(visibility="public"))


class MetadefNamespace(models.Model):
    """A set of definitions of metadata: what properties of images, flavors and the like mean."""

    namespace = models.CharField(max_length=80, unique=True, db_collation="C")
    display_name = models.CharField(max_length=80, null=True, blank=True, db_collation="C")
    description = models.CharField(max_length=500, null=True, blank=True)
    visibility = models.CharField(
        max_length=16, default="private", choices=[(word, word) for word in METADEF_VISIBILITIES]
    )
    protected = models.BooleanField(default=False)
    """Neither it nor what is in it can be deleted."""
    owner = models.CharField(max_length=255, blank=True, default="")
    """The id of the project; Glance does not ask whether there is one."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MetadefNamespaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.namespace


class ResourceType(models.Model):
    """A kind of things that namespaces are made for, such as ``OS::Nova::Flavor``."""

    name = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class MetadefPart(models.Model):
    """What is in a namespace; its name is there once."""

    name = models.CharField(max_length=80, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class MetadefProperty(MetadefPart):
    """``definition``: what the API shows of it, but for the name."""

    namespace = models.ForeignKey(
        MetadefNamespace, on_delete=models.CASCADE, related_name="properties"
    )
    definition = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "metadef properties"
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="metadef_property_once"),
        ]


class MetadefObject(MetadefPart):
    """A group of properties; ``properties`` are definitions by their names."""

    namespace = models.ForeignKey(
        MetadefNamespace, on_delete=models.CASCADE, related_name="grouped"
    )
    description = models.TextField(null=True, blank=True)
    required = models.JSONField(default=list, blank=True)
    """Names of properties that go with the others."""
    properties = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="metadef_object_once"),
        ]


class MetadefTag(MetadefPart):
    namespace = models.ForeignKey(MetadefNamespace, on_delete=models.CASCADE, related_name="tags")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["namespace", "name"], name="metadef_tag_once"),
        ]


class ResourceTypeAssociation(models.Model):
    """Things of the type may have the properties of the namespace, with the prefix before their
    names.
    """

    namespace = models.ForeignKey(
        MetadefNamespace, on_delete=models.CASCADE, related_name="resource_types"
    )
    resource_type = models.ForeignKey(
        ResourceType, on_delete=models.PROTECT, related_name="associations"
    )
    prefix = models.CharField(max_length=80, null=True, blank=True)
    properties_target = models.CharField(max_length=80, null=True, blank=True)
    """Which of several kinds of metadata of a thing is meant, such as ``image`` of volumes."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "resource_type"], name="metadef_resource_type_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace_id} → {self.resource_type_id}"
