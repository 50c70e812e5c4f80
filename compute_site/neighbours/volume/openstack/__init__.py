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
    are_copied,
    create,
    create_snapshots,
    delete_snapshots,
    delete_unnamed,
    make_snapshot,
    make_volume,
    remove_snapshot,
    remove_volume,
    spoil,
)
from compute_site.neighbours.volume.openstack.connections import (
    connect,
    connect_again,
    disconnect,
    find_connections,
    keep_connection,
    show_growth,
)
from compute_site.neighbours.volume.openstack.find import (
    find_snapshots,
    find_types,
    find_volumes,
    list_snapshots,
    list_volumes,
)
from compute_site.neighbours.volume.openstack.reimage import finish_reimage, reimage
from compute_site.neighbours.volume.openstack.swap import finish_swap, give_up_swap

__all__ = [
    "are_copied",
    "attach",
    "begin_detaching",
    "connect",
    "connect_again",
    "create",
    "create_snapshots",
    "delete_snapshots",
    "delete_unnamed",
    "detach",
    "disconnect",
    "find_connections",
    "find_snapshots",
    "find_types",
    "find_volumes",
    "finish_reimage",
    "finish_swap",
    "give_up_swap",
    "keep_connection",
    "list_snapshots",
    "list_volumes",
    "make_snapshot",
    "make_volume",
    "reimage",
    "release",
    "remove_snapshot",
    "remove_volume",
    "reserve",
    "show_growth",
    "spoil",
    "stop_detaching",
]
