"""The hypervisor ``libvirt``: what the agent asks for, in calls of libvirt and files."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from servers.agent import certificates
from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.libvirt import devices, library
from servers.agent.hypervisor.libvirt.copying import copied
from servers.agent.hypervisor.libvirt.demands import check_demands
from servers.agent.hypervisor.libvirt.diagnostics import diagnostics_of
from servers.agent.hypervisor.libvirt.domain import (
    NVRAM,
    SERIAL_SOCKET,
    VNC_SOCKET,
    Drive,
    place_element,
)
from servers.agent.hypervisor.libvirt.drives import (
    check_rescue_disk,
    disk_of,
    grow_root,
    make_blanks,
    make_config_drive,
    make_root,
    own_disks,
)
from servers.agent.hypervisor.libvirt.folders import (
    CONFIG,
    COPY,
    RESCUE,
    RESCUE_BASE,
    RESCUE_CONFIG,
    ROOT,
    Folder,
    Folders,
)
from servers.agent.hypervisor.libvirt.machines import Machines, has_tpm, power_of
from servers.agent.hypervisor.libvirt.migrate import Migrations
from servers.agent.hypervisor.libvirt.own_daemon import OwnDaemon
from servers.agent.hypervisor.libvirt.quiesce import (
    check_quiesce,
    freeze,
    has_agent,
    quiesced,
    thaw,
    thaw_left,
    thaw_overdue,
)
from servers.agent.hypervisor.libvirt.stock import (
    abilities_of_machine,
    host_of,
    lacks_of,
    stock_of,
)
from servers.agent.hypervisor.protocol import Power, Unsupported
from servers.agent.network.protocol import Wires
from servers.agent.settings import Settings
from servers.agent.storage import qemu_img
from servers.agent.storage.config_drive import lacks_library

FREEZING = "the file systems of the guest do not stand still"
SOCKETS = {"novnc": VNC_SOCKET, "serial": SERIAL_SOCKET}


class Libvirt:
    def __init__(self, settings: Settings, wires: Wires) -> None:
        state = Path(settings.state_dir)
        self.settings = settings
        self.folders = Folders(state / "libvirt")
        self.wires = wires
        address = settings.migration_address
        own = OwnDaemon(state, address=address) if settings.own_libvirtd else None
        self.connection = library.Connection(settings.libvirt_uri, own)
        self.host = host_of(settings)
        self.machines = Machines(self.connection, self.folders, wires, self.host)
        self.migrations = Migrations(self.machines, settings)

    # what there is

    def missing(self) -> list[str]:
        lacks = [*lacks_of(self.settings), *qemu_img.missing(), *lacks_library()]
        try:
            self.connection.get()
        except GuestFailed as error:
            lacks.append(str(error))
        return lacks

    def close(self, *, found: bool = True) -> None:
        self.connection.close(found=found)

    def stock(self) -> dict[str, Any]:
        folder = self._prepared()
        return stock_of(self.connection.get(), folder, self.settings, self.host)

    def power_states(self) -> dict[str, Power]:
        states = self.machines.power_states()
        for server_id in states:
            folder = self.folders.of(server_id)
            folder.trim_console()
            thaw_overdue(functools.partial(self.machines.get, server_id), folder)
        return states

    # a guest's life

    def spawn(self, guest: Mapping[str, Any], image: Path | None) -> None:
        check_demands(guest, abilities_of_machine(self.settings))
        self._prepared()
        server_id = str(guest["server_id"])
        with self.machines.working(server_id):
            try:
                self._make(guest, image)
                self.machines.start(guest)
            except BaseException:
                self.destroy(server_id)
                raise

    def destroy(self, server_id: str) -> None:
        with self.machines.working(server_id):
            self.machines.forget(server_id)
            self.wires.unplug_all(server_id)
            self.folders.of(server_id).remove()

    def change_power(self, server_id: str, change: str, *, timeout: int = 60) -> None:
        self.machines.get(server_id)
        changes = {
            "start": self._start,
            "resume": self._start,
            "reset": self._reset,
            "pause": self._pause,
            "unpause": self._unpause,
            "suspend": self._suspend,
        }
        with self.machines.working(server_id):
            if change == "stop":
                self._stop(server_id, timeout)
            elif change == "reboot":
                self._stop(server_id, timeout)
                self._start(server_id)
            else:
                changes[change](server_id)

    def rescue(self, guest: Mapping[str, Any], image: Path) -> None:
        server_id = str(guest["server_id"])
        folder = self.folders.of(server_id)
        check_rescue_disk(guest.get("rescue_disk") or {})
        self.machines.get(server_id)
        with self.machines.working(server_id):
            self._stop(server_id, self.settings.stop_seconds)
            make_root(folder, image, 0, name=RESCUE)
            make_config_drive(folder, {**guest, "config_drive": True}, name=RESCUE_CONFIG)
            beside = guest.get("rescue_disk") or {}
            self.machines.start(folder.change(rescued=True, rescue_disk=beside))

    def unrescue(self, guest: Mapping[str, Any]) -> None:
        server_id = str(guest["server_id"])
        folder = self.folders.of(server_id)
        self.machines.get(server_id)
        with self.machines.working(server_id):
            if folder.known().get("rescued"):
                self.machines.kill(server_id)
                folder.change(rescued=False)
            for name in (RESCUE, RESCUE_BASE, RESCUE_CONFIG):
                folder.file(name).unlink(missing_ok=True)
            self.machines.start(folder.known())

    def set_password(self, server_id: str, password: str) -> None:
        domain = self.machines.running(server_id, "the password could not be changed")
        guest = self.folders.of(server_id).known()
        user = (guest.get("properties") or {}).get("os_admin_user") or "root"
        try:
            with library.said("the password could not be changed"):
                domain.setUserPassword(str(user), password)
        except GuestFailed as error:
            raise Unsupported(str(error)) from None

    def crash(self, server_id: str) -> None:
        domain = self.machines.running(server_id, "no interrupt could be sent")
        with library.said("no interrupt could be sent"):
            domain.injectNMI()

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        return diagnostics_of(self.machines.get(server_id), accelerated=self.host.accelerated)

    # disks and NICs

    def attach_disk(self, server_id: str, disk: Mapping[str, Any]) -> None:
        devices.attach_disk(self.machines, server_id, disk)

    def detach_disk(self, server_id: str, volume_id: str) -> None:
        devices.detach_disk(self.machines, server_id, volume_id)

    def swap_disk(self, server_id: str, volume_id: str, disk: Mapping[str, Any]) -> None:
        devices.swap_disk(self.machines, server_id, volume_id, disk)

    def grow_disk(
        self, server_id: str, volume_id: str, size_gb: int, show: Callable[[], None]
    ) -> None:
        devices.grow_disk(self.machines, server_id, volume_id, size_gb, show)

    def attach_nic(self, server_id: str, nic: Mapping[str, Any]) -> None:
        devices.attach_nic(self.machines, server_id, nic)

    def detach_nic(self, server_id: str, port_id: str) -> None:
        devices.detach_nic(self.machines, server_id, port_id)

    def snapshot(self, server_id: str, target: Path) -> str:
        folder = self.folders.of(server_id)
        root = folder.file(ROOT)
        domain = self.machines.get(server_id)
        if not root.exists():
            raise GuestFailed("the guest has no disk of its own", "no_disk")
        target.unlink(missing_ok=True)
        if domain.isActive():
            guest = folder.known()
            check_quiesce(guest)
            thaw_left(domain, folder)
            still = functools.partial(quiesced, domain, folder, guest)
            copy = root.with_name(COPY)  # where QEMU, which may be another user, comes to
            _copy_running(domain, root, copy, still)
            copy.replace(target)
        else:
            qemu_img.make_copy(disk_of(root), target)
        return "qcow2"

    def freeze(self, server_id: str, seconds: float, whom: str) -> None:
        domain, folder = self.machines.running(server_id, FREEZING), self.folders.of(server_id)
        if not has_agent(folder.known()):
            raise Unsupported(f"{FREEZING}: its image has no hw_qemu_guest_agent")
        freeze(domain, folder, seconds, whom)

    def thaw(self, server_id: str, whom: str) -> bool:
        return thaw(self.machines.get(server_id), self.folders.of(server_id), whom)

    def use_certificates(self) -> str | None:
        state = Path(self.settings.state_dir)
        if not certificates.are_there(state):
            return None
        if self.settings.pki_dir:
            certificates.put_into(Path(self.settings.pki_dir), state)
            user = self.connection.user_of_qemu()
            certificates.give_to(Path(self.settings.pki_dir), *user)
        return self.connection.read_certificates()

    # consoles

    def read_console(self, server_id: str) -> str:
        self.machines.get(server_id)
        return self.folders.of(server_id).read_console()

    def console(self, server_id: str, kind: str) -> Path:
        if kind not in SOCKETS:
            raise Unsupported(f"guests of this host have no console {kind}")
        self.machines.running(server_id, "there is no console")
        path = self.folders.of(server_id).file(SOCKETS[kind])
        if not path.exists():
            raise Unsupported(f"the guest has no console {kind}")
        return path

    # moves while it is off

    def pack(self, server_id: str, folder: Path) -> None:
        self.machines.get(server_id)
        own = self.folders.of(server_id)
        if has_tpm(own.known()):
            raise Unsupported("a guest with a TPM stays as it is on its host, which has its secret")
        with self.machines.working(server_id):
            self._stop(server_id, self.settings.stop_seconds)
            for path in own_disks(own, own.known()):
                qemu_img.make_copy(disk_of(path), folder / path.name)
            for name in (CONFIG, NVRAM):
                if own.file(name).exists():
                    shutil.copyfile(own.file(name), folder / name)

    def unpack(self, guest: Mapping[str, Any], folder: Path, *, running: bool) -> None:
        check_demands(guest, abilities_of_machine(self.settings))
        self._prepared()
        server_id = str(guest["server_id"])
        with self.machines.working(server_id):
            try:
                own = self.folders.of(server_id)
                own.make()
                for path in sorted(folder.iterdir()):
                    shutil.copyfile(path, own.file(path.name))
                    own.file(path.name).chmod(0o600)
                grow_root(own, int(guest["root_gb"]))
                make_blanks(own, guest)
                own.keep(guest)
                self.machines.keep_passwords(guest)
                if running:
                    self.machines.start(guest)
                else:
                    self.machines.define(guest)
            except BaseException:
                self.destroy(server_id)
                raise

    # moves while it runs

    def live_prepare(
        self, guest: Mapping[str, Any], sizes: Mapping[str, int], files: Path | None = None
    ) -> dict[str, Any]:
        check_demands(guest, abilities_of_machine(self.settings))
        self._prepared()
        return self.migrations.prepare(guest, sizes, files)

    def live_files(self, server_id: str) -> Sequence[Path]:
        self.machines.get(server_id)
        config = self.folders.of(server_id).file(CONFIG)
        return [config] if config.exists() else []

    def live_disks(self, server_id: str) -> dict[str, int]:
        self.machines.get(server_id)
        return self.migrations.disks(server_id)

    def live_start(self, server_id: str, to: Mapping[str, Any], *, copy_disks: bool) -> None:
        self.migrations.start(server_id, to, copy_disks=copy_disks)

    def live_progress(self, server_id: str) -> dict[str, Any]:
        return self.migrations.progress(server_id)

    def live_abort(self, server_id: str) -> None:
        self.migrations.abort(server_id)

    def live_force(self, server_id: str) -> None:
        self.migrations.force(server_id)

    def live_finish(self, guest: Mapping[str, Any]) -> None:
        self.migrations.finish(guest)

    # steps

    def _prepared(self) -> Path:
        """The folder of the guests. QEMU, which may be another user, passes through it."""
        self.folders.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        for path in (self.folders.path.parent, self.folders.path):
            path.chmod(0o711)
        return self.folders.path

    def _make(self, guest: Mapping[str, Any], image: Path | None) -> Folder:
        folder = self.folders.of(str(guest["server_id"]))
        folder.make()
        if image is not None:
            make_root(folder, image, int(guest["root_gb"]))
        make_blanks(folder, guest)
        make_config_drive(folder, guest)
        folder.keep(guest)
        self.machines.make_secret(guest)
        self.machines.keep_passwords(guest)
        return folder

    def _start(self, server_id: str) -> None:
        self.machines.start(self.folders.of(server_id).known())

    def _stop(self, server_id: str, timeout: float) -> None:
        if not self.machines.shut_down(server_id, timeout):
            self.machines.kill(server_id)

    def _reset(self, server_id: str) -> None:
        self.machines.kill(server_id)
        self._start(server_id)

    def _pause(self, server_id: str) -> None:
        domain = self.machines.running(server_id, "the guest could not be paused")
        if power_of(domain) == Power.RUNNING:
            with library.said("the guest could not be paused"):
                domain.suspend()

    def _unpause(self, server_id: str) -> None:
        domain = self.machines.running(server_id, "the guest could not go on")
        if power_of(domain) == Power.PAUSED:
            with library.said("the guest could not go on"):
                domain.resume()

    def _suspend(self, server_id: str) -> None:
        """To a file, so that it survives a reboot of the host."""
        domain = self.machines.get(server_id)
        if domain.isActive():
            with library.said("the guest could not be suspended"):
                domain.managedSave(0)


def _copy_running(
    domain: Any, root: Path, target: Path, still: Callable[[], AbstractContextManager[None]]
) -> None:
    """Copy the disk to the file while the guest writes on; what counts is the end of the copy, when
    it stands ``still``.
    """
    name = devices.root_target(domain, root)
    size = qemu_img.virtual_size_of(root)
    target.unlink(missing_ok=True)
    qemu_img.make_blank(target, size)
    place = place_element(Drive(path=target, format="qcow2", target="", bus=""))
    with library.said("the disk could not be copied"), copied(domain, name, place), still():
        domain.blockJobAbort(name)
