"""``/os-networks`` and ``/os-tenant-networks``: answers. Most keys told of nova-network, which is
gone, and are always null.
"""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import TEXT, AnswerSerializer, Frame, Shown
from compute_site.api.microversions.fields import ABSENT, Schema

NULL: Schema = {"type": "null"}


class _Empty(Shown):
    """A key that is always null; ``admin``: and that only admins see."""

    def __init__(self, *, admin: bool = False) -> None:
        super().__init__(NULL, _null_for_admins if admin else _null, optional=admin)


def _null(_: object, __: Frame) -> None:
    return None


def _null_for_admins(_: object, frame: Frame) -> Any:
    return None if frame.caller.is_admin else ABSENT


class NetworkAnswer(AnswerSerializer):
    """A network in the form of nova-network, which was a part of compute."""

    id = Shown(TEXT)
    name = Shown(TEXT, key="label")
    cidr = _Empty()
    netmask = _Empty()
    gateway = _Empty()
    broadcast = _Empty()
    dns1 = _Empty()
    dns2 = _Empty()
    cidr_v6 = _Empty()
    gateway_v6 = _Empty()
    netmask_v6 = _Empty()
    created_at = _Empty(admin=True)
    updated_at = _Empty(admin=True)
    deleted_at = _Empty(admin=True)
    deleted = _Empty(admin=True)
    injected = _Empty(admin=True)
    bridge = _Empty(admin=True)
    vlan = _Empty(admin=True)
    vpn_public_address = _Empty(admin=True)
    vpn_public_port = _Empty(admin=True)
    vpn_private_address = _Empty(admin=True)
    dhcp_start = _Empty(admin=True)
    project_id = _Empty(admin=True)
    host = _Empty(admin=True)
    bridge_interface = _Empty(admin=True)
    multi_host = _Empty(admin=True)
    priority = _Empty(admin=True)
    rxtx_base = _Empty(admin=True)
    mtu = _Empty(admin=True)
    dhcp_server = _Empty(admin=True)
    enable_dhcp = _Empty(admin=True)
    share_address = _Empty(admin=True)


class TenantNetworkAnswer(AnswerSerializer):
    """A network as a project sees it. Nova: the range of addresses is the word ``None``."""

    id = Shown(TEXT)
    name = Shown(TEXT, key="label")
    cidr = Shown(TEXT, lambda *_: "None")
