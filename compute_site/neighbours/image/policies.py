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

TASKS = rule(
    "tasks_api_access",
    Role.ADMIN,
    "See tasks of images, and import images by them.",
    ("GET /image/v2/tasks", "GET /image/v2/tasks/{task_id}", "POST /image/v2/tasks"),
    noun="image",
)

NAMESPACES = "/image/v2/metadefs/namespaces"
NAMESPACE = f"{NAMESPACES}/{{namespace}}"


def _metadef(name: str, role: Role, description: str, *operations: str) -> str:
    return rule(name, role, description, operations, noun="definition of metadata")


LIST_NAMESPACES = _metadef(
    *("get_metadef_namespaces", Role.READER, "List namespaces of definitions of metadata."),
    f"GET {NAMESPACES}",
)
SHOW_NAMESPACE = _metadef(
    *("get_metadef_namespace", Role.READER, "Show a namespace of definitions of metadata."),
    f"GET {NAMESPACE}",
)
ADD_NAMESPACE = _metadef(
    *("add_metadef_namespace", Role.ADMIN, "Make a namespace of definitions of metadata."),
    f"POST {NAMESPACES}",
)
MODIFY_NAMESPACE = _metadef(
    *("modify_metadef_namespace", Role.ADMIN, "Change a namespace."),
    f"PUT {NAMESPACE}",
)
DELETE_NAMESPACE = _metadef(
    *("delete_metadef_namespace", Role.ADMIN, "Delete a namespace, or all of a kind in it."),
    *(f"DELETE {NAMESPACE}", f"DELETE {NAMESPACE}/objects"),
    *(f"DELETE {NAMESPACE}/properties", f"DELETE {NAMESPACE}/tags"),
)
LIST_METADEF_OBJECTS = _metadef(
    *("get_metadef_objects", Role.READER, "List the objects of a namespace."),
    *(f"GET {NAMESPACE}/objects", f"GET {NAMESPACE}"),
)
SHOW_METADEF_OBJECT = _metadef(
    *("get_metadef_object", Role.READER, "Show an object of a namespace."),
    f"GET {NAMESPACE}/objects/{{definition}}",
)
ADD_METADEF_OBJECT = _metadef(
    *("add_metadef_object", Role.ADMIN, "Make an object of a namespace."),
    f"POST {NAMESPACE}/objects",
)
MODIFY_METADEF_OBJECT = _metadef(
    *("modify_metadef_object", Role.ADMIN, "Change an object of a namespace."),
    f"PUT {NAMESPACE}/objects/{{definition}}",
)
DELETE_METADEF_OBJECT = _metadef(
    *("delete_metadef_object", Role.ADMIN, "Delete an object of a namespace."),
    f"DELETE {NAMESPACE}/objects/{{definition}}",
)
LIST_METADEF_PROPERTIES = _metadef(
    *("get_metadef_properties", Role.READER, "List the properties of a namespace."),
    *(f"GET {NAMESPACE}/properties", f"GET {NAMESPACE}"),
)
SHOW_METADEF_PROPERTY = _metadef(
    *("get_metadef_property", Role.READER, "Show a property of a namespace."),
    f"GET {NAMESPACE}/properties/{{definition}}",
)
ADD_METADEF_PROPERTY = _metadef(
    *("add_metadef_property", Role.ADMIN, "Make a property of a namespace."),
    f"POST {NAMESPACE}/properties",
)
MODIFY_METADEF_PROPERTY = _metadef(
    *("modify_metadef_property", Role.ADMIN, "Change a property of a namespace."),
    f"PUT {NAMESPACE}/properties/{{definition}}",
)
REMOVE_METADEF_PROPERTY = _metadef(
    *("remove_metadef_property", Role.ADMIN, "Delete a property of a namespace."),
    f"DELETE {NAMESPACE}/properties/{{definition}}",
)
LIST_METADEF_TAGS = _metadef(
    *("get_metadef_tags", Role.READER, "List the tags of a namespace."),
    *(f"GET {NAMESPACE}/tags", f"GET {NAMESPACE}"),
)
SHOW_METADEF_TAG = _metadef(
    *("get_metadef_tag", Role.READER, "Show a tag of a namespace."),
    f"GET {NAMESPACE}/tags/{{definition}}",
)
ADD_METADEF_TAG = _metadef(
    *("add_metadef_tag", Role.ADMIN, "Make a tag of a namespace."),
    f"POST {NAMESPACE}/tags/{{definition}}",
)
ADD_METADEF_TAGS = _metadef(
    *("add_metadef_tags", Role.ADMIN, "Set the tags of a namespace."),
    f"POST {NAMESPACE}/tags",
)
MODIFY_METADEF_TAG = _metadef(
    *("modify_metadef_tag", Role.ADMIN, "Change a tag of a namespace."),
    f"PUT {NAMESPACE}/tags/{{definition}}",
)
DELETE_METADEF_TAG = _metadef(
    *("delete_metadef_tag", Role.ADMIN, "Delete a tag of a namespace."),
    f"DELETE {NAMESPACE}/tags/{{definition}}",
)
DELETE_METADEF_TAGS = _metadef(
    *("delete_metadef_tags", Role.ADMIN, "Delete all tags of a namespace."),
    f"DELETE {NAMESPACE}/tags",
)
LIST_RESOURCE_TYPES = _metadef(
    *("list_metadef_resource_types", Role.READER, "List resource types, also of a namespace."),
    *("GET /image/v2/metadefs/resource_types", f"GET {NAMESPACE}/resource_types"),
    *(f"GET {NAMESPACES}", f"GET {NAMESPACE}"),
)
SHOW_RESOURCE_TYPE = _metadef(
    *("get_metadef_resource_type", Role.READER, "Find the prefix that a type has in a namespace."),
    *(f"GET {NAMESPACE}/resource_types", f"GET {NAMESPACE}/properties/{{definition}}"),
)
ADD_RESOURCE_TYPE = _metadef(
    *("add_metadef_resource_type_association", Role.ADMIN, "Say what a namespace is for."),
    f"POST {NAMESPACE}/resource_types",
)
REMOVE_RESOURCE_TYPE = _metadef(
    *("remove_metadef_resource_type_association", Role.ADMIN, "End what a namespace is for."),
    f"DELETE {NAMESPACE}/resource_types/{{resource_type}}",
)
