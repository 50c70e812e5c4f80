"""``/os-volumes_boot``: servers at an old URL, until 2.102."""

from __future__ import annotations

from servers.views.action import ServerAction
from servers.views.server import Server, Servers, ServersDetail

UNTIL = "2.102"


class BootServers(Servers):
    """The servers of the project."""

    until = UNTIL


class BootServersDetail(ServersDetail):
    """The servers of the project in detail."""

    until = UNTIL


class BootServer(Server):
    """One server."""

    until = UNTIL


class BootServerAction(ServerAction):
    """What is done with a server."""

    until = UNTIL
