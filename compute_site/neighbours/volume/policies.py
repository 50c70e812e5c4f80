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
SHOW_HOST = rule(
    "volume_extension:volume_host_attribute",
    Role.ADMIN,
    "See where a volume is kept.",
    ("GET /volume/v3/volumes/{volume_id}",),
    noun="volume",
)
SHOW_MIGRATION = rule(
    "volume_extension:volume_mig_status_attribute",
    Role.ADMIN,
    "See whether a volume is being moved.",
    ("GET /volume/v3/volumes/{volume_id}",),
    noun="volume",
)
FORCE_DELETE_BY_QUERY = rule(
    "volume:force_delete",
    Role.ADMIN,
    "Delete a volume whatever its status is, by the parameter force.",
    ("DELETE /volume/v3/volumes/{volume_id}",),
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
UNMANAGE = rule(
    "volume_extension:volume_unmanage",
    Role.ADMIN,
    "Give up a volume, and leave what it holds in the store.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-unmanage)",),
    noun="volume",
)
MANAGE = rule(
    "volume_extension:volume_manage",
    Role.ADMIN,
    "Make a volume of what the store has kept of one.",
    ("POST /volume/v3/manageable_volumes",),
    noun="volume",
)
LIST_MANAGEABLE = rule(
    "volume_extension:list_manageable",
    Role.ADMIN,
    "List what the store has kept of volumes.",
    ("GET /volume/v3/manageable_volumes", "GET /volume/v3/manageable_volumes/detail"),
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
    (
        "POST /servers/{server_id}/action (rebuild)",
        "POST /volume/v3/volumes/{volume_id}/action (os-reimage)",
    ),
    noun="volume",
)
CREATE_ATTACHMENT = rule(
    "volume:attachment_create",
    Role.MEMBER,
    "Reserve a volume for a server.",
    (
        "POST /servers/{server_id}/os-volume_attachments",
        "POST /servers",
        "POST /volume/v3/attachments",
    ),
    noun="volume",
)
UPDATE_ATTACHMENT = rule(
    "volume:attachment_update",
    Role.MEMBER,
    "Connect a reserved volume to a host, and see how it is connected.",
    ("PUT /volume/v3/attachments/{attachment_id}",),
    noun="volume",
)
DELETE_ATTACHMENT = rule(
    "volume:attachment_delete",
    Role.MEMBER,
    "Delete an attachment of a volume.",
    ("DELETE /volume/v3/attachments/{attachment_id}",),
    noun="volume",
)
COMPLETE_ATTACHMENT = rule(
    "volume:attachment_complete",
    Role.MEMBER,
    "Say that a volume is attached.",
    ("POST /volume/v3/attachments/{attachment_id}/action (os-complete)",),
    noun="volume",
)
MULTIATTACH_BOOTABLE = rule(
    "volume:multiattach_bootable_volume",
    Role.MEMBER,
    "Reserve a bootable volume that others have.",
    ("POST /volume/v3/attachments",),
    noun="volume",
)
ATTACH = rule(
    "volume_extension:volume_actions:attach",
    Role.MEMBER,
    "Note that a volume is attached.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-attach)",),
    noun="volume",
)
DETACH = rule(
    "volume_extension:volume_actions:detach",
    Role.MEMBER,
    "Note that a volume is detached.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-detach)",),
    noun="volume",
)
RESERVE = rule(
    "volume_extension:volume_actions:reserve",
    Role.MEMBER,
    "Mark a volume as being attached.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-reserve)",),
    noun="volume",
)
UNRESERVE = rule(
    "volume_extension:volume_actions:unreserve",
    Role.MEMBER,
    "Take back the mark that a volume is being attached.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-unreserve)",),
    noun="volume",
)
ROLL_DETACHING = rule(
    "volume_extension:volume_actions:roll_detaching",
    Role.MEMBER,
    "Take back the mark that a volume is being detached.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-roll_detaching)",),
    noun="volume",
)
FORCE_DETACH = rule(
    "volume_extension:volume_admin_actions:force_detach",
    Role.ADMIN,
    "Note that a volume is detached, whatever its status is.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-force_detach)",),
    noun="volume",
)
EXTEND_ATTACHED = rule(
    "volume:extend_attached_volume",
    Role.MEMBER,
    "Make a volume in use larger.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-extend)",),
    noun="volume",
)
EXTEND_COMPLETE = rule(
    "volume_extension:volume_admin_actions:extend_volume_completion",
    Role.ADMIN,
    "Say that a volume in use has grown.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-extend_volume_completion)",),
    noun="volume",
)
REVERT = rule(
    "volume:revert_to_snapshot",
    Role.MEMBER,
    "Give a volume the bytes of its newest snapshot.",
    ("POST /volume/v3/volumes/{volume_id}/action (revert)",),
    noun="volume",
)
REIMAGE_RESERVED = rule(
    "volume:reimage_reserved",
    Role.MEMBER,
    "Write an image over a reserved volume.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-reimage)",),
    noun="volume",
)
UPLOAD_PUBLIC = rule(
    "volume_extension:volume_actions:upload_public",
    Role.ADMIN,
    "Make a public image of a volume.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-volume_upload_image)",),
    noun="volume",
)
BEGIN_DETACHING = rule(
    "volume_extension:volume_actions:begin_detaching",
    Role.MEMBER,
    "Take a volume from a server.",
    (
        "DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",
        "PUT /servers/{server_id}/os-volume_attachments/{volume_id}",
        "POST /volume/v3/volumes/{volume_id}/action (os-begin_detaching)",
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

SHOW_METADATA = rule(
    "volume:get_volume_metadata",
    Role.READER,
    "See the metadata of a volume by its own URL.",
    ("GET /volume/v3/volumes/{volume_id}/metadata",),
    noun="volume",
)
UPDATE_METADATA = rule(
    "volume:update_volume_metadata",
    Role.MEMBER,
    "Set metadata of a volume.",
    (
        "POST /volume/v3/volumes/{volume_id}/metadata",
        "PUT /volume/v3/volumes/{volume_id}/metadata",
        "PUT /volume/v3/volumes/{volume_id}/metadata/{key}",
    ),
    noun="volume",
)
DELETE_METADATA = rule(
    "volume:delete_volume_metadata",
    Role.MEMBER,
    "Delete metadata of a volume.",
    ("DELETE /volume/v3/volumes/{volume_id}/metadata/{key}",),
    noun="volume",
)
SET_IMAGE = rule(
    "volume_extension:volume_image_metadata:set",
    Role.MEMBER,
    "Set what a volume knows of its image.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-set_image_metadata)",),
    noun="volume",
)
REMOVE_IMAGE = rule(
    "volume_extension:volume_image_metadata:remove",
    Role.MEMBER,
    "Delete what a volume knows of its image.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-unset_image_metadata)",),
    noun="volume",
)
UPDATE_READONLY = rule(
    "volume:update_readonly_flag",
    Role.MEMBER,
    "Mark a volume as read-only.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-update_readonly_flag)",),
    noun="volume",
)
RETYPE = rule(
    "volume:retype",
    Role.MEMBER,
    "Give a volume another type.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-retype)",),
    noun="volume",
)
UPLOAD_IMAGE = rule(
    "volume_extension:volume_actions:upload_image",
    Role.MEMBER,
    "Make an image of a volume.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-volume_upload_image)",),
    noun="volume",
)
FORCE_DELETE = rule(
    "volume_extension:volume_admin_actions:force_delete",
    Role.ADMIN,
    "Delete a volume whatever its status is.",
    ("POST /volume/v3/volumes/{volume_id}/action (os-force_delete)",),
    noun="volume",
)

SHOW_SNAPSHOT_METADATA = rule(
    "volume:get_snapshot_metadata",
    Role.READER,
    "See the metadata of a snapshot by its own URL.",
    ("GET /volume/v3/snapshots/{snapshot_id}/metadata",),
    noun="volume snapshot",
)
UPDATE_SNAPSHOT_METADATA = rule(
    "volume:update_snapshot_metadata",
    Role.MEMBER,
    "Set metadata of a snapshot.",
    (
        "POST /volume/v3/snapshots/{snapshot_id}/metadata",
        "PUT /volume/v3/snapshots/{snapshot_id}/metadata",
        "PUT /volume/v3/snapshots/{snapshot_id}/metadata/{key}",
    ),
    noun="volume snapshot",
)
DELETE_SNAPSHOT_METADATA = rule(
    "volume:delete_snapshot_metadata",
    Role.MEMBER,
    "Delete metadata of a snapshot.",
    ("DELETE /volume/v3/snapshots/{snapshot_id}/metadata/{key}",),
    noun="volume snapshot",
)
RESET_SNAPSHOT = rule(
    "volume_extension:snapshot_admin_actions:reset_status",
    Role.ADMIN,
    "Set the status of a snapshot.",
    ("POST /volume/v3/snapshots/{snapshot_id}/action (os-reset_status)",),
    noun="volume snapshot",
)
UPDATE_SNAPSHOT_STATUS = rule(
    "snapshot_extension:snapshot_actions:update_snapshot_status",
    Role.MEMBER,
    "Tell that a snapshot has been made or deleted.",
    ("POST /volume/v3/snapshots/{snapshot_id}/action (os-update_snapshot_status)",),
    noun="volume snapshot",
)
FORCE_DELETE_SNAPSHOT = rule(
    "volume_extension:snapshot_admin_actions:force_delete",
    Role.ADMIN,
    "Delete a snapshot whatever its status is.",
    ("POST /volume/v3/snapshots/{snapshot_id}/action (os-force_delete)",),
    noun="volume snapshot",
)

CREATE_TYPE = rule(
    "volume_extension:type_create",
    Role.ADMIN,
    "Make volume types.",
    ("POST /volume/v3/types",),
    noun="volume type",
)
UPDATE_TYPE = rule(
    "volume_extension:type_update",
    Role.ADMIN,
    "Change volume types.",
    ("PUT /volume/v3/types/{type_id}",),
    noun="volume type",
)
DELETE_TYPE = rule(
    "volume_extension:type_delete",
    Role.ADMIN,
    "Delete volume types.",
    ("DELETE /volume/v3/types/{type_id}",),
    noun="volume type",
)
SHOW_SPECS = rule(
    "volume_extension:types_extra_specs:read_sensitive",
    Role.ADMIN,
    "See all extra specs of volume types.",
    ("GET /volume/v3/types/{type_id}/extra_specs",),
    noun="volume type",
)
CREATE_SPECS = rule(
    "volume_extension:types_extra_specs:create",
    Role.ADMIN,
    "Set extra specs of volume types.",
    ("POST /volume/v3/types/{type_id}/extra_specs",),
    noun="volume type",
)
UPDATE_SPECS = rule(
    "volume_extension:types_extra_specs:update",
    Role.ADMIN,
    "Change an extra spec of volume types.",
    ("PUT /volume/v3/types/{type_id}/extra_specs/{key}",),
    noun="volume type",
)
DELETE_SPECS = rule(
    "volume_extension:types_extra_specs:delete",
    Role.ADMIN,
    "Delete an extra spec of volume types.",
    ("DELETE /volume/v3/types/{type_id}/extra_specs/{key}",),
    noun="volume type",
)
LIST_ACCESS = rule(
    "volume_extension:volume_type_access:get_all_for_type",
    Role.ADMIN,
    "See who may use a volume type.",
    ("GET /volume/v3/types/{type_id}/os-volume-type-access",),
    noun="volume type",
)
ADD_ACCESS = rule(
    "volume_extension:volume_type_access:addProjectAccess",
    Role.ADMIN,
    "Open a volume type to a project.",
    ("POST /volume/v3/types/{type_id}/action (addProjectAccess)",),
    noun="volume type",
)
REMOVE_ACCESS = rule(
    "volume_extension:volume_type_access:removeProjectAccess",
    Role.ADMIN,
    "Close a volume type to a project.",
    ("POST /volume/v3/types/{type_id}/action (removeProjectAccess)",),
    noun="volume type",
)

LIST_SERVICES = rule(
    "volume_extension:services:index",
    Role.ADMIN,
    "List the processes of the volume service.",
    ("GET /volume/v3/os-services",),
    noun="volume service",
)
LIST_POOLS = rule(
    "scheduler_extension:scheduler_stats:get_pools",
    Role.ADMIN,
    "List the pools of volumes.",
    ("GET /volume/v3/scheduler-stats/get_pools",),
    noun="volume service",
)
UPDATE_SERVICES = rule(
    "volume_extension:services:update",
    Role.ADMIN,
    "Enable the processes of the volume service.",
    ("PUT /volume/v3/os-services/{action}",),
    noun="volume service",
)
HOSTS = rule(
    "volume_extension:hosts",
    Role.ADMIN,
    "See where volumes are kept, and how many.",
    ("GET /volume/v3/os-hosts", "GET /volume/v3/os-hosts/{host}"),
    noun="volume service",
)
CAPABILITIES = rule(
    "volume_extension:capabilities",
    Role.ADMIN,
    "See what the storage of volumes can do.",
    ("GET /volume/v3/capabilities/{host}",),
    noun="volume service",
)
SHOW_QUOTA_CLASS = rule(
    "volume_extension:quota_classes:get",
    Role.ADMIN,
    "See the default volume quotas.",
    ("GET /volume/v3/os-quota-class-sets/{quota_class}",),
    noun="volume quota",
)

LIST_DEFAULT_TYPES = rule(
    "volume_extension:default_get_all",
    Role.ADMIN,
    "See the default volume types of all projects.",
    ("GET /volume/v3/default-types",),
    noun="volume type",
)
SHOW_DEFAULT_TYPE = rule(
    "volume_extension:default_get",
    Role.ADMIN,
    "See the default volume type of a project.",
    ("GET /volume/v3/default-types/{project_id}",),
    noun="volume type",
)
SET_DEFAULT_TYPE = rule(
    "volume_extension:default_set_or_update",
    Role.ADMIN,
    "Set the default volume type of a project.",
    ("PUT /volume/v3/default-types/{project_id}",),
    noun="volume type",
)
UNSET_DEFAULT_TYPE = rule(
    "volume_extension:default_unset",
    Role.ADMIN,
    "Delete the default volume type of a project.",
    ("DELETE /volume/v3/default-types/{project_id}",),
    noun="volume type",
)

CREATE_TRANSFER = rule(
    "volume:create_transfer",
    Role.MEMBER,
    "Offer a volume to another project.",
    ("POST /volume/v3/volume-transfers",),
    noun="volume",
)
LIST_TRANSFERS = rule(
    "volume:get_all_transfers",
    Role.READER,
    "List the volumes on offer.",
    ("GET /volume/v3/volume-transfers",),
    noun="volume",
)
SHOW_TRANSFER = rule(
    "volume:get_transfer",
    Role.READER,
    "Show a volume on offer.",
    ("GET /volume/v3/volume-transfers/{transfer_id}",),
    noun="volume",
)
ACCEPT_TRANSFER = rule(
    "volume:accept_transfer",
    Role.MEMBER,
    "Take a volume that is on offer.",
    ("POST /volume/v3/volume-transfers/{transfer_id}/accept",),
    noun="volume",
)
DELETE_TRANSFER = rule(
    "volume:delete_transfer",
    Role.MEMBER,
    "Take back the offer of a volume.",
    ("DELETE /volume/v3/volume-transfers/{transfer_id}",),
    noun="volume",
)

LIST_QOS = rule(
    "volume_extension:qos_specs_manage:get_all",
    Role.ADMIN,
    "List QoS specs, and the volume types that have them.",
    ("GET /volume/v3/qos-specs", "GET /volume/v3/qos-specs/{qos_id}/associations"),
    noun="QoS specs",
)
SHOW_QOS = rule(
    "volume_extension:qos_specs_manage:get",
    Role.ADMIN,
    "Show QoS specs.",
    ("GET /volume/v3/qos-specs/{qos_id}",),
    noun="QoS specs",
)
CREATE_QOS = rule(
    "volume_extension:qos_specs_manage:create",
    Role.ADMIN,
    "Make QoS specs.",
    ("POST /volume/v3/qos-specs",),
    noun="QoS specs",
)
UPDATE_QOS = rule(
    "volume_extension:qos_specs_manage:update",
    Role.ADMIN,
    "Set keys of QoS specs, and say which volume types have them.",
    (
        "PUT /volume/v3/qos-specs/{qos_id}",
        "GET /volume/v3/qos-specs/{qos_id}/associate",
        "GET /volume/v3/qos-specs/{qos_id}/disassociate",
        "GET /volume/v3/qos-specs/{qos_id}/disassociate_all",
    ),
    noun="QoS specs",
)
DELETE_QOS = rule(
    "volume_extension:qos_specs_manage:delete",
    Role.ADMIN,
    "Delete QoS specs or keys of them.",
    ("DELETE /volume/v3/qos-specs/{qos_id}", "PUT /volume/v3/qos-specs/{qos_id}/delete_keys"),
    noun="QoS specs",
)
CREATE_ENCRYPTION = rule(
    "volume_extension:volume_type_encryption:create",
    Role.ADMIN,
    "Say how volumes of a type are encrypted.",
    ("POST /volume/v3/types/{type_id}/encryption",),
    noun="volume type",
)
SHOW_ENCRYPTION = rule(
    "volume_extension:volume_type_encryption:get",
    Role.ADMIN,
    "See how volumes of a type are encrypted.",
    (
        "GET /volume/v3/types/{type_id}/encryption",
        "GET /volume/v3/types/{type_id}/encryption/{key}",
    ),
    noun="volume type",
)
UPDATE_ENCRYPTION = rule(
    "volume_extension:volume_type_encryption:update",
    Role.ADMIN,
    "Change how volumes of a type are encrypted.",
    ("PUT /volume/v3/types/{type_id}/encryption/{encryption_id}",),
    noun="volume type",
)
DELETE_ENCRYPTION = rule(
    "volume_extension:volume_type_encryption:delete",
    Role.ADMIN,
    "Say no more how volumes of a type are encrypted.",
    ("DELETE /volume/v3/types/{type_id}/encryption/{encryption_id}",),
    noun="volume type",
)
SHOW_VOLUME_ENCRYPTION = rule(
    "volume_extension:volume_encryption_metadata",
    Role.READER,
    "See whether a volume is encrypted.",
    ("GET /volume/v3/volumes/{volume_id}/encryption",),
    noun="volume",
)
LIST_MESSAGES = rule(
    "message:get_all",
    Role.READER,
    "List what users are told of work that failed.",
    ("GET /volume/v3/messages",),
    noun="message",
)
SHOW_MESSAGE = rule(
    "message:get",
    Role.READER,
    "Show what users are told of work that failed.",
    ("GET /volume/v3/messages/{message_id}",),
    noun="message",
)
DELETE_MESSAGE = rule(
    "message:delete",
    Role.MEMBER,
    "Delete what users are told of work that failed.",
    ("DELETE /volume/v3/messages/{message_id}",),
    noun="message",
)

LIST_BACKUPS = rule(
    "backup:get_all", Role.READER, "List backups.", ("GET /volume/v3/backups",), noun="backup"
)
SHOW_BACKUP = rule(
    "backup:get",
    Role.READER,
    "Show a backup.",
    ("GET /volume/v3/backups/{backup_id}",),
    noun="backup",
)
SHOW_BACKUP_OWNER = rule(
    "backup:backup_project_attribute",
    Role.ADMIN,
    "See whose a backup is.",
    ("GET /volume/v3/backups/{backup_id}",),
    noun="backup",
)
CREATE_BACKUP = rule(
    "backup:create",
    Role.MEMBER,
    "Make a backup of a volume.",
    ("POST /volume/v3/backups",),
    noun="backup",
)
UPDATE_BACKUP = rule(
    "backup:update",
    Role.MEMBER,
    "Change a backup.",
    ("PUT /volume/v3/backups/{backup_id}",),
    noun="backup",
)
DELETE_BACKUP = rule(
    "backup:delete",
    Role.MEMBER,
    "Delete a backup.",
    ("DELETE /volume/v3/backups/{backup_id}",),
    noun="backup",
)
RESTORE_BACKUP = rule(
    "backup:restore",
    Role.MEMBER,
    "Make or overwrite a volume with a backup.",
    ("POST /volume/v3/backups/{backup_id}/restore",),
    noun="backup",
)
RESET_BACKUP = rule(
    "volume_extension:backup_admin_actions:reset_status",
    Role.ADMIN,
    "Set the status of a backup.",
    ("POST /volume/v3/backups/{backup_id}/action (os-reset_status)",),
    noun="backup",
)
FORCE_DELETE_BACKUP = rule(
    "volume_extension:backup_admin_actions:force_delete",
    Role.ADMIN,
    "Delete a backup whatever its status is.",
    ("POST /volume/v3/backups/{backup_id}/action (os-force_delete)",),
    noun="backup",
)
EXPORT_BACKUP = rule(
    "backup:export-import",
    Role.ADMIN,
    "See the record of a backup.",
    ("GET /volume/v3/backups/{backup_id}/export_record",),
    noun="backup",
)
IMPORT_BACKUP = rule(
    "backup:backup-import",
    Role.ADMIN,
    "Make a backup of a record.",
    ("POST /volume/v3/backups/import_record",),
    noun="backup",
)
CREATE_GROUP = rule(
    "group:create",
    Role.MEMBER,
    "Make a group of volumes.",
    (
        "POST /volume/v3/groups",
        "POST /volume/v3/groups/action (create-from-src)",
    ),
    noun="group of volumes",
)
LIST_GROUPS = rule(
    "group:get_all",
    Role.READER,
    "List groups of volumes.",
    ("GET /volume/v3/groups",),
    noun="group of volumes",
)
SHOW_GROUP = rule(
    "group:get",
    Role.READER,
    "Show a group of volumes.",
    ("GET /volume/v3/groups/{group_id}",),
    noun="group of volumes",
)
SHOW_GROUP_PROJECT = rule(
    "group:group_project_attribute",
    Role.ADMIN,
    "See whose a group of volumes is.",
    ("GET /volume/v3/groups/{group_id}",),
    noun="group of volumes",
)
UPDATE_GROUP = rule(
    "group:update",
    Role.MEMBER,
    "Change a group of volumes.",
    ("PUT /volume/v3/groups/{group_id}",),
    noun="group of volumes",
)
DELETE_GROUP = rule(
    "group:delete",
    Role.MEMBER,
    "Delete a group of volumes.",
    ("POST /volume/v3/groups/{group_id}/action (delete)",),
    noun="group of volumes",
)
RESET_GROUP = rule(
    "group:reset_status",
    Role.ADMIN,
    "Set the status of a group of volumes.",
    ("POST /volume/v3/groups/{group_id}/action (reset_status)",),
    noun="group of volumes",
)
CREATE_GROUP_SNAPSHOT = rule(
    "group:create_group_snapshot",
    Role.MEMBER,
    "Make snapshots of all volumes of a group.",
    ("POST /volume/v3/group_snapshots",),
    noun="group snapshot",
)
LIST_GROUP_SNAPSHOTS = rule(
    "group:get_all_group_snapshots",
    Role.READER,
    "List snapshots of groups.",
    ("GET /volume/v3/group_snapshots",),
    noun="group snapshot",
)
SHOW_GROUP_SNAPSHOT = rule(
    "group:get_group_snapshot",
    Role.READER,
    "Show the snapshot of a group.",
    ("GET /volume/v3/group_snapshots/{group_snapshot_id}",),
    noun="group snapshot",
)
SHOW_GROUP_SNAPSHOT_PROJECT = rule(
    "group:group_snapshot_project_attribute",
    Role.ADMIN,
    "See whose the snapshot of a group is.",
    ("GET /volume/v3/group_snapshots/{group_snapshot_id}",),
    noun="group snapshot",
)
DELETE_GROUP_SNAPSHOT = rule(
    "group:delete_group_snapshot",
    Role.MEMBER,
    "Delete the snapshot of a group.",
    ("DELETE /volume/v3/group_snapshots/{group_snapshot_id}",),
    noun="group snapshot",
)
RESET_GROUP_SNAPSHOT = rule(
    "group:reset_group_snapshot_status",
    Role.ADMIN,
    "Set the status of the snapshot of a group.",
    ("POST /volume/v3/group_snapshots/{group_snapshot_id}/action (reset_status)",),
    noun="group snapshot",
)
CREATE_GROUP_TYPE = rule(
    "group:group_types:create",
    Role.ADMIN,
    "Make a group type.",
    ("POST /volume/v3/group_types",),
    noun="group type",
)
UPDATE_GROUP_TYPE = rule(
    "group:group_types:update",
    Role.ADMIN,
    "Change a group type.",
    ("PUT /volume/v3/group_types/{group_type_id}",),
    noun="group type",
)
DELETE_GROUP_TYPE = rule(
    "group:group_types:delete",
    Role.ADMIN,
    "Delete a group type.",
    ("DELETE /volume/v3/group_types/{group_type_id}",),
    noun="group type",
)
SHOW_GROUP_SPECS = rule(
    "group:access_group_types_specs",
    Role.ADMIN,
    "See the specs of a group type with it.",
    ("GET /volume/v3/group_types",),
    noun="group type",
)
LIST_GROUP_SPECS = rule(
    "group:group_types_specs:get_all",
    Role.ADMIN,
    "List the specs of a group type.",
    ("GET /volume/v3/group_types/{group_type_id}/group_specs",),
    noun="group type",
)
SHOW_ONE_GROUP_SPEC = rule(
    "group:group_types_specs:get",
    Role.ADMIN,
    "Show a spec of a group type.",
    ("GET /volume/v3/group_types/{group_type_id}/group_specs/{key}",),
    noun="group type",
)
CREATE_GROUP_SPECS = rule(
    "group:group_types_specs:create",
    Role.ADMIN,
    "Set specs of a group type.",
    ("POST /volume/v3/group_types/{group_type_id}/group_specs",),
    noun="group type",
)
UPDATE_GROUP_SPECS = rule(
    "group:group_types_specs:update",
    Role.ADMIN,
    "Change a spec of a group type.",
    ("PUT /volume/v3/group_types/{group_type_id}/group_specs/{key}",),
    noun="group type",
)
DELETE_GROUP_SPECS = rule(
    "group:group_types_specs:delete",
    Role.ADMIN,
    "Delete a spec of a group type.",
    ("DELETE /volume/v3/group_types/{group_type_id}/group_specs/{key}",),
    noun="group type",
)
UPDATE_QUOTA_CLASS = rule(
    "volume_extension:quota_classes:update",
    Role.ADMIN,
    "Set the limits of volumes of all projects that have none of their own.",
    ("PUT /volume/v3/os-quota-class-sets/{quota_class}",),
    noun="quota",
)
