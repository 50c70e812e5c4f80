"""Chooses what carries packets of this host's guests. Only this module loads all of it."""

from __future__ import annotations

from servers.agent.client import Client
from servers.agent.network.bridges import Bridges
from servers.agent.network.none import NoWires
from servers.agent.network.protocol import Wires
from servers.agent.settings import Settings

NAMES = ("none", "bridge")


def wires_of(settings: Settings, client: Client) -> Wires:
    """What the host's settings name."""
    return Bridges(settings, client) if settings.network == "bridge" else NoWires()
