"""Which disks a guest has, and the files of those that are its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.agent.hypervisor.connections import file_of, iscsi_of
from servers.agent.hypervisor.libvirt.demands import (
    CDROM_BUSES,
    DISK_BUSES,
    Demands,
    demands_of,
)
from servers.agent.hypervisor.libvirt.domain import (
    VOLUME_LIMITS,
    Drive,
    disk_prefix,
    free_target,
    io_limits,
)
from servers.agent.hypervisor.libvirt.folders import (
    BASE,
    CONFIG,
    EARLIER_BASE,
    RESCUE,
    RESCUE_BASE,
    RESCUE_CONFIG,
    ROOT,
    SWAP,
    Folder,
)
from servers.agent.hypervisor.protocol import Unsupported
from servers.agent.storage.config_drive import write_config_drive
from servers.agent.storage.qemu_img import (
    GIB,
    BadImage,
    DiskFile,
    grow,
    inspect_image,
    make_blank,
    make_overlay,
    own_disk,
    virtual_size_of,
)

MIB = 1 << 20
Disk = Mapping[str, Any]


def make_root(folder: Folder, image: Path, size_gb: int, *, name: str = ROOT) -> None:
    """An overlay on the image. The image is linked into the folder, so that it stays whatever
    becomes of the cache.

    Raises:
        BadImage: nothing can be made of it, or it is larger than the disk.
    """
    base = folder.file(BASE if name == ROOT else RESCUE_BASE)
    base.unlink(missing_ok=True)
    base.hardlink_to(image)
    source = inspect_image(base)
    size = size_gb * GIB or source.virtual_size
    if size < source.virtual_size:
        needed = -(-source.virtual_size // GIB)
        raise BadImage(f"the image needs a disk of {needed} GiB, and the flavor has {size_gb}")
    target = folder.file(name)
    target.unlink(missing_ok=True)
    make_overlay(source, target, size)
    target.chmod(0o600)


def make_blanks(folder: Folder, guest: Mapping[str, Any]) -> None:
    """Ephemeral disks and swap; those that are there stay."""
    for name, size in blank_sizes(guest).items():
        if not folder.file(name).exists():
            make_blank(folder.file(name), size)
            folder.file(name).chmod(0o600)


def blank_sizes(guest: Mapping[str, Any]) -> dict[str, int]:
    """Files of ephemeral disks and swap, and their bytes."""
    return {name: size for name, size, _ in _blanks(guest)}


def make_config_drive(folder: Folder, guest: Mapping[str, Any], *, name: str = CONFIG) -> None:
    if guest.get("config_drive") or guest.get("files"):
        write_config_drive(guest, folder.file(name))


def own_disks(folder: Folder, guest: Mapping[str, Any]) -> list[Path]:
    """The files that go where the guest goes: neither volumes nor the config drive."""
    names = [ROOT, *blank_sizes(guest)]
    return [folder.file(name) for name in names if folder.file(name).exists()]


def grow_root(folder: Folder, size_gb: int) -> None:
    root = folder.file(ROOT)
    if root.exists() and size_gb * GIB > virtual_size_of(root):
        grow(root, size_gb * GIB)


def drives_of(folder: Folder, guest: Mapping[str, Any], machine: str = "") -> list[Drive]:
    """All disks of the guest: its root disk first. ``machine`` is the type where it names none."""
    demands = demands_of(guest)
    bus = demands.word("disk_bus", "virtio")
    limits = io_limits(demands)
    disks: Sequence[Disk] = guest.get("disks") or ()
    taken: list[str] = []

    def named(disk: Disk | None, bus: str) -> str:
        asked = str((disk or {}).get("device_name") or "").removeprefix("/dev/")
        fits = asked.startswith(disk_prefix(bus)) and asked not in taken
        target = asked if fits else free_target(bus, [*taken, *_asked(disks)])
        taken.append(target)
        return target

    found: list[Drive] = []
    root = next((disk for disk in disks if disk.get("boot_index") == 0), None)
    beside = guest.get("rescue_disk") if guest.get("rescued") else None
    if guest.get("rescued") and not beside:
        file = folder.file(RESCUE)
        found.append(
            Drive(
                path=file, format="qcow2", target=named(root, bus), bus=bus, boot=1, limits=limits
            )
        )
    boot = None if guest.get("rescued") else 1
    if folder.file(ROOT).exists():
        target = named(None if guest.get("rescued") and not beside else root, bus)
        file = folder.file(ROOT)
        found.append(
            Drive(path=file, format="qcow2", target=target, bus=bus, boot=boot, limits=limits)
        )
    for name, _, disk in _blanks(guest):
        own = str(disk.get("disk_bus") or bus)
        target = named(disk, own)
        found.append(
            Drive(path=folder.file(name), format="qcow2", target=target, bus=own, limits=limits)
        )
    for disk in sorted((disk for disk in disks if disk.get("volume_id")), key=_boots_last):
        own = str(disk.get("disk_bus") or bus)
        order = boot if disk is root else None
        found.append(volume_drive(disk, target=named(disk, own), bus=own, boot=order))
    if beside:
        found.append(
            Drive(
                path=folder.file(RESCUE),
                format="qcow2",
                target=named(None, beside["bus"]),
                bus=beside["bus"],
                device=beside["device"],
                boot=1,
            )
        )
    config = folder.file(RESCUE_CONFIG if guest.get("rescued") else CONFIG)
    if config.exists():
        kind = demands.word("machine_type", machine)
        found.append(config_drive(config, demands, [drive.target for drive in found], kind))
    return found


def volume_drive(disk: Disk, *, target: str, bus: str, boot: int | None = None) -> Drive:
    """
    Raises:
        GuestFailed: this host cannot reach the volume.
        Unsupported: it reaches no volumes of this kind, or cannot limit them in this way.
    """
    connection = disk.get("connection") or {}
    iscsi = iscsi_of(disk)
    kind = str(disk.get("device_type") or "disk")
    return Drive(
        path=file_of(disk) if iscsi is None else None,
        iscsi=iscsi,
        format=str(connection.get("format") or "raw"),
        target=target,
        bus=bus,
        device=kind if kind in ("disk", "cdrom") else "disk",
        serial=str(connection.get("serial") or disk["volume_id"]),
        read_only=bool(connection.get("read_only")),
        boot=boot,
        limits=volume_limits(connection.get("limits") or {}),
    )


def volume_limits(asked: Mapping[str, str]) -> dict[str, int]:
    """What the QoS specs of the volume leave to its host. Raises ``Unsupported``."""
    for name, text in asked.items():
        if name not in VOLUME_LIMITS or not text.isdecimal():
            raise Unsupported(
                f"this host does not limit a volume by {name[:60]}: {text[:60]}; it knows "
                f"{', '.join(VOLUME_LIMITS)}, with whole numbers"
            )
    return {name: int(text) for name, text in asked.items() if int(text)}


def check_rescue_disk(beside: Mapping[str, str]) -> None:
    """Raises ``Unsupported``: no disk is attached in that way here."""
    if not beside:
        return
    kinds = {"disk": DISK_BUSES, "cdrom": CDROM_BUSES}
    if beside["bus"] not in kinds.get(beside["device"], ()):
        raise Unsupported(
            f"this host attaches no rescue image as {beside['device']} at the bus {beside['bus']} "
            "(hw_rescue_device, hw_rescue_bus)"
        )


def config_drive(path: Path, demands: Demands, taken: Iterable[str], machine: str) -> Drive:
    bus = demands.word("cdrom_bus", "sata" if "q35" in machine else "ide")
    target = free_target(bus, taken)
    return Drive(path=path, format="raw", target=target, bus=bus, device="cdrom")


def disk_of(path: Path) -> DiskFile:
    """A file of ours as a source of copies."""
    bases = [path.with_name(name) for name in (BASE, EARLIER_BASE)]
    return own_disk(path, next((base for base in bases if base.exists()), bases[0]))


def _blanks(guest: Mapping[str, Any]) -> list[tuple[str, int, Disk]]:
    found: list[tuple[str, int, Disk]] = []
    for disk in guest.get("disks") or ():
        if disk.get("source_type") != "blank" or disk.get("volume_id") or not disk.get("size"):
            continue
        if disk.get("guest_format") == "swap":
            found.append((SWAP, int(disk["size"]) * MIB, disk))
        else:
            number = sum(name != SWAP for name, _, _ in found)
            found.append((f"ephemeral{number}.qcow2", int(disk["size"]) * GIB, disk))
    return found


def _asked(disks: Sequence[Disk]) -> list[str]:
    return [str(disk.get("device_name") or "").removeprefix("/dev/") for disk in disks]


def _boots_last(disk: Disk) -> tuple[int, str]:
    """Volumes that the guest boots from before others."""
    index = disk.get("boot_index")
    return (0 if index == 0 else 1, str(disk.get("device_name") or ""))
