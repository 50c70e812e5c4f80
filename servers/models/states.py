"""The states of a server, and the status that clients see (docs/contract/after-create.md 8)."""

from __future__ import annotations

from django.db import models


class VmState(models.TextChoices):
    """The stable state of a server."""

    BUILDING = "building"
    ACTIVE = "active"
    STOPPED = "stopped"
    RESIZED = "resized"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    RESCUED = "rescued"
    ERROR = "error"
    DELETED = "deleted"
    SOFT_DELETED = "soft-delete"
    SHELVED = "shelved"
    SHELVED_OFFLOADED = "shelved_offloaded"


class TaskState(models.TextChoices):
    """The running operation on a server; null if there is none."""

    SCHEDULING = "scheduling"
    BLOCK_DEVICE_MAPPING = "block_device_mapping"
    NETWORKING = "networking"
    SPAWNING = "spawning"
    IMAGE_SNAPSHOT = "image_snapshot"
    IMAGE_SNAPSHOT_PENDING = "image_snapshot_pending"
    IMAGE_PENDING_UPLOAD = "image_pending_upload"
    IMAGE_UPLOADING = "image_uploading"
    IMAGE_BACKUP = "image_backup"
    UPDATING_PASSWORD = "updating_password"  # noqa: S105 - a state, not a secret
    RESIZE_PREP = "resize_prep"
    RESIZE_MIGRATING = "resize_migrating"
    RESIZE_MIGRATED = "resize_migrated"
    RESIZE_FINISH = "resize_finish"
    RESIZE_REVERTING = "resize_reverting"
    RESIZE_CONFIRMING = "resize_confirming"
    REBOOTING = "rebooting"
    REBOOT_PENDING = "reboot_pending"
    REBOOT_STARTED = "reboot_started"
    REBOOTING_HARD = "rebooting_hard"
    REBOOT_PENDING_HARD = "reboot_pending_hard"
    REBOOT_STARTED_HARD = "reboot_started_hard"
    PAUSING = "pausing"
    UNPAUSING = "unpausing"
    SUSPENDING = "suspending"
    RESUMING = "resuming"
    POWERING_OFF = "powering-off"
    POWERING_ON = "powering-on"
    RESCUING = "rescuing"
    UNRESCUING = "unrescuing"
    REBUILDING = "rebuilding"
    REBUILD_BLOCK_DEVICE_MAPPING = "rebuild_block_device_mapping"
    REBUILD_SPAWNING = "rebuild_spawning"
    MIGRATING = "migrating"
    DELETING = "deleting"
    SOFT_DELETING = "soft-deleting"
    RESTORING = "restoring"
    SHELVING = "shelving"
    SHELVING_IMAGE_PENDING_UPLOAD = "shelving_image_pending_upload"
    SHELVING_IMAGE_UPLOADING = "shelving_image_uploading"
    SHELVING_OFFLOADING = "shelving_offloading"
    UNSHELVING = "unshelving"


class PowerState(models.IntegerChoices):
    """What the host reports; 2 and 5 are unused."""

    NO_STATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUT_DOWN = 4
    CRASHED = 6
    SUSPENDED = 7


_RESIZING = dict.fromkeys(
    ("resize_prep", "resize_migrating", "resize_migrated", "resize_finish"), "RESIZE"
)
_REBUILDING = dict.fromkeys(
    ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning"), "REBUILD"
)
_REBOOTING = dict.fromkeys(("rebooting", "reboot_pending", "reboot_started"), "REBOOT")
_REBOOTING_HARD = dict.fromkeys(
    ("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"), "HARD_REBOOT"
)

STATUS: dict[str, tuple[str, dict[str, str]]] = {
    # vm_state: (status by default, task_state -> status)
    "building": ("BUILD", {}),
    "active": (
        "ACTIVE",
        {
            **_REBOOTING,
            **_REBOOTING_HARD,
            **_REBUILDING,
            **_RESIZING,
            "updating_password": "PASSWORD",
            "migrating": "MIGRATING",
        },
    ),
    "stopped": ("SHUTOFF", {**_RESIZING, **_REBUILDING}),
    "resized": ("VERIFY_RESIZE", {"resize_reverting": "REVERT_RESIZE"}),
    "paused": ("PAUSED", {"migrating": "MIGRATING"}),
    "suspended": ("SUSPENDED", {}),
    "rescued": ("RESCUE", {}),
    "error": ("ERROR", _REBUILDING),
    "deleted": ("DELETED", {}),
    "soft-delete": ("SOFT_DELETED", {}),
    "shelved": ("SHELVED", {}),
    "shelved_offloaded": ("SHELVED_OFFLOADED", {}),
}

PROGRESS_STATUSES = frozenset(
    ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING")
)
"""Statuses in which ``progress`` is shown."""


def status_of(vm_state: str, task_state: str | None) -> str:
    """The status that clients see."""
    default, special = STATUS.get(vm_state, ("UNKNOWN", {}))
    return special.get(task_state or "", default)
