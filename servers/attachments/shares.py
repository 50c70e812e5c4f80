"""File shares of servers. There is no service that has shares, so that no server gets one; what is
checked before the service is asked is checked here, too.
"""

from __future__ import annotations

import dataclasses
from typing import NoReturn

from compute_site.caller import Caller
from servers.attachments.errors import HostTakesNoShares, NoSuchShare
from servers.lifecycle.guard import check_state
from servers.models import ComputeNode, Instance, ProviderTrait, VmState
from servers.policies import share as rules
from servers.read.find import find_server

VIRTIO_FS, FILE_MEMORY = "COMPUTE_STORAGE_VIRTIO_FS", "COMPUTE_MEM_BACKING_FILE"
PAGES = "hw:mem_page_size"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShareOrder:
    """A share that a server shall get."""

    share_id: str
    tag: str | None = None


def attach_share(caller: Caller, server_id: str, order: ShareOrder) -> NoReturn:
    """Refuse to give the server a share.

    Raises:
        WrongState: it is not stopped.
        HostTakesNoShares: its host cannot hand shares to guests.
        NoSuchShare: the share does not exist.
    """
    server = find_server(caller, server_id, rules.CREATE)
    check_state(server, (VmState.STOPPED,), "give it a share")
    if not _host_takes(server):
        raise HostTakesNoShares(f"The host of the server {server.uuid} hands no shares to guests.")
    raise NoSuchShare(f"There is no share {order.share_id}.")


def find_share(caller: Caller, server_id: str, share_id: str) -> NoReturn:
    """Raises ``NoSuchShare``: the server has none."""
    find_server(caller, server_id, rules.SHOW)
    raise NoSuchShare(f"The server {server_id} has no share {share_id[:80]}.")


def detach_share(caller: Caller, server_id: str, share_id: str) -> NoReturn:
    """Refuse to take a share from the server.

    Raises:
        WrongState: the server is neither stopped nor in error.
        NoSuchShare: it has no share.
    """
    server = find_server(caller, server_id, rules.DELETE)
    check_state(server, (VmState.STOPPED, VmState.ERROR), "take a share from it")
    raise NoSuchShare(f"The server {server_id} has no share {share_id[:80]}.")


def _host_takes(server: Instance) -> bool:
    """Nova: by the traits of the host, and either its memory or the pages of the flavor."""
    nodes = ComputeNode.objects.filter(hypervisor_hostname=server.node)
    held = ProviderTrait.objects.filter(provider__uuid__in=nodes.values("uuid"))
    traits = set(held.values_list("trait", flat=True))
    has_memory = FILE_MEMORY in traits or PAGES in server.flavor.get("extra_specs", {})
    return VIRTIO_FS in traits and has_memory
