"""What the agent is told when its host joins, and keeps in its state folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from servers.agent.files import read_json, write_durably

STATE_DIR = "/var/lib/compute-site-agent"


class NotJoined(Exception):
    """The folder holds no settings; the text says what to do."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``agent.json``; all of it can be changed by hand while the agent does not run."""

    site: str
    """Scheme, host and port of the site."""
    host: str
    hypervisor: str
    state_dir: str
    ca_file: str | None = None
    """Certificates that the site's is checked against; those of the system if there are none."""
    max_spawns: int = 4
    """Orders that are carried out at once."""
    image_cache_gb: int = 20
    """GiB of images that are kept to make further guests of; the least used go first."""
    idle_seconds: float = 1.0
    """The least time between two questions for orders that find none."""
    watch_seconds: float = 2.0
    """How often power states are looked at."""
    report_seconds: float = 60.0
    """How often the site is told of all guests."""
    network: str = "none"
    """What carries packets of guests: ``bridge``, or ``none``."""
    libvirt_uri: str = "qemu:///system"
    """Which libvirtd runs the guests (hypervisor ``libvirt``)."""
    own_libvirtd: bool = False
    """Does the agent start a libvirtd of its own, in its state folder, in place of that?"""
    accel: str = "auto"
    """``kvm``, ``tcg`` (emulation), or what the machine can do."""
    machine: str = ""
    """The machine type of guests whose image names none; empty: ``pc``."""
    cpu_model: str = ""
    """A name of libvirt's, ``host-model`` or ``host-passthrough``; empty: the host's own with KVM,
    QEMU's in emulation.
    """
    reserved_memory_mb: int = 512
    """MiB that guests do not get."""
    dedicated_cpus: str = ""
    """CPUs that guests may have for themselves (``2-7,10``); guests that share CPUs use the others.
    """
    pci_devices: str = ""
    """PCI devices that guests may get: addresses (``0000:3b:00.1``), or vendor and product
    (``8086:1572``), separated by commas.
    """
    stop_seconds: int = 60
    """How long a guest may take to shut down before it is moved, rescued or ended by the agent."""
    resume_guests_state_on_host_boot: bool = False
    """Are guests that ran when the machine ended started again with it? Else they stay off."""
    stop_guests_after_seconds: int = 0
    """How long guests may run while the site does not answer heartbeats; 0: for ever."""
    migration_address: str = ""
    """Where other hosts send guests that migrate live; empty: none are taken."""
    migration_uri: str = ""
    """libvirtd, as other hosts reach it; empty: TLS at ``migration_address``."""
    pki_dir: str = ""
    """Where certificates are put as well, for a libvirtd that is not the agent's (``/etc/pki``)."""
    uplink: str | None = None
    """A bridge of this host on which routers and floating addresses lead out."""
    physical_networks: str = ""
    """The physical networks that this host is on, each with its bridge or interface:
    ``physnet1:br-ex,physnet2:eth1``.
    """
    tunnel_address: str | None = None
    """The address of this host at which other hosts reach its guests; without one they do not."""
    metadata: bool = True
    """Does this host answer guests that ask 169.254.169.254?"""
    network_run_dir: str = "/run/compute-site-agent"
    """Files of the DHCP servers of networks; they are made again after each start of the host."""
    console_listen: str = ""
    """ADDRESS:PORT where proxies reach consoles of guests; empty: they do not."""
    pretend_delay: float = 0.0
    """How long each effect takes on the hypervisor ``pretend``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``identity.json``: how the host proves who it is. Nobody else may read it."""

    token: str = dataclasses.field(repr=False)
    epoch: int


def save(settings: Settings, identity: Identity) -> None:
    folder = Path(settings.state_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(folder / "agent.json", dataclasses.asdict(settings))
    save_identity(folder, identity)


def save_identity(folder: Path, identity: Identity) -> None:
    write_durably(folder / "identity.json", dataclasses.asdict(identity))


def load(folder: Path) -> tuple[Settings, Identity]:
    """Raises ``NotJoined``. Keys that are not known are those of another release."""
    settings, identity = read_json(folder / "agent.json"), read_json(folder / "identity.json")
    if settings is None or identity is None:
        raise NotJoined(f"This host has not joined a site (nothing in {folder}); see agent join.")
    known: dict[str, Any] = {
        field.name: settings[field.name]
        for field in dataclasses.fields(Settings)
        if field.name in settings
    }
    return Settings(**{**known, "state_dir": str(folder)}), Identity(**identity)
