"""The volume service that stores its objects in this database."""

from __future__ import annotations

from compute_site.neighbours.volume.local.clients import (
    list_snapshots,
    list_volumes,
    make_snapshot,
    make_volume,
    remove_snapshot,
    remove_volume,
)
from compute_site.neighbours.volume.local.of_servers import (
    attach,
    begin_detaching,
    create,
    create_snapshots,
    delete_snapshots,
    delete_unnamed,
    detach,
    find_connection,
    find_snapshots,
    find_types,
    find_volumes,
    reimage,
    release,
    reserve,
    stop_detaching,
)

__all__ = [
    "attach",
    "begin_detaching",
    "create",
    "create_snapshots",
    "delete_snapshots",
    "delete_unnamed",
    "detach",
    "find_connection",
    "find_snapshots",
    "find_types",
    "find_volumes",
    "list_snapshots",
    "list_volumes",
    "make_snapshot",
    "make_volume",
    "reimage",
    "release",
    "remove_snapshot",
    "remove_volume",
    "reserve",
    "stop_detaching",
]
