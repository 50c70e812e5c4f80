"""Bodies of ``POST /servers`` for a flavor and an image that exist."""

from __future__ import annotations

from typing import Any

from flavors.models import Flavor
from quotas.models import Limit
from tests.world.cast import ALPHA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_flavor, make_image

LATEST = "latest"


class Shop:
    """Orders servers; what a test does not care about is filled in."""

    def __init__(self) -> None:
        self.flavor: Flavor = make_flavor(root_gb=10)
        self.image = make_image()

    @property
    def image_id(self) -> str:
        return str(self.image.pk)

    def body(self, *, hints: Any = None, **server: Any) -> dict[str, Any]:
        """Keys with the value ``None`` are left out."""
        merged = {
            "name": "web",
            "flavorRef": self.flavor.flavorid,
            "imageRef": self.image_id,
            "networks": "none",
        } | server
        body: dict[str, Any] = {"server": {k: v for k, v in merged.items() if v is not None}}
        return body if hints is None else body | {"os:scheduler_hints": hints}

    def order(
        self, client: ApiClient, *, microversion: str = LATEST, hints: Any = None, **server: Any
    ) -> Answer:
        """Send the order."""
        body = self.body(hints=hints, **server)
        return client.post("/servers", body, microversion=microversion)

    def root(self, **device: Any) -> dict[str, Any]:
        """The entry of the image in the new form of block devices."""
        return {
            "source_type": "image",
            "destination_type": "local",
            "uuid": self.image_id,
            "boot_index": 0,
        } | device


def limit(resource: str, number: int, *, project_id: str = ALPHA, user_id: str = "") -> None:
    """Set the limit of a project, or of a user in it."""
    Limit.objects.update_or_create(
        project_id=project_id, user_id=user_id, resource=resource, defaults={"limit": number}
    )
