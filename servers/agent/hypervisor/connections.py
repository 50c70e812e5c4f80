"""How a host reaches volumes: the ``connection`` of a disk, as the site tells it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.protocol import Unsupported

FILE, ISCSI = "file", "iscsi"
PASSWORD = "password"  # noqa: S105 - the name of a key
SECRETS = uuid.UUID("0a1f6c1e-57a5-4b4c-9d0e-2f6b8f6f5a10")
"""The namespace of the ids under which passwords are kept."""
Disk = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Iscsi:
    """A volume behind an iSCSI target."""

    host: str
    port: int
    target: str
    lun: int
    user: str

    @property
    def secret_id(self) -> str:
        """Under which its password is kept on this host."""
        return str(uuid.uuid5(SECRETS, self.target))

    @property
    def name(self) -> str:
        """Target and LUN, as libvirt and QEMU write them."""
        return f"{self.target}/{self.lun}"


def iscsi_of(disk: Disk) -> Iscsi | None:
    """``None``: the disk is reached in another way. Raises ``GuestFailed``: no part may be
    missing.
    """
    connection = disk.get("connection") or {}
    if connection.get("kind") != ISCSI:
        return None
    try:
        host, _, port = str(connection["portal"]).rpartition(":")
        return Iscsi(
            host=host.strip("[]"),
            port=int(port),
            target=str(connection["target"]),
            lun=int(connection["lun"]),
            user=str(connection["user"]),
        )
    except (KeyError, ValueError) as error:
        raise GuestFailed(
            f"the site does not say how volume {disk.get('volume_id')} is reached ({error})",
            "no_volume",
        ) from None


def file_of(disk: Disk) -> Path:
    """The file of a volume that this host sees.

    Raises:
        Unsupported: it is reached in a way that is not known here.
        GuestFailed: there is no such file.
    """
    connection = disk.get("connection") or {}
    if connection.get("kind") != FILE:
        raise Unsupported(f"this host cannot reach volumes by {connection.get('kind')}")
    path = Path(str(connection["path"]))
    if not path.is_file():
        raise GuestFailed(f"this host does not see the volume {disk['volume_id']}", "no_volume")
    return path


def way_to(disk: Disk) -> str:
    """Where a volume lies, as libvirt writes it."""
    iscsi = iscsi_of(disk)
    return iscsi.name if iscsi is not None else str((disk.get("connection") or {}).get("path"))


def passwords_of(guest: Mapping[str, Any]) -> Iterator[tuple[Iscsi, str]]:
    """Those that were told with the volumes of a guest."""
    for disk in guest.get("disks") or ():
        password = (disk.get("connection") or {}).get(PASSWORD)
        iscsi = iscsi_of(disk) if password else None
        if iscsi is not None:
            yield iscsi, str(password)


def without_passwords(guest: Mapping[str, Any]) -> dict[str, Any]:
    """The guest without those of its volumes."""
    return {**guest, "disks": [_without(disk) for disk in guest.get("disks") or ()]}


def _without(disk: Disk) -> dict[str, Any]:
    connection = disk.get("connection")
    if not connection:
        return dict(disk)
    kept = {key: value for key, value in connection.items() if key != PASSWORD}
    return {**disk, "connection": kept}
