"""Live migration, from libvirtd to libvirtd; disks that only one host sees are copied."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.agent.certificates import OF_GUESTS, are_there, with_certificate
from servers.agent.failures import GuestFailed
from servers.agent.files import read_json, write_durably
from servers.agent.hypervisor.connections import Iscsi, iscsi_of, way_to
from servers.agent.hypervisor.kept import without_secrets
from servers.agent.hypervisor.libvirt.domain import iscsi_element
from servers.agent.hypervisor.libvirt.drives import (
    make_blanks,
    make_config_drive,
    own_disks,
    volume_drive,
)
from servers.agent.hypervisor.libvirt.folders import ARRIVING, CONFIG, GUEST, Folder
from servers.agent.hypervisor.libvirt.library import failure, lib, said
from servers.agent.hypervisor.libvirt.machines import Machines, ignoring, power_of
from servers.agent.hypervisor.protocol import COPIED, Live, Power, Unsupported
from servers.agent.settings import Settings
from servers.agent.storage.qemu_img import make_blank, virtual_size_of

FORCED_DOWNTIME = 1_800_000
"""Milliseconds that a guest may stand still once its migration is forced."""
FASTEST = ((1 << 63) - 1) >> 20
"""MiB a second: as fast as the network is."""


class Migrations:
    def __init__(self, machines: Machines, settings: Settings) -> None:
        self.machines = machines
        self.settings = settings
        self.lock = threading.Lock()
        self.going: dict[str, threading.Thread] = {}
        self.failed: dict[str, GuestFailed] = {}
        self.aborted: set[str] = set()

    # the destination

    def prepare(
        self, guest: Mapping[str, Any], sizes: Mapping[str, int], files: Path | None = None
    ) -> dict[str, Any]:
        if not self.settings.migration_address:
            raise Unsupported(
                'no guest comes live to a host without "migration_address" in its agent.json'
            )
        server_id = str(guest["server_id"])
        folder = self.machines.folders.of(server_id)
        folder.make()
        folder.give_way_to(*self.machines.connection.user_of_qemu())
        for name, size in sizes.items():
            target = folder.file(Path(name).name)
            target.unlink(missing_ok=True)
            make_blank(target, size)
            target.chmod(0o600)
        make_blanks(folder, guest)
        _bring_config_drive(folder, guest, files)
        links = self.machines.links_of(guest)
        write_durably(folder.file(ARRIVING), without_secrets(guest))
        self.machines.keep_passwords(guest)
        address = self.settings.migration_address
        return {
            "uri": self.settings.migration_uri or f"qemu+tls://{address}/system",
            "data": f"tcp://{address}",
            "address": address,
            "folder": str(folder.path),
            "accelerated": self.machines.host.accelerated,
            "volumes": volumes_of(guest),
            "tls": self._has_tls(),
            "links": {link.mac: {"bridge": link.bridge, "tap": link.tap} for link in links},
        }

    def finish(self, guest: Mapping[str, Any]) -> None:
        server_id = str(guest["server_id"])
        folder = self.machines.folders.of(server_id)
        if self.machines.power(server_id) is None:
            raise GuestFailed("the guest has not arrived on this host", "not_arrived")
        if not folder.is_known():
            folder.keep(guest)
        folder.file(ARRIVING).unlink(missing_ok=True)
        self.machines.define(folder.known())

    # the source

    def disks(self, server_id: str) -> dict[str, int]:
        folder = self.machines.folders.of(server_id)
        files = own_disks(folder, folder.known())
        return {path.name: virtual_size_of(path) for path in files}

    def start(self, server_id: str, to: Mapping[str, Any], *, copy_disks: bool) -> None:
        domain = self.machines.running(server_id, "the guest could not be moved")
        if (
            to.get("accelerated") is not None
            and to["accelerated"] != self.machines.host.accelerated
        ):
            raise GuestFailed("one of the hosts emulates, the other does not", "other_accel")
        with self.lock:
            if server_id in self.going and self.going[server_id].is_alive():
                return
            self.failed.pop(server_id, None)
            self.aborted.discard(server_id)
            with said("the guest could not be looked at"):
                xml = domain.XMLDesc(lib.VIR_DOMAIN_XML_MIGRATABLE)
            folder = self.machines.folders.of(server_id)
            disks = folder.known().get("disks") or ()
            there = xml_there(xml, folder.path, to, copy_disks=copy_disks, disks=disks)
            thread = threading.Thread(
                target=self._move, args=(server_id, domain, to, there, copy_disks), daemon=True
            )
            self.going[server_id] = thread
            thread.start()

    def progress(self, server_id: str) -> dict[str, Any]:
        with self.lock:
            thread, failed = self.going.get(server_id), self.failed.get(server_id)
        domain = self.machines.find(server_id)
        if failed is not None:
            state = Live.ABORTED if server_id in self.aborted else Live.FAILED
            return {"state": state.value, "percent": 0, "fault": str(failed)}
        if thread is not None and thread.is_alive():
            return {"state": Live.RUNNING.value, **counters(domain)}
        if domain is None:
            self._leave(server_id)
            return {"state": Live.DONE.value, "percent": 100}
        known = counters(domain)
        if known.get("memory_total"):  # it began in an earlier life of the agent
            return {"state": Live.RUNNING.value, **known}
        return {"state": Live.FAILED.value, "percent": 0, "fault": "no migration goes on"}

    def abort(self, server_id: str) -> None:
        domain = self.machines.find(server_id)
        if domain is None:
            return
        self.aborted.add(server_id)
        with (
            said("the migration could not be ended"),
            ignoring(lib.VIR_ERR_OPERATION_INVALID),  # none goes on
        ):
            domain.abortJob()

    def force(self, server_id: str) -> None:
        domain = self.machines.find(server_id)
        if domain is None:
            return
        with (
            said("the migration could not be forced"),
            ignoring(lib.VIR_ERR_OPERATION_INVALID),  # none goes on
        ):
            domain.migrateSetMaxSpeed(FASTEST)
            domain.migrateSetMaxDowntime(FORCED_DOWNTIME)
            domain.suspend()  # it goes on where it is when the migration ends, or breaks off
            if power_of(domain) == Power.PAUSED:  # the migration had ended by then
                domain.resume()

    def _move(
        self, server_id: str, domain: Any, to: Mapping[str, Any], xml: str, copy_disks: bool
    ) -> None:
        flags = (
            lib.VIR_MIGRATE_LIVE
            | lib.VIR_MIGRATE_PEER2PEER
            | lib.VIR_MIGRATE_PERSIST_DEST
            | lib.VIR_MIGRATE_UNDEFINE_SOURCE
            | lib.VIR_MIGRATE_AUTO_CONVERGE
            | lib.VIR_MIGRATE_UNSAFE  # where disks are shared, they are files that both may open
        )
        parameters: dict[str, Any] = {
            lib.VIR_MIGRATE_PARAM_URI: str(to["data"]),
            lib.VIR_MIGRATE_PARAM_DEST_XML: xml,
            lib.VIR_MIGRATE_PARAM_PERSIST_XML: xml,
        }
        if to.get("tls") and self._has_tls():
            flags |= lib.VIR_MIGRATE_TLS
        if copy_disks:
            flags |= lib.VIR_MIGRATE_NON_SHARED_DISK
            own = own_disks(self.machines.folders.of(server_id), self._guest(server_id))
            parameters[lib.VIR_MIGRATE_PARAM_MIGRATE_DISKS] = _targets(domain, own)
        try:
            uri = with_certificate(str(to["uri"]), Path(self.settings.state_dir))
            domain.migrateToURI3(uri, parameters, flags)
        except lib.libvirtError as error:
            with self.lock:
                self.failed[server_id] = failure("the guest could not be moved", error)
            return
        self._leave(server_id)

    def _has_tls(self) -> bool:
        """Has QEMU a certificate, and a place where it finds it?"""
        has_place = bool(self.settings.pki_dir) or self.settings.own_libvirtd
        return has_place and are_there(Path(self.settings.state_dir), OF_GUESTS)

    def _guest(self, server_id: str) -> Mapping[str, Any]:
        return self.machines.folders.of(server_id).known()

    def _leave(self, server_id: str) -> None:
        """The guest runs elsewhere: nothing of it stays."""
        folder = self.machines.folders.of(server_id)
        if folder.file(GUEST).exists() or folder.path.exists():
            self.machines.wires.unplug_all(server_id)
            self.machines.forget_passwords(folder.disks())
            folder.remove()


def counters(domain: Any) -> dict[str, Any]:
    """Bytes, and how much of all is done in percent."""
    if domain is None:
        return {"percent": 0}
    try:
        known = domain.jobStats()
    except lib.libvirtError:
        return {"percent": 0}
    found = {name: int(known[name]) for name in COPIED if name in known}
    total = found.get("memory_total", 0) + found.get("disk_total", 0)
    left = found.get("memory_remaining", 0) + found.get("disk_remaining", 0)
    return {"percent": 100 * (total - left) // total if total else 0, **found}


def xml_there(
    xml: str,
    folder: Path,
    to: Mapping[str, Any],
    *,
    copy_disks: bool,
    disks: Sequence[Mapping[str, Any]] = (),
) -> str:
    """What the domain is called on the other host: other folders, other bridges, and other targets
    of its volumes, which are among its ``disks``.
    """
    root = ET.fromstring(xml)  # noqa: S314 - libvirt's own words
    links = to.get("links") or {}
    for element in root.iter():
        for key, value in element.attrib.items():
            if value.startswith(f"{folder}/"):
                element.set(key, value.replace(str(folder), str(to["folder"]), 1))
        if (element.text or "").startswith(f"{folder}/"):
            element.text = str(element.text).replace(str(folder), str(to["folder"]), 1)
    volumes = to.get("volumes") or {}
    serials = {
        way_to(disk): volume_drive(disk, target="", bus="").serial
        for disk in disks
        if iscsi_of(disk)
    }
    for disk in root.iterfind("devices/disk"):
        backing = disk.find("backingStore")
        if copy_disks and backing is not None:
            disk.remove(backing)
        source = disk.find("source")
        volume = volumes.get(serials.get(source.get("name", ""))) if source is not None else None
        if volume and source is not None:
            disk[list(disk).index(source)] = iscsi_element(Iscsi(**volume))
    for interface in root.iterfind("devices/interface"):
        mac, source, target = (interface.find(name) for name in ("mac", "source", "target"))
        known = links.get(mac.get("address")) if mac is not None else None
        if known and source is not None and target is not None:
            source.set("bridge", known["bridge"])
            target.set("dev", known["tap"])
    return ET.tostring(root, encoding="unicode")


def volumes_of(guest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How this host reaches volumes by iSCSI, by their serials."""
    disks = [disk for disk in guest.get("disks") or () if iscsi_of(disk)]
    drives = [volume_drive(disk, target="", bus="") for disk in disks]
    return {drive.serial: dataclasses.asdict(drive.iscsi) for drive in drives if drive.iscsi}


def _bring_config_drive(folder: Folder, guest: Mapping[str, Any], files: Path | None) -> None:
    """That of the old host has the password and the injected files, which are kept nowhere else;
    where an older agent did not send it, it is made without them.
    """
    brought = files / CONFIG if files is not None else None
    if brought is None or not brought.exists():
        make_config_drive(folder, guest)
        return
    config = folder.file(CONFIG)
    config.touch(mode=0o600)
    config.chmod(0o600)
    shutil.copyfile(brought, config)


def arriving(folder: Path) -> Any:
    return read_json(folder / ARRIVING)


def _targets(domain: Any, own: list[Path]) -> list[str]:
    root = ET.fromstring(domain.XMLDesc(0))  # noqa: S314 - libvirt's own words
    names = {str(path) for path in own}
    found = []
    for disk in root.iterfind("devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        if source is not None and target is not None and source.get("file") in names:
            found.append(str(target.get("dev")))
    return found
