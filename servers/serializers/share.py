"""``/servers/{id}/shares``: bodies."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text, Uuid
from compute_site.api.microversions.version import Microversion
from servers.attachments.shares import ShareOrder


class ShareKeys(VersionedSerializer):
    share_id = Uuid(required=True)
    tag = Text(1, 255, pattern=r"[a-zA-Z0-9-]*", means="is not made of letters, digits and hyphens")

    def build(self, values: dict[str, Any], version: Microversion) -> ShareOrder:
        return ShareOrder(**values)


class ShareCreate(VersionedSerializer):
    """A share for a server; the result is a ``ShareOrder``."""

    share = ShareKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> ShareOrder:
        order: ShareOrder = values["share"]
        return order


class ShareQuery(QuerySerializer):
    """No parameters."""

    unknown = {"2.1": "refuse"}
