"""The content of a ``POST /servers`` request, independent of versions; nothing is looked up yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileOrder:
    """A file to be put into the server; ``contents`` stays base64."""

    path: str
    contents: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicOrder:
    """A NIC, by network or by port (``None`` where the client gave none or null)."""

    network_id: str | None = None
    fixed_ip: str | None = None
    port_id: str | None = None
    tag: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerOrder:
    """One request to create servers (docs/contract/create-request.md 4)."""

    name: str
    flavor_ref: str
    image_ref: str = ""
    """The id of an image as the client wrote it; empty means none."""
    description: str | None = None
    hostname: str | None = None
    admin_password: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tags: tuple[str, ...] = ()
    """As sent; one that was given twice is there twice until the server is built."""
    key_name: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    auto_disk_config: bool | None = None
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    files: tuple[FileOrder, ...] = ()
    zone: str | None = None
    """The zone text as sent: zone, zone:host, zone:host:node or zone::node; ``None`` when absent.
    """
    host: str | None = None
    hypervisor_hostname: str | None = None
    min_count: int = 1
    max_count: int = 1
    return_reservation_id: bool = False
    security_groups: tuple[str, ...] = ()
    """Names or ids, without duplicates; empty means ``default``."""
    security_groups_echo: tuple[Mapping[str, Any], ...] | None = None
    """The list as sent, for the answer; ``None`` when the key was absent."""
    hints: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    networks: Literal["auto", "none"] | tuple[NicOrder, ...] | None = None
    """``None`` when the key was absent."""
    legacy_disks: tuple[Mapping[str, Any], ...] = ()
    """Items of ``block_device_mapping``: values of the right type, keys as on the wire."""
    disks: tuple[Mapping[str, Any], ...] = ()
    """Items of ``block_device_mapping_v2``: values of the right type, keys as on the wire."""
    trusted_certificates: tuple[str, ...] = ()
    multiattach_allowed: bool = True
    """May the request use a volume that several servers share? (2.60)"""
    port_resources_allowed: bool = True
    """May the request use a port that carries a resource request? (2.72)"""
