"""The volume service of an existing cloud: a Cinder, reached over HTTP."""

from __future__ import annotations

from compute_site.neighbours.volume.openstack.attach import (
    attach,
    begin_detaching,
    detach,
    release,
    reserve,
    stop_detaching,
)
from compute_site.neighbours.volume.openstack.change import (
    create,
    create_snapshots,
    delete_snapshots,
    delete_unnamed,
    make_snapshot,
    make_volume,
    reimage,
    remove_snapshot,
    remove_volume,
)
from compute_site.neighbours.volume.openstack.find import (
    find_connection,
    find_snapshots,
    find_types,
    find_volumes,
    list_snapshots,
    list_volumes,
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
