"""Images as the image API v2 shows them."""

from __future__ import annotations

from typing import Any

from compute_site.neighbours.image.data.store import HASH_ALGORITHM, STORE
from compute_site.neighbours.image.models import Image, ImageMember, ImageTask
from compute_site.neighbours.service_view import iso

SCHEMA_PROPERTIES = {
    "id": "string",
    "name": "string",
    "status": "string",
    "visibility": "string",
    "owner": "string",
    "min_ram": "integer",
    "min_disk": "integer",
    "size": "integer",
    "virtual_size": "integer",
    "disk_format": "string",
    "container_format": "string",
    "checksum": "string",
    "os_hash_algo": "string",
    "os_hash_value": "string",
    "os_hidden": "boolean",
    "protected": "boolean",
    "tags": "array",
    "created_at": "string",
    "updated_at": "string",
    "file": "string",
    "self": "string",
    "schema": "string",
}
IMAGE_SCHEMA = {
    "name": "image",
    "properties": {name: {"type": kind} for name, kind in SCHEMA_PROPERTIES.items()},
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
MEMBER_SCHEMA = {
    "name": "member",
    "properties": {
        name: {"type": "string"}
        for name in ("member_id", "image_id", "status", "created_at", "updated_at", "schema")
    },
}
MEMBERS_SCHEMA = {
    "name": "members",
    "properties": {
        "members": {"type": "array", "items": MEMBER_SCHEMA},
        "schema": {"type": "string"},
    },
    "links": [{"rel": "describedby", "href": "{schema}"}],
}
TASK_SCHEMA = {
    "name": "task",
    "properties": {
        **{
            name: {"type": "string"}
            for name in (
                *("id", "type", "status", "owner", "message", "image_id", "request_id", "user_id"),
                *("created_at", "updated_at", "self", "schema"),
            )
        },
        "input": {"type": ["null", "object"]},
        "result": {"type": ["null", "object"]},
        "expires_at": {"type": ["null", "string"]},
    },
}
TASKS_SCHEMA = {
    "name": "tasks",
    "properties": {
        "tasks": {"type": "array", "items": TASK_SCHEMA},
        "first": {"type": "string"},
        "next": {"type": "string"},
        "schema": {"type": "string"},
    },
    "links": [
        {"rel": "first", "href": "{first}"},
        {"rel": "next", "href": "{next}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
IMAGES_SCHEMA = {
    "name": "images",
    "properties": {
        "images": {"type": "array", "items": IMAGE_SCHEMA},
        "first": {"type": "string"},
        "next": {"type": "string"},
        "schema": {"type": "string"},
    },
    "links": [
        {"rel": "first", "href": "{first}"},
        {"rel": "next", "href": "{next}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}


def show_image(image: Image) -> dict[str, Any]:
    path = f"/v2/images/{image.pk}"
    return {
        **image.properties,
        "id": str(image.pk),
        "name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "owner": image.owner_id,
        "min_ram": image.min_ram,
        "min_disk": image.min_disk,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "checksum": image.checksum,
        "os_hash_algo": image.os_hash_value and HASH_ALGORITHM,
        "os_hash_value": image.os_hash_value,
        "os_hidden": image.os_hidden,
        "protected": image.protected,
        "tags": image.tags,
        "created_at": iso(image.created_at),
        "updated_at": iso(image.updated_at),
        "file": f"{path}/file",
        "self": path,
        "schema": "/v2/schemas/image",
        **({"stores": STORE} if image.os_hash_value else {}),
    }


def show_member(member: ImageMember) -> dict[str, Any]:
    return {
        "member_id": member.member_id,
        "image_id": str(member.image_id),
        "status": member.status,
        "created_at": iso(member.created_at),
        "updated_at": iso(member.updated_at),
        "schema": "/v2/schemas/member",
    }


def show_task_in_list(task: ImageTask) -> dict[str, Any]:
    return {
        "id": str(task.pk),
        "type": task.type,
        "status": task.status,
        "owner": task.owner,
        "created_at": iso(task.created_at),
        "updated_at": iso(task.updated_at),
        **({"expires_at": iso(task.expires_at)} if task.expires_at else {}),
        "self": f"/v2/tasks/{task.pk}",
        "schema": "/v2/schemas/task",
    }


def show_task(task: ImageTask) -> dict[str, Any]:
    return show_task_in_list(task) | {
        "input": task.input,
        "result": task.result,
        "message": task.message,
        "image_id": task.image_id,
        "request_id": task.request_id,
        "user_id": task.user_id,
    }
