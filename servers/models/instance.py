"""The server itself."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.models import Project
from flavors.models import Flavor
from servers.models.states import PowerState, TaskState, VmState, status_of


class InstanceQuerySet(models.QuerySet["Instance"]):
    def visible_to(self, caller: Caller) -> Self:
        """The servers of the caller's project; an admin sees all."""
        return self if caller.is_admin else self.filter(project=caller.project_id)

    def in_all_projects(self) -> Self:
        """All servers, with the condition for the index without projects (see ``Meta.indexes``)."""
        return self.filter(id__gt=0)

    def alive(self) -> Self:
        """The servers that are not deleted."""
        return self.filter(deleted_at__isnull=True)


class Instance(models.Model):
    """A server, from the moment the API accepts it.

    ::

        building/scheduling ──> building/networking ──> building/block_device_mapping
              │                        │                          │
              │ no host, failure       │                          v
              ├───────────> error <────┴───────────── building/spawning
              │                                                   │
              v                                                   v
           deleted <───────────────────────────────────────── active ──> (actions)

        active, stopped ──> …/resize_prep ──> …/resize_migrating ──> …/resize_migrated (new host)
              ^                                                                 │
              ├─────────── confirmed, reverted <─────────── resized <───────────┘

    Every step is a conditional update of (vm_state, task_state), so that two workers cannot take
    the same one.
    Units: memory MiB, disks GiB.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="instances", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="instances", db_index=False
    )
    reservation_id = models.CharField(max_length=255)
    launch_index = models.PositiveIntegerField(default=0)

    display_name = models.CharField(max_length=261, db_collation="C")
    """A name of 255 characters, with the number that each of several servers has behind it."""
    display_description = models.CharField(max_length=255, null=True, blank=True)
    hostname = models.CharField(max_length=255)

    vm_state = models.CharField(max_length=32, choices=VmState.choices, default=VmState.BUILDING)
    task_state = models.CharField(max_length=32, choices=TaskState.choices, null=True, blank=True)
    power_state = models.PositiveSmallIntegerField(
        choices=PowerState.choices, default=PowerState.NO_STATE
    )
    progress = models.PositiveSmallIntegerField(default=0)

    image_ref = models.CharField(max_length=36, blank=True, default="")
    """The image's id; empty when booted from a volume."""
    kernel_id = models.CharField(max_length=36, blank=True, default="")
    ramdisk_id = models.CharField(max_length=36, blank=True, default="")
    flavor_record = models.ForeignKey(
        Flavor,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="instances",
        db_index=False,  # the first column of servers_instance_flavor
    )
    flavor = models.JSONField()
    """The flavor as it was on creation: flavorid, name, vcpus, memory_mb, root_gb, ephemeral_gb,
    swap,
    rxtx_factor, disabled, is_public, description, extra_specs."""
    memory_mb = models.PositiveIntegerField()
    vcpus = models.PositiveIntegerField()
    root_gb = models.PositiveIntegerField()
    ephemeral_gb = models.PositiveIntegerField(default=0)

    config_drive = models.CharField(max_length=8, blank=True, default="")
    user_data = models.TextField(null=True, blank=True)
    key_name = models.CharField(max_length=255, null=True, blank=True)
    key_data = models.TextField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    system_metadata = models.JSONField(default=dict, blank=True)
    access_ip_v4 = models.GenericIPAddressField(protocol="IPv4", null=True, blank=True)
    access_ip_v6 = models.GenericIPAddressField(protocol="IPv6", null=True, blank=True)
    availability_zone = models.CharField(max_length=255, null=True, blank=True)
    root_device_name = models.CharField(max_length=255, null=True, blank=True)
    os_type = models.CharField(max_length=255, null=True, blank=True)
    architecture = models.CharField(max_length=255, null=True, blank=True)
    vm_mode = models.CharField(max_length=255, null=True, blank=True)
    auto_disk_config = models.BooleanField(default=False)
    trusted_certs = models.JSONField(null=True, blank=True)
    numa_topology = models.JSONField(null=True, blank=True)
    pci_requests = models.JSONField(default=list, blank=True)

    locked = models.BooleanField(default=False)
    locked_by = models.CharField(max_length=16, null=True, blank=True)
    locked_reason = models.CharField(max_length=255, null=True, blank=True)

    host = models.CharField(max_length=255, null=True, blank=True)
    node = models.CharField(max_length=255, null=True, blank=True)
    network_info = models.JSONField(default=list, blank=True)
    """The NICs: list of port_id, network_id, label, mac, addresses (list of address,
    version),
    security_groups (names), tag."""

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    launched_at = models.DateTimeField(null=True, blank=True)
    terminated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    soft_deleted_at = models.DateTimeField(null=True, blank=True)
    """Since when the server can only be restored; while it is set, no quota counts the server."""

    objects = InstanceQuerySet.as_manager()

    class Meta:
        verbose_name = "server"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="servers_instance_deleted_has_time",
                condition=Q(vm_state="deleted", deleted_at__isnull=False)
                | (~Q(vm_state="deleted") & Q(deleted_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="servers_instance_soft_deleted_is_out",
                condition=Q(soft_deleted_at__isnull=True)
                | Q(vm_state__in=("soft-delete", "deleted")),
            ),
            models.CheckConstraint(
                name="servers_instance_active_has_host",
                condition=~Q(vm_state="active") | Q(host__isnull=False),
            ),
        ]
        indexes = [  # pages are read in the order of an index, so that nothing is sorted
            models.Index(
                fields=["project", "-created_at", "-id"],
                condition=Q(deleted_at__isnull=True),
                name="servers_instance_page",
            ),
            models.Index(
                fields=["project", "vm_state", "-created_at", "-id"],
                condition=Q(deleted_at__isnull=True),
                name="servers_instance_state_page",
            ),
            # Only lists of all projects have the condition that keys are above 0
            # (``in_all_projects``). Without it PostgreSQL would use the next two for lists of a
            # large project as well, which is slow if its servers are old.
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(deleted_at__isnull=True, id__gt=0),
                name="servers_instance_all_page",
            ),
            models.Index(
                fields=["vm_state", "-created_at", "-id"],
                condition=Q(deleted_at__isnull=True, id__gt=0) & ~Q(vm_state="active"),
                name="servers_instance_rare_page",
            ),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(deleted_at__isnull=False) | Q(vm_state="soft-delete"),
                name="servers_instance_gone_page",
            ),
            models.Index(
                fields=["project", "display_name", "id"],
                condition=Q(deleted_at__isnull=True),
                name="servers_instance_name",
            ),
            models.Index(fields=["project", "uuid"], name="servers_instance_usage"),
            models.Index(fields=["project", "updated_at"], name="servers_instance_changed"),
            models.Index(fields=["user"], name="servers_instance_user"),
            models.Index(fields=["reservation_id"], name="servers_instance_order"),
            models.Index(
                fields=["host"],
                condition=Q(deleted_at__isnull=True),
                name="servers_instance_host",
            ),
            models.Index(
                fields=["vm_state", "created_at"],
                condition=Q(deleted_at__isnull=True),
                name="servers_instance_state",
            ),
            models.Index(fields=["flavor_record", "deleted_at"], name="servers_instance_flavor"),
            models.Index(
                fields=["task_state"],
                condition=Q(deleted_at__isnull=True, task_state__isnull=False),
                name="servers_instance_busy",
            ),
            models.Index(
                fields=["host"],
                condition=Q(deleted_at__isnull=True, task_state__isnull=False),
                name="servers_instance_busy_host",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def status(self) -> str:
        """The status that clients see."""
        return status_of(self.vm_state, self.task_state)

    @property
    def instance_name(self) -> str:
        """The name of the guest on its host."""
        return f"instance-{self.pk:08x}"
