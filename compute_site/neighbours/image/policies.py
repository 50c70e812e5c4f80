"""The policy rules of images, named and granted by default as in Glance.

The project that counts is the image's. Who sees an image is decided by its visibility.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

ADD = "add_image"
LIST = "get_images"
SHOW = "get_image"
MODIFY = "modify_image"
PUBLICIZE = "publicize_image"
COMMUNITIZE = "communitize_image"
UPLOAD = "upload_image"
DOWNLOAD = "download_image"
DELETE = "delete_image"
DEACTIVATE = "deactivate"
REACTIVATE = "reactivate"

IMAGES = "/image/v2/images"
IMAGE = f"{IMAGES}/{{image_id}}"
ACTIONS = f"{IMAGE}/actions"
OLD = "/images/{image_id}"
"""The same of the compute API, up to 2.35 and 2.38."""
OLD_METADATA = f"{OLD}/metadata"


def _rule(name: str, role: Role, description: str, *operations: str) -> Rule:
    return Rule(name, role, description, operations, noun="image")


declare(
    _rule(
        ADD,
        Role.MEMBER,
        "Make an image, also of a server.",
        *(f"POST {IMAGES}", "POST /servers/{server_id}/action (createImage, createBackup, shelve)"),
    ),
    _rule(LIST, Role.READER, "List images.", f"GET {IMAGES}", "GET /images"),
    _rule(SHOW, Role.READER, "Show and use an image.", f"GET {IMAGE}", f"GET {OLD}"),
    _rule(
        MODIFY,
        Role.MEMBER,
        "Change an image and its properties.",
        *(f"PATCH {IMAGE}", f"POST {OLD_METADATA}", f"PUT {OLD_METADATA}"),
        f"DELETE {OLD_METADATA}/{{key}}",
    ),
    _rule(
        PUBLICIZE,
        Role.ADMIN,
        "Show an image to everyone.",
        *(f"POST {IMAGES}", f"PATCH {IMAGE}"),
    ),
    _rule(
        COMMUNITIZE,
        Role.MEMBER,
        "Let everyone use an image without listing it.",
        *(f"POST {IMAGES}", f"PATCH {IMAGE}"),
    ),
    _rule(UPLOAD, Role.MEMBER, "Upload the data of an image.", f"PUT {IMAGE}/file"),
    _rule(DOWNLOAD, Role.MEMBER, "Download the data of an image.", f"GET {IMAGE}/file"),
    _rule(
        DELETE,
        Role.MEMBER,
        "Delete an image.",
        *(f"DELETE {IMAGE}", f"DELETE {OLD}", "POST /servers/{server_id}/action (createBackup)"),
    ),
    _rule(
        DEACTIVATE, Role.MEMBER, "Lock the data of an image.", f"POST {IMAGE}/actions/deactivate"
    ),
    _rule(REACTIVATE, Role.MEMBER, "Unlock it again.", f"POST {IMAGE}/actions/reactivate"),
)
