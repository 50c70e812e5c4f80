"""Remote consoles: what is asked for, what proxies learn."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import TEXT
from compute_site.api.microversions.fields import Choice
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.version import Microversion
from servers.errors import ConsoleTokensHidden
from servers.models import ConsoleToken

TOKENS_SHOWN = Microversion.parse("2.31")
TLS_PORT_SHOWN = Microversion.parse("2.99")
FIRST_TYPES = ("novnc", "xvpvnc", "spice-html5", "serial", "rdp-html5")
CONSOLE = {
    "type": "object",
    "properties": {
        "instance_uuid": TEXT,
        "host": TEXT,
        "port": {"type": "integer"},
        "internal_access_path": {"type": ["string", "null"]},
        "tls_port": {"type": ["integer", "null"]},
    },
}


class Console(VersionedSerializer):
    protocol = History(
        {
            "2.6": Choice("vnc", "spice", "serial", "rdp", required=True),
            "2.8": Choice("vnc", "spice", "serial", "rdp", "mks", required=True),
        }
    )
    console_type = History(
        {
            "2.6": Choice(*FIRST_TYPES, key="type", required=True),
            "2.8": Choice(*FIRST_TYPES, "webmks", key="type", required=True),
            "2.99": Choice(*FIRST_TYPES, "webmks", "spice-direct", key="type", required=True),
        }
    )


class RemoteConsoleBody(VersionedSerializer):
    remote_console = Console(required=True)


class ConsoleTokenQuery(QuerySerializer):
    unknown = {"2.1": "drop", "2.99": "refuse"}


def check_tokens_shown(version: Microversion) -> None:
    """Raises ``ConsoleTokensHidden``. Nova: earlier versions told of consoles that are gone."""
    if version < TOKENS_SHOWN:
        raise ConsoleTokensHidden(f"Ask at microversion {TOKENS_SHOWN} or later, not {version}.")


def show_token(token: ConsoleToken, version: Microversion) -> dict[str, Any]:
    """What a proxy must know."""
    shown = {
        "instance_uuid": str(token.instance.uuid),
        "host": token.host,
        "port": token.port,
        "internal_access_path": token.internal_access_path,
    }
    if version >= TLS_PORT_SHOWN and token.console_type == "spice-direct":
        shown["tls_port"] = token.tls_port
    return shown
