"""The policy rules of volumes, named and granted by default as in Cinder.

A rule must be granted in the project of the volume or snapshot.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

CREATE = rule(
    "volume:create",
    Role.MEMBER,
    "Make a volume.",
    ("POST /volume/v3/volumes", "POST /servers"),
    noun="volume",
)
CREATE_FROM_IMAGE = rule(
    "volume:create_from_image",
    Role.MEMBER,
    "Make a volume of an image.",
    ("POST /volume/v3/volumes", "POST /servers"),
    noun="volume",
)
MULTIATTACH = rule(
    "volume:multiattach",
    Role.MEMBER,
    "Make a volume that servers share.",
    ("POST /volume/v3/volumes",),
    noun="volume",
)
LIST = rule(
    "volume:get_all", Role.READER, "List volumes.", ("GET /volume/v3/volumes",), noun="volume"
)
SHOW = rule(
    "volume:get",
    Role.READER,
    "Show and use a volume.",
    ("GET /volume/v3/volumes/{volume_id}", "POST /servers"),
    noun="volume",
)
SHOW_PROJECT = rule(
    "volume_extension:volume_tenant_attribute",
    Role.READER,
    "See the project of a volume.",
    ("GET /volume/v3/volumes/{volume_id}",),
    noun="volume",
)
SHOW_IMAGE = rule(
    "volume_extension:volume_image_metadata:show",
    Role.READER,
    "See the image of a volume.",
    ("GET /volume/v3/volumes/{volume_id}",),
    noun="volume",
)
UPDATE = rule(
    "volume:update",
    Role.MEMBER,
    "Change a volume.",
    (
        "PUT /volume/v3/volumes/{volume_id}",
        "POST /volume/v3/volumes/{volume_id}/action (os-set_bootable)",
    ),
    noun="volume",
)
DELETE = rule(
    "volume:delete",
    Role.MEMBER,
    "Delete a volume.",
    ("DELETE /volume/v3/volumes/{volume_id}",),
    noun="volume",
)
EXTEND = rule(
    "volume:extend",
    Role.MEMBER,
    "Make a volume larger.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-extend)",),
    noun="volume",
)
RESET_STATUS = rule(
    "volume_extension:volume_admin_actions:reset_status",
    Role.ADMIN,
    "Set the status of a volume.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-reset_status)",),
    noun="volume",
)
REIMAGE = rule(
    "volume:reimage",
    Role.MEMBER,
    "Write an image over a volume.",
    ("POST /servers/{server_id}/action (rebuild)",),
    noun="volume",
)
CREATE_ATTACHMENT = rule(
    "volume:attachment_create",
    Role.MEMBER,
    "Reserve a volume for a server.",
    ("POST /servers/{server_id}/os-volume_attachments", "POST /servers"),
    noun="volume",
)
BEGIN_DETACHING = rule(
    "volume_extension:volume_actions:begin_detaching",
    Role.MEMBER,
    "Take a volume from a server.",
    (
        "DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",
        "PUT /servers/{server_id}/os-volume_attachments/{volume_id}",
    ),
    noun="volume",
)

CREATE_SNAPSHOT = rule(
    "volume:create_snapshot",
    Role.MEMBER,
    "Make a snapshot, also for an image of a server.",
    ("POST /volume/v3/snapshots", "POST /servers/{server_id}/action (createImage)"),
    noun="volume snapshot",
)
LIST_SNAPSHOTS = rule(
    "volume:get_all_snapshots",
    Role.READER,
    "List snapshots.",
    ("GET /volume/v3/snapshots",),
    noun="volume snapshot",
)
SHOW_SNAPSHOT = rule(
    "volume:get_snapshot",
    Role.READER,
    "Show and use a snapshot.",
    ("GET /volume/v3/snapshots/{snapshot_id}", "POST /servers"),
    noun="volume snapshot",
)
SHOW_SNAPSHOT_PROJECT = rule(
    "volume_extension:extended_snapshot_attributes",
    Role.READER,
    "See the project of a snapshot.",
    ("GET /volume/v3/snapshots/{snapshot_id}",),
    noun="volume snapshot",
)
UPDATE_SNAPSHOT = rule(
    "volume:update_snapshot",
    Role.MEMBER,
    "Change a snapshot.",
    ("PUT /volume/v3/snapshots/{snapshot_id}",),
    noun="volume snapshot",
)
DELETE_SNAPSHOT = rule(
    "volume:delete_snapshot",
    Role.MEMBER,
    "Delete a snapshot.",
    ("DELETE /volume/v3/snapshots/{snapshot_id}",),
    noun="volume snapshot",
)

LIST_TYPES = rule(
    "volume_extension:type_get_all",
    Role.READER,
    "List volume types.",
    ("GET /volume/v3/types",),
    noun="volume type",
)
SHOW_TYPE = rule(
    "volume_extension:type_get",
    Role.READER,
    "Show and use a volume type.",
    ("GET /volume/v3/types/{type_id}", "POST /servers"),
    noun="volume type",
)

SHOW_QUOTA = rule(
    "volume_extension:quotas:show",
    Role.READER,
    "See the volume quotas of a project.",
    ("GET /volume/v3/os-quota-sets/{project_id}",),
    noun="volume quota",
)
UPDATE_QUOTA = rule(
    "volume_extension:quotas:update",
    Role.ADMIN,
    "Set the volume quotas of a project.",
    ("PUT /volume/v3/os-quota-sets/{project_id}",),
    noun="volume quota",
)
DELETE_QUOTA = rule(
    "volume_extension:quotas:delete",
    Role.ADMIN,
    "Go back to the default volume quotas.",
    ("DELETE /volume/v3/os-quota-sets/{project_id}",),
    noun="volume quota",
)
SHOW_USED_LIMITS = rule(
    "limits_extension:used_limits",
    Role.READER,
    "See the limits of volumes, and what is used.",
    ("GET /volume/v3/limits",),
    noun="volume quota",
)
