"""The policy rules of images, named and granted by default as in Glance.

A rule must be granted in the image's project. An image's visibility decides who sees it.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

ADD = rule(
    "add_image",
    Role.MEMBER,
    "Make an image, also of a server.",
    (
        "POST /image/v2/images",
        "POST /servers/{server_id}/action (createImage, createBackup, shelve)",
    ),
    noun="image",
)
LIST = rule(
    "get_images", Role.READER, "List images.", ("GET /image/v2/images", "GET /images"), noun="image"
)
SHOW = rule(
    "get_image",
    Role.READER,
    "Show and use an image.",
    ("GET /image/v2/images/{image_id}", "GET /images/{image_id}"),
    noun="image",
)
MODIFY = rule(
    "modify_image",
    Role.MEMBER,
    "Change an image and its properties.",
    (
        "PATCH /image/v2/images/{image_id}",
        "PUT /image/v2/images/{image_id}/tags/{tag}",
        "DELETE /image/v2/images/{image_id}/tags/{tag}",
        "POST /images/{image_id}/metadata",
        "PUT /images/{image_id}/metadata",
        "DELETE /images/{image_id}/metadata/{key}",
    ),
    noun="image",
)
PUBLICIZE = rule(
    "publicize_image",
    Role.ADMIN,
    "Show an image to everyone.",
    ("POST /image/v2/images", "PATCH /image/v2/images/{image_id}"),
    noun="image",
)
COMMUNITIZE = rule(
    "communitize_image",
    Role.MEMBER,
    "Let everyone use an image without listing it.",
    ("POST /image/v2/images", "PATCH /image/v2/images/{image_id}"),
    noun="image",
)
UPLOAD = rule(
    "upload_image",
    Role.MEMBER,
    "Upload the data of an image.",
    (
        "PUT /image/v2/images/{image_id}/file",
        "PUT /image/v2/images/{image_id}/stage",
        "POST /image/v2/images/{image_id}/import",
    ),
    noun="image",
)
DOWNLOAD = rule(
    "download_image",
    Role.MEMBER,
    "Download the data of an image.",
    ("GET /image/v2/images/{image_id}/file",),
    noun="image",
)
DELETE = rule(
    "delete_image",
    Role.MEMBER,
    "Delete an image.",
    (
        "DELETE /image/v2/images/{image_id}",
        "DELETE /images/{image_id}",
        "POST /servers/{server_id}/action (createBackup)",
    ),
    noun="image",
)
DEACTIVATE = rule(
    "deactivate",
    Role.MEMBER,
    "Lock the data of an image.",
    ("POST /image/v2/images/{image_id}/actions/deactivate",),
    noun="image",
)
REACTIVATE = rule(
    "reactivate",
    Role.MEMBER,
    "Unlock the data of an image.",
    ("POST /image/v2/images/{image_id}/actions/reactivate",),
    noun="image",
)
LIST_MEMBERS = rule(
    "get_members",
    Role.READER,
    "List the members of an image.",
    (
        "GET /image/v2/images/{image_id}/members",
        "GET /image/v2/images/{image_id}/members/{member_id}",
    ),
    noun="image",
)
ADD_MEMBER = rule(
    "add_member",
    Role.MEMBER,
    "Share an image with a project.",
    ("POST /image/v2/images/{image_id}/members",),
    noun="image",
)
MODIFY_MEMBER = rule(
    "modify_member",
    Role.MEMBER,
    "Accept or reject an image that another project shares.",
    ("PUT /image/v2/images/{image_id}/members/{member_id}",),
    noun="image",
)
DELETE_MEMBER = rule(
    "delete_member",
    Role.MEMBER,
    "Share an image with a project no longer.",
    ("DELETE /image/v2/images/{image_id}/members/{member_id}",),
    noun="image",
)
