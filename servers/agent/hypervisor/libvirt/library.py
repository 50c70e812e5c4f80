"""The library ``libvirt``: a connection that comes back, and its refusals in words.

The only module that imports it: who runs no guests by libvirt need not have it.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.libvirt.own_daemon import OwnDaemon
from servers.agent.hypervisor.protocol import Unsupported

lib: Any = None
"""The library; ``None``: it is not installed, as the extra "guests" of this project would do."""
with contextlib.suppress(ImportError):
    lib = import_module("libvirt")

SENTENCES = (
    ("Cannot allocate memory", "the host has not enough memory for it"),
    ("cannot set up guest memory", "the host has not enough memory for it"),
    ('Failed to get "write" lock', "a disk of it is in use by another guest"),
    ("Failed to get shared", "a disk of it is in use by another guest"),
    ("Could not access KVM kernel module", "the host offers no KVM"),
    ("failed to initialize kvm", "the host offers no KVM"),
    (
        "nodes select no CPUs",
        "AppArmor keeps the NUMA cells of the host from QEMU; run the line of add_host there again",
    ),
    ("is not viable", "the host itself uses a device of the same IOMMU group as its PCI device"),
    ("No such file or directory", "a file that it needs is not there"),
    ("Permission denied", "QEMU may not read a file that the guest needs"),
    (
        "Setting CPU affinity failed",
        "threads of QEMU have no CPU on a NUMA cell of which the guest has reserved pages",
    ),
    ("No more available PCI slots", "the guest has no slot left for another device"),
    ("guest agent is not", "no QEMU guest agent answers in the guest"),
    ("QEMU guest agent is not configured", "the image does not offer a QEMU guest agent"),
)
"""Parts of what libvirt and QEMU say, and what that means."""
LONGEST = 300
TELL_SECONDS = 30


class NoLibvirt(GuestFailed):
    """libvirt cannot be asked."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "no_libvirt")


class Connection:
    """Opens itself when it is needed, and again after libvirtd was restarted."""

    def __init__(self, uri: str, own: OwnDaemon | None = None) -> None:
        """``own``: one that is started where none runs; ``uri`` does not count then."""
        self.uri = own.uri if own is not None else uri
        self.own = own
        self.lock = threading.Lock()
        self.opened: Any = None
        self.has_started = False
        """A libvirtd of our own: it did not run before."""

    def get(self) -> Any:
        """Raises ``NoLibvirt``."""
        if lib is None:
            raise NoLibvirt("the Python package libvirt is not there (Debian: python3-libvirt)")
        with self.lock:
            if self.opened is None or not _is_alive(self.opened):
                lib.registerErrorHandler(_say_nothing, None)  # else each is printed
                if self.own is not None:
                    self.has_started = self.own.start() or self.has_started
                try:
                    self.opened = lib.open(self.uri)
                except lib.libvirtError as error:
                    raise NoLibvirt(f"libvirt does not answer at {self.uri}: {error}") from None
            return self.opened

    def user_of_qemu(self) -> tuple[int, int]:
        """User and group, by number, that guests run as."""
        with said("libvirt does not say what it can do"):
            told = ET.fromstring(self.get().getCapabilities())  # noqa: S314 - libvirt's own words
        return user_in(told)

    def read_certificates(self) -> str | None:
        """Let libvirtd read its certificates anew; why it does not, if so."""
        if not self.uri.startswith("qemu:///") and self.own is None:
            return f"libvirtd at {self.uri} has to be told to read its certificates"
        address = self.own.admin_uri if self.own is not None else "libvirtd:///system"
        words = ["virt-admin", "-c", address, "server-update-tls", "libvirtd"]
        try:
            done = subprocess.run(  # noqa: S603 - words of ours
                words, capture_output=True, text=True, check=False, timeout=TELL_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"libvirtd was not told of new certificates: {error}"
        return _line(done.stderr) if done.returncode else None

    def close(self, *, found: bool = True) -> None:
        """And end a libvirtd of our own; not one that was ``found`` running, if that is false."""
        with self.lock:
            if self.opened is not None:
                with contextlib.suppress(lib.libvirtError):
                    self.opened.close()
                self.opened = None
            if self.own is not None and (found or self.has_started):
                self.own.end()


@contextlib.contextmanager
def said(doing: str) -> Iterator[None]:
    """What libvirt refuses becomes ``GuestFailed``: what was done, and why it failed."""
    try:
        yield
    except lib.libvirtError as error:
        raise failure(doing, error) from None


def user_in(capabilities: ET.Element) -> tuple[int, int]:
    """As libvirt writes it, ``+64055:+64055``; root where it changes no owners."""
    models = capabilities.iterfind("host/secmodel")
    dac = next((model for model in models if model.findtext("model") == "dac"), None)
    label = dac.findtext("baselabel") if dac is not None else None
    user, _, group = (label or "+0:+0").partition(":")
    return int(user), int(group)


def failure(doing: str, error: Any) -> GuestFailed:
    text = str(error)
    why = next((sentence for part, sentence in SENTENCES if part in text), None)
    code = error.get_error_code()
    if code in (lib.VIR_ERR_CONFIG_UNSUPPORTED, lib.VIR_ERR_NO_SUPPORT):
        return Unsupported(f"{doing}: this host cannot do that ({_line(text)})")
    return GuestFailed(f"{doing}: {why or _line(text)}", "libvirt")


def is_missing(error: Any) -> bool:
    """Does it say that there is no such guest?"""
    return bool(error.get_error_code() == lib.VIR_ERR_NO_DOMAIN)


def _line(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


def _is_alive(connection: Any) -> bool:
    try:
        return bool(connection.isAlive() == 1)
    except lib.libvirtError:
        return False


def _say_nothing(_context: Any, _error: Any) -> None:
    """Errors are raised; nothing is printed as well."""
