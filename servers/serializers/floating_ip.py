"""``/os-floating-ips`` and ``/os-floating-ip-pools``: bodies and answers."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    TEXT,
    TEXT_OR_NULL,
    AnswerSerializer,
    Shown,
)
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion


class FloatingIpCreate(VersionedSerializer):
    """The pool to take it from; the result is its name or id, or ``None``."""

    unknown = {"2.1": "drop"}
    pool = Text(null=True)

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        return values.get("pool")


class FloatingIpAnswer(AnswerSerializer):
    """A floating IP, the address that it leads to, and the server that has this address."""

    id = Shown(TEXT)
    ip = Shown(TEXT, "address")
    pool = Shown(TEXT)
    fixed_ip = Shown(TEXT_OR_NULL, "fixed_address")
    instance_id = Shown(TEXT_OR_NULL, lambda found, _: found.server_id or None)


class PoolAnswer(AnswerSerializer):
    """A network that floating IPs come from."""

    name = Shown(TEXT, lambda network, _: network.name or network.id)
