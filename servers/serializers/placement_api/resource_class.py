"""``/resource_classes``: body and answer."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import LINKS, TEXT
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import Microversion
from servers.serializers.placement_api.fields import CustomName, object_of


class ClassBody(VersionedSerializer):
    """The name that a resource class shall have."""

    name = CustomName(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> str:
        return str(values["name"])


CLASS = object_of(name=TEXT, links=LINKS)
CLASSES = object_of(resource_classes={"type": "array", "items": CLASS})


def show_class(name: str, prefix: str) -> dict[str, Any]:
    return {
        "name": name,
        "links": [{"rel": "self", "href": f"{prefix}/resource_classes/{name}"}],
    }
