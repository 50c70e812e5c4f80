"""The two services that are asked, with the same things in both."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tests.trials.prepared import PreparedService
from tests.trials.service import JSON, Answer, ask

BINARY = "application/octet-stream"
PATCH = "application/openstack-images-v2.1-json-patch"
OLDER_PATCH = "application/openstack-images-v2.0-json-patch"
USERS = ("admin", "demo", "other")


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Names in braces stand for things that each side has; ``{scratch}`` is made for it."""

    kind: str
    method: str
    path: str
    body: Any = None
    who: str = "demo"
    media: str = JSON

    def __str__(self) -> str:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body)[:200]
        return f"{self.method} {self.path} {self.who} {self.media[-24:]} {body!s}"


class Side(PreparedService):
    """One of the two services; a member ``demo`` of a project, and one of another (``other``)."""

    request = Request

    def __init__(self, identity: str, root: str, password: str, salt: str) -> None:
        super().__init__(identity, root, password)
        self.names["salt"] = salt
        for who in ("demo", "other"):
            self.make_member(who, f"{who}-{salt}")

    def send(self, request: Request) -> Answer:
        url = f"{self.root}/{request.path.format_map(self.names)}"
        headers = {"X-Auth-Token": self.tokens[request.who], "Content-Type": request.media}
        return ask(request.method, url, self.fill_in(request.body), headers)[0]

    def make_image(self, name: str, *, data: bytes | None = None, **keys: Any) -> str:
        body = {"name": name, "disk_format": "raw", "container_format": "bare", **keys}
        made: str = self.need("POST", "images", body)["id"]
        if data is not None:
            self.need("PUT", f"images/{made}/file", data, media=BINARY)
        return made

    def prepare(self) -> None:
        """What requests are about; they do not change it."""
        salt = self.names["salt"]
        shapes: tuple[dict[str, Any], ...] = (
            {"visibility": "private", "os_distro": "debian", "data": b"a" * 512},
            {"visibility": "shared", "tags": ["x", "y"], "min_ram": 64, "data": b"b" * 1024},
            {"visibility": "community", "os_hidden": False, "tags": ["x"]},
            {"visibility": "private", "protected": True, "min_disk": 2, "disk_format": "qcow2"},
            {"visibility": "private", "os_hidden": True, "data": b"c" * 2048},
        )
        for index, keys in enumerate(shapes):
            self.names[f"image{index}"] = self.make_image(f"i{index}-{salt}", **keys)
        member = {"member": self.names["project_other"]}
        self.need("POST", f"images/{self.names['image1']}/members", member)
        content = {
            "objects": [{"name": "o", "properties": {"x": {"title": "X", "type": "string"}}}],
            "properties": {"p": {"title": "P", "type": "integer", "minimum": 1}},
            "tags": [{"name": "a"}, {"name": "b"}],
            "resource_type_associations": [{"name": "OS::Nova::Flavor", "prefix": "hw:"}],
        }
        for index, visibility in enumerate(("public", "private")):
            name = self.names[f"namespace{index}"] = f"N{index}-{salt}"
            body = {"namespace": name, "visibility": visibility, **content}
            self.need("POST", "metadefs/namespaces", body, who="admin")

    def freshen(self, number: int, kind: str) -> None:
        """What is used up by a request."""
        salt = f"{self.names['salt']}-{number}"
        if kind == "metadef":
            name = self.names["fresh"] = f"F-{salt}"
            definition = {"title": "T", "type": "string"}
            content = {"tags": [{"name": "a"}], "properties": {"p": definition}}
            content["objects"] = [{"name": "o", "properties": {"x": definition}}]
            body = {"namespace": name, "visibility": "public", **content}
            self.need("POST", "metadefs/namespaces", body, who="admin")
        else:
            data = None if kind == "data" else b"d" * 512
            tags = {"visibility": "shared", "tags": ["x"], "os_distro": "debian"}
            self.names["scratch"] = self.make_image(f"x-{salt}", data=data, **tags)
            body = {"member": self.names["project_other"]}
            self.need("POST", f"images/{self.names['scratch']}/members", body)
