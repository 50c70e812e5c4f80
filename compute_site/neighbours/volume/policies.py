"""The policy rules of volumes, named and granted by default as in Cinder.

The project that counts is the one that the volume or snapshot belongs to.
"""

from __future__ import annotations

from collections.abc import Callable

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

CREATE = "volume:create"
CREATE_FROM_IMAGE = "volume:create_from_image"
MULTIATTACH = "volume:multiattach"
LIST = "volume:get_all"
SHOW = "volume:get"
SHOW_PROJECT = "volume_extension:volume_tenant_attribute"
SHOW_IMAGE = "volume_extension:volume_image_metadata:show"
UPDATE = "volume:update"
DELETE = "volume:delete"
EXTEND = "volume:extend"
RESET_STATUS = "volume_extension:volume_admin_actions:reset_status"
REIMAGE = "volume:reimage"
CREATE_ATTACHMENT = "volume:attachment_create"
BEGIN_DETACHING = "volume_extension:volume_actions:begin_detaching"
CREATE_SNAPSHOT = "volume:create_snapshot"
LIST_SNAPSHOTS = "volume:get_all_snapshots"
SHOW_SNAPSHOT = "volume:get_snapshot"
SHOW_SNAPSHOT_PROJECT = "volume_extension:extended_snapshot_attributes"
UPDATE_SNAPSHOT = "volume:update_snapshot"
DELETE_SNAPSHOT = "volume:delete_snapshot"
LIST_TYPES = "volume_extension:type_get_all"
SHOW_TYPE = "volume_extension:type_get"
SHOW_QUOTA = "volume_extension:quotas:show"
UPDATE_QUOTA = "volume_extension:quotas:update"
DELETE_QUOTA = "volume_extension:quotas:delete"
SHOW_USED_LIMITS = "limits_extension:used_limits"

VOLUMES = "/volume/v3/volumes"
VOLUME = f"{VOLUMES}/{{volume_id}}"
ACTION = f"POST {VOLUME}/action"
SNAPSHOTS = "/volume/v3/snapshots"
SNAPSHOT = f"{SNAPSHOTS}/{{snapshot_id}}"
TYPES = "/volume/v3/types"
QUOTA = "/volume/v3/os-quota-sets/{project_id}"
SERVERS = "POST /servers"
ATTACHMENTS = "/servers/{server_id}/os-volume_attachments"


def _rules(noun: str) -> Callable[..., Rule]:
    def rule(name: str, role: Role, description: str, *operations: str) -> Rule:
        return Rule(name, role, description, operations, noun=noun)

    return rule


volume, snapshot, kind, quota = (
    _rules(noun) for noun in ("volume", "volume snapshot", "volume type", "volume quota")
)

declare(
    volume(CREATE, Role.MEMBER, "Make a volume.", f"POST {VOLUMES}", SERVERS),
    volume(CREATE_FROM_IMAGE, Role.MEMBER, "Make one of an image.", f"POST {VOLUMES}", SERVERS),
    volume(MULTIATTACH, Role.MEMBER, "Make one that servers share.", f"POST {VOLUMES}"),
    volume(LIST, Role.READER, "List volumes.", f"GET {VOLUMES}"),
    volume(SHOW, Role.READER, "Show and use a volume.", f"GET {VOLUME}", SERVERS),
    volume(SHOW_PROJECT, Role.READER, "See the project of a volume.", f"GET {VOLUME}"),
    volume(SHOW_IMAGE, Role.READER, "See the image of a volume.", f"GET {VOLUME}"),
    volume(UPDATE, Role.MEMBER, "Change one.", f"PUT {VOLUME}", f"{ACTION} (os-set_bootable)"),
    volume(DELETE, Role.MEMBER, "Delete a volume.", f"DELETE {VOLUME}"),
    volume(EXTEND, Role.MEMBER, "Make a volume larger.", f"{ACTION} (os-extend)"),
    volume(RESET_STATUS, Role.ADMIN, "Set its status.", f"{ACTION} (os-reset_status)"),
    volume(
        *(CREATE_ATTACHMENT, Role.MEMBER, "Reserve a volume for a server."),
        *(f"POST {ATTACHMENTS}", SERVERS),
    ),
    volume(
        *(BEGIN_DETACHING, Role.MEMBER, "Take a volume from a server."),
        *(f"DELETE {ATTACHMENTS}/{{volume_id}}", f"PUT {ATTACHMENTS}/{{volume_id}}"),
    ),
    volume(
        *(REIMAGE, Role.MEMBER, "Write an image over a volume."),
        "POST /servers/{server_id}/action (rebuild)",
    ),
    snapshot(
        *(CREATE_SNAPSHOT, Role.MEMBER, "Make a snapshot, also for an image of a server."),
        *(f"POST {SNAPSHOTS}", "POST /servers/{server_id}/action (createImage)"),
    ),
    snapshot(LIST_SNAPSHOTS, Role.READER, "List snapshots.", f"GET {SNAPSHOTS}"),
    snapshot(SHOW_SNAPSHOT, Role.READER, "Show and use one.", f"GET {SNAPSHOT}", SERVERS),
    snapshot(SHOW_SNAPSHOT_PROJECT, Role.READER, "See its project.", f"GET {SNAPSHOT}"),
    snapshot(UPDATE_SNAPSHOT, Role.MEMBER, "Change a snapshot.", f"PUT {SNAPSHOT}"),
    snapshot(DELETE_SNAPSHOT, Role.MEMBER, "Delete a snapshot.", f"DELETE {SNAPSHOT}"),
    kind(LIST_TYPES, Role.READER, "List volume types.", f"GET {TYPES}"),
    kind(SHOW_TYPE, Role.READER, "Show and use one.", f"GET {TYPES}/{{type_id}}", SERVERS),
    quota(SHOW_QUOTA, Role.READER, "See the volume quotas of a project.", f"GET {QUOTA}"),
    quota(UPDATE_QUOTA, Role.ADMIN, "Set the volume quotas of a project.", f"PUT {QUOTA}"),
    quota(DELETE_QUOTA, Role.ADMIN, "Go back to the default ones.", f"DELETE {QUOTA}"),
    quota(SHOW_USED_LIMITS, Role.READER, "See what is used.", "GET /volume/v3/limits"),
)
