"""The domains of this host's guests: found, defined, started, ended. Those of others are not
touched.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.connections import iscsi_of, passwords_of
from servers.agent.hypervisor.libvirt.demands import Demands, demands_of
from servers.agent.hypervisor.libvirt.domain import Host, Link, domain_xml, nic_limits
from servers.agent.hypervisor.libvirt.drives import drives_of
from servers.agent.hypervisor.libvirt.folders import Folders
from servers.agent.hypervisor.libvirt.library import Connection, is_missing, lib, said
from servers.agent.hypervisor.protocol import NoGuest, Power
from servers.agent.network.protocol import Wires

LOOK_SECONDS = 0.1
PRESS_SECONDS = 5.0
"""A guest that starts does not hear its power button yet, so that it is pressed again."""
QUEUES_AT_MOST = 8


class Machines:
    def __init__(self, connection: Connection, folders: Folders, wires: Wires, host: Host) -> None:
        self.connection = connection
        self.folders = folders
        self.wires = wires
        self.host = host
        self.lock = threading.Lock()
        self.busy: dict[str, Power | None] = {}
        """Guests with which something goes on, and what they were before."""

    # finding

    def find(self, server_id: str) -> Any:
        """The domain of a guest of this host; ``None``: it has none now."""
        if not self.folders.of(server_id).path.is_dir():
            return None
        try:
            return self.connection.get().lookupByUUIDString(server_id)
        except lib.libvirtError as error:
            if is_missing(error):
                return None
            raise

    def get(self, server_id: str) -> Any:
        """The domain; one that somebody has removed is made again. Raises ``NoGuest``."""
        folder = self.folders.of(server_id)
        if not folder.is_known():
            raise NoGuest(server_id)
        domain = self.find(server_id)
        return domain if domain is not None else self.define(folder.known())

    def power_states(self) -> dict[str, Power]:
        with self.lock:
            busy = dict(self.busy)
        known = {folder.path.name for folder in self.folders}
        found: dict[str, Power] = dict.fromkeys(known, Power.SHUT_DOWN)
        for domain in self.connection.get().listAllDomains():
            server_id = domain.UUIDString()
            if server_id in known:
                try:
                    found[server_id] = power_of(domain)
                except lib.libvirtError as error:
                    if not is_missing(error):
                        raise
                    del found[server_id]  # it has just left, or ended: the next look tells
        for server_id, before in busy.items():
            if before is None:
                found.pop(server_id, None)
            elif server_id in found:
                found[server_id] = before
        return found

    def power(self, server_id: str) -> Power | None:
        domain = self.find(server_id)
        return None if domain is None else power_of(domain)

    @contextlib.contextmanager
    def working(self, server_id: str) -> Iterator[None]:
        """Meanwhile nobody is told of states that the guest only passes through."""
        before = self.power(server_id) if self.folders.of(server_id).is_known() else None
        with self.lock:
            self.busy[server_id] = before
        try:
            yield
        finally:
            with self.lock:
                self.busy.pop(server_id, None)

    # making

    def xml_of(self, guest: Mapping[str, Any]) -> str:
        """Its NICs are plugged by this."""
        folder = self.folders.of(str(guest["server_id"]))
        return domain_xml(
            guest,
            host=self.host,
            folder=folder.path,
            drives=drives_of(folder, guest, self.host.machine),
            links=self.links_of(guest),
        )

    def links_of(self, guest: Mapping[str, Any]) -> list[Link]:
        return [self.link_of(guest, nic) for nic in guest.get("nics") or ()]

    def link_of(self, guest: Mapping[str, Any], nic: Mapping[str, Any]) -> Link:
        plugged = self.wires.plug(str(guest["server_id"]), nic)
        demands = demands_of(guest)
        return Link(
            mac=str(nic["mac"]),
            bridge=plugged.bridge,
            tap=plugged.tap,
            mtu=plugged.mtu,
            model=demands.word("vif_model", "virtio").lower(),
            queues=_queues(guest, demands),
            limits=nic_limits(demands),
        )

    def define(self, guest: Mapping[str, Any]) -> Any:
        xml = self.xml_of(guest)
        with said("the guest could not be described to libvirt"):
            return self.connection.get().defineXML(xml)

    def make_secret(self, guest: Mapping[str, Any]) -> None:
        """That of its TPM, if it has one; it stays on this host until the guest is forgotten."""
        server_id = str(guest["server_id"])
        if not has_tpm(guest) or self._secret(server_id) is not None:
            return
        xml = (
            f"<secret ephemeral='no' private='yes'><uuid>{server_id}</uuid>"
            f"<usage type='vtpm'><name>{server_id}</name></usage></secret>"
        )
        with said("the secret of the TPM could not be made"):
            self.connection.get().secretDefineXML(xml).setValue(secrets.token_hex(32).encode())

    def keep_passwords(self, guest: Mapping[str, Any]) -> None:
        """Those of its volumes, which libvirt tells QEMU; they stay on this host until the volumes
        go.
        """
        for iscsi, password in passwords_of(guest):
            xml = (
                f"<secret ephemeral='no' private='yes'><uuid>{iscsi.secret_id}</uuid>"
                f"<usage type='iscsi'><target>{iscsi.target}</target></usage></secret>"
            )
            with said("the password of a volume could not be kept"):
                self.connection.get().secretDefineXML(xml).setValue(password.encode())

    def forget_passwords(self, disks: Iterable[Mapping[str, Any]]) -> None:
        for iscsi in filter(None, map(iscsi_of, disks)):
            secret = self._secret(iscsi.secret_id)
            if secret is not None:
                with said("the password of a volume could not be removed"):
                    secret.undefine()

    def _secret(self, secret_id: str) -> Any:
        try:
            return self.connection.get().secretLookupByUUIDString(secret_id)
        except lib.libvirtError:
            return None

    def start(self, guest: Mapping[str, Any], *, paused: bool = False) -> None:
        """From what the guest is to be now; one that was suspended goes on where it was."""
        server_id = str(guest["server_id"])
        domain = self.find(server_id)
        if domain is not None and power_of(domain) == Power.SUSPENDED:
            self.links_of(guest)
        else:
            domain = self.define(guest)
        if not domain.isActive():
            self.folders.of(server_id).give_way_to(*self.connection.user_of_qemu())
            with said("the guest could not be started"):
                domain.createWithFlags(lib.VIR_DOMAIN_START_PAUSED if paused else 0)

    # ending

    def kill(self, server_id: str) -> None:
        """At once; a guest that does not run, or was suspended, is off afterwards."""
        domain = self.find(server_id)
        if domain is None:
            return
        with said("the guest could not be stopped"):
            if domain.isActive():
                with ignoring(lib.VIR_ERR_OPERATION_INVALID):
                    domain.destroy()
            if domain.hasManagedSaveImage():
                domain.managedSaveRemove()

    def shut_down(self, server_id: str, timeout: float) -> bool:
        """Press the power button; did the guest obey in time?"""
        domain = self.find(server_id)
        if domain is None or not domain.isActive():
            return True
        if timeout <= 0 or power_of(domain) != Power.RUNNING:
            return False

        def press() -> None:
            with ignoring(lib.VIR_ERR_OPERATION_INVALID):  # it is off by now
                domain.shutdown()

        with said("the guest could not be stopped"):
            return wait_for(lambda: not domain.isActive(), timeout, again=press)

    def forget(self, server_id: str) -> None:
        """The domain, with all that libvirt keeps of it."""
        domain = self.find(server_id)
        self.forget_passwords(self.folders.of(server_id).disks())
        if domain is None:
            return
        self.kill(server_id)
        flags = (
            lib.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
            | lib.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
            | lib.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
            | lib.VIR_DOMAIN_UNDEFINE_NVRAM
        )
        with (
            said("the guest could not be removed"),
            ignoring(lib.VIR_ERR_NO_DOMAIN, lib.VIR_ERR_OPERATION_INVALID),
        ):
            domain.undefineFlags(flags)
        secret = self._secret(server_id)
        if secret is not None:
            with said("the secret of the TPM could not be removed"):
                secret.undefine()

    def running(self, server_id: str, doing: str) -> Any:
        """The domain of a guest that is not off."""
        domain = self.get(server_id)
        if not domain.isActive():
            raise GuestFailed(f"{doing}: the guest does not run", "not_running")
        return domain


def power_of(domain: Any) -> Power:
    state, reason = domain.state()
    if state == lib.VIR_DOMAIN_PAUSED:
        passing = (lib.VIR_DOMAIN_PAUSED_MIGRATION, lib.VIR_DOMAIN_PAUSED_STARTING_UP)
        more = (lib.VIR_DOMAIN_PAUSED_SAVE, lib.VIR_DOMAIN_PAUSED_SNAPSHOT)
        return Power.RUNNING if reason in (*passing, *more) else Power.PAUSED
    if state == lib.VIR_DOMAIN_SHUTOFF:
        return Power.SUSPENDED if domain.hasManagedSaveImage() else _off(reason)
    if state in (lib.VIR_DOMAIN_RUNNING, lib.VIR_DOMAIN_BLOCKED, lib.VIR_DOMAIN_SHUTDOWN):
        return Power.RUNNING
    if state == lib.VIR_DOMAIN_CRASHED:
        return Power.CRASHED
    return Power.SUSPENDED if state == lib.VIR_DOMAIN_PMSUSPENDED else Power.NO_STATE


def wait_for(
    condition: Callable[[], bool], timeout: float, *, again: Callable[[], None] | None = None
) -> bool:
    """Did it come true in time? ``again`` is done at once and every few seconds."""
    deadline = time.monotonic() + timeout
    pressed = float("-inf")
    while not condition():
        now = time.monotonic()
        if now > deadline:
            return False
        if again is not None and now - pressed >= PRESS_SECONDS:
            again()
            pressed = now
        time.sleep(LOOK_SECONDS)
    return True


@contextlib.contextmanager
def ignoring(*codes: int) -> Iterator[None]:
    """Refusals that say that things are as they shall be."""
    try:
        yield
    except lib.libvirtError as error:
        if error.get_error_code() not in codes:
            raise


def has_tpm(guest: Mapping[str, Any]) -> bool:
    return bool(demands_of(guest).word("tpm_version"))


def _off(reason: int) -> Power:
    return Power.CRASHED if reason == lib.VIR_DOMAIN_SHUTOFF_CRASHED else Power.SHUT_DOWN


def _queues(guest: Mapping[str, Any], demands: Demands) -> int:
    return min(int(guest["vcpus"]), QUEUES_AT_MOST) if demands.flag("vif_multiqueue_enabled") else 1
