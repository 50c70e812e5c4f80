"""Connections to volumes that hosts keep though no guest there needs them: of moves and builds that
came to nothing.
"""

from __future__ import annotations

import logging

from compute_site.neighbours import volume_service
from servers.models import Instance, Migration

logger = logging.getLogger(__name__)


def close_left_connections() -> None:
    """End those to nodes on which the server neither lies nor shall come to lie."""
    connections = volume_service().find_connections()
    if not connections:
        return
    server_ids = {server_id for server_id, _ in connections}
    living = Instance.objects.alive().filter(uuid__in=server_ids)
    wanted = {(str(server_id), node) for server_id, node in living.values_list("uuid", "node")}
    moves = Migration.objects.open().filter(instance__uuid__in=server_ids)
    columns = ("instance__uuid", "source_node", "dest_node")
    for server_id, *nodes in moves.values_list(*columns):
        wanted.update((str(server_id), node) for node in nodes)
    for server_id, node in sorted(set(connections) - wanted):
        logger.warning("server %s: its volumes are not for %s any more", server_id, node)
        volume_service().disconnect(server_id, node)
