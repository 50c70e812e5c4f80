"""A Glance in memory, as far as compute asks for it, for the cloud on loopback."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from tests.world.cast import ALPHA
from tests.world.elsewhere import Asked, Cloud, Told

IMAGES = "/v2/images"
TIME = "2026-01-02T03:04:05Z"


class Glance:
    """Its images and their data, by id."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.images: dict[str, dict[str, Any]] = {}
        self.data: dict[str, bytes] = {}
        cloud.fallback = self.answer

    def add(self, data: bytes = b"", **changed: Any) -> str:
        image_id = str(uuid.uuid4())
        self.images[image_id] = self.shown(id=image_id, **changed)
        if self.images[image_id]["status"] == "active":
            self.take(image_id, data)
        return image_id

    def shown(self, **changed: Any) -> dict[str, Any]:
        return {
            "name": "image",
            "status": "active",
            "visibility": "private",
            "owner": ALPHA,
            "protected": False,
            "min_disk": 0,
            "min_ram": 0,
            "size": None,
            "disk_format": "raw",
            "container_format": "bare",
            "tags": [],
            "created_at": TIME,
            "updated_at": TIME,
            **changed,
        }

    def take(self, image_id: str, data: bytes) -> None:
        self.data[image_id] = data
        self.images[image_id] |= {
            "status": "active",
            "size": len(data),
            "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(data).hexdigest(),
        }

    def answer(self, asked: Asked) -> Told:
        path = asked.path.partition("?")[0]
        if path == IMAGES:
            return self.collection(asked)
        image_id, _, rest = path.removeprefix(IMAGES + "/").partition("/")
        if image_id not in self.images:
            return Told(404, b"<h1>404 Not Found</h1> no such image")
        return self.data_of(image_id, asked) if rest == "file" else self.one(image_id, asked)

    def collection(self, asked: Asked) -> Told:
        if asked.method == "GET":
            return Told(200, {"images": list(self.images.values())[::-1]})  # the newest first
        body = asked.json
        image = self.shown(status="queued", **{"id": str(uuid.uuid4()), **body})
        self.images[image["id"]] = image
        return Told(201, image)

    def one(self, image_id: str, asked: Asked) -> Told:
        image = self.images[image_id]
        if asked.method == "DELETE":
            del self.images[image_id]
            return Told(204)
        if asked.method == "PATCH":
            for change in asked.json:
                key = change["path"][1:].replace("~1", "/").replace("~0", "~")
                if change["op"] == "remove":
                    del image[key]
                else:
                    image[key] = change["value"]
        return Told(200, image)

    def data_of(self, image_id: str, asked: Asked) -> Told:
        if asked.method == "PUT":
            self.take(image_id, asked.body)
            return Told(204)
        first = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        return Told(206 if first else 200, self.data[image_id][first:])
