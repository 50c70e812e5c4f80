"""A libvirtd of the agent's own, for machines on which nothing else starts one, and for those whose
own libvirtd shall not be touched: its configuration, sockets and what it remembers lie in the state
folder of the agent.

It lives in a mount namespace in which the folders of libvirt are its own. Guests outlive it, and it
outlives the agent; the next one finds them again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

from servers.agent.certificates import FOLDER, OF_GUESTS, are_there
from servers.agent.failures import GuestFailed
from servers.agent.machine import boot_id

START_SECONDS = 30.0
END_SECONDS = 10.0
LOOK_SECONDS = 0.05
LONGEST_SOCKET = 107
"""Characters that the path of a Unix socket may have."""
BOUND = {"run": "/run/libvirt", "lib": "/var/lib/libvirt", "cache": "/var/cache/libvirt"}
ETC = "/etc/libvirt"
ACCOUNTS = {
    "passwd": "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n",
    "group": "libvirt-qemu:x:64055:\n",
}
"""libvirt does not start where this user is not known, though guests run as root here."""
QEMU_CONF = """
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = [ ]
namespaces = [ ]
security_driver = "none"
stdio_handler = "file"
"""
LIBVIRTD_CONF = """
listen_tcp = 0
unix_sock_dir = "{folder}/sock"
auth_unix_rw = "none"
log_outputs = "3:file:{folder}/libvirtd.log"
host_uuid = "{host_uuid}"
"""
LISTENING = """
listen_tls = 1
listen_addr = "{address}"
key_file = "{pki}/serverkey.pem"
cert_file = "{pki}/servercert.pem"
ca_file = "{pki}/cacert.pem"
tls_no_sanity_certificate = 1
"""
"""Only hosts with a certificate of the same site get an answer. libvirtd starts with one that has
ended as well: the agent needs it, and renews the certificate.
"""
QEMU_MIGRATES = """
migration_address = "{address}"
migration_host = "{address}"
"""
QEMU_TLS = """
default_tls_x509_cert_dir = "{pki}"
default_tls_x509_verify = 1
"""
"""Memory and disks of guests go to QEMU of hosts alone that have a certificate of the same site."""
INSIDE = """set -e
umask 066
cd /
{binds}
exec libvirtd $2 -f "$1/libvirtd.conf" -p "$1/libvirtd.pid"
"""
"""Files are for root alone. Folders can be passed by others: swtpm, a user of its own, has its
state below one of libvirt's.
"""


class OwnDaemon:
    """In the state folder of the agent. With an ``address``, and where the host has a certificate,
    it takes guests of other hosts there.
    """

    def __init__(self, state: Path, *, address: str = "") -> None:
        self.state = state
        self.folder = state / "libvirtd"
        self.address = address

    @property
    def _listens(self) -> bool:
        return bool(self.address) and are_there(self.state)

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self._socket}"

    @property
    def admin_uri(self) -> str:
        return f"libvirtd:///system?socket={self.folder}/sock/libvirt-admin-sock"

    @property
    def _socket(self) -> Path:
        return self.folder / "sock" / "libvirt-sock"

    def missing(self) -> list[str]:
        lacks = [
            f"the program {name} (Debian: {package})"
            for name, package in (("libvirtd", "libvirt-daemon"), ("unshare", "util-linux"))
            if shutil.which(name) is None
        ]
        if os.geteuid() != 0:
            lacks.append("only root starts a libvirtd")
        return [*lacks, *self.misplaced()]

    def misplaced(self) -> list[str]:
        """What speaks against this folder, whatever is installed."""
        if len(str(self._socket)) <= LONGEST_SOCKET:
            return []
        return [f"a shorter state folder: {self._socket} is too long for a socket"]

    def start(self) -> bool:
        """Start it, if it does not run; did it not?

        Raises:
            GuestFailed: it does not start; the text says why.
        """
        if self.pid() is not None:
            return False
        lacks = self.missing()
        if lacks:
            raise GuestFailed(f"no libvirtd can be started here: {'; '.join(lacks)}", "no_libvirt")
        self._prepare()
        output = self.folder / "libvirtd.out"
        with output.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - words of ours
                ["/usr/bin/unshare", "-m", "sh", "-c", _inside(), "sh", *self._words()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.wait()
                said = output.read_text(errors="replace").strip()[-300:]
                raise GuestFailed(f"libvirtd does not start: {said}", "no_libvirt")
            time.sleep(LOOK_SECONDS)
        return True

    def end(self) -> None:
        """End it. Guests that run go on."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while self.pid() is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(LOOK_SECONDS)

    def pid(self) -> int | None:
        """Of the libvirtd that runs."""
        try:
            pid = int((self.folder / "libvirtd.pid").read_text(encoding="ascii"))
            with contextlib.suppress(ChildProcessError):  # it may be ours, and have ended
                os.waitpid(pid, os.WNOHANG)
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if f"{self.folder}/libvirtd.conf".encode() in words else None

    def _words(self) -> list[str]:
        return [str(self.folder), "-l" if self._listens else ""]

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        booted = self.folder / "boot_id"
        if not booted.exists() or booted.read_text(encoding="ascii") != boot_id():
            shutil.rmtree(self.folder / "run", ignore_errors=True)  # of machines that are gone
            booted.write_text(boot_id(), encoding="ascii")
        for name in (*BOUND, "etc", "sock"):
            (self.folder / name).mkdir(exist_ok=True)
        self._socket.unlink(missing_ok=True)
        address = {"address": self.address, "pki": self.state / FOLDER}
        more = QEMU_MIGRATES.format(**address) if self.address else ""
        if are_there(self.state, OF_GUESTS):
            more += QEMU_TLS.format(pki=self.state / FOLDER / OF_GUESTS.folder)
        (self.folder / "etc" / "qemu.conf").write_text(QEMU_CONF + more, encoding="utf-8")
        own = self.folder / "host_uuid"
        if not own.exists():
            own.write_text(str(uuid.uuid4()), encoding="ascii")
        facts = {"folder": self.folder, "host_uuid": own.read_text(encoding="ascii")}
        text = LIBVIRTD_CONF.format(**facts)
        text += LISTENING.format(**address) if self._listens else "listen_tls = 0\n"
        (self.folder / "libvirtd.conf").write_text(text, encoding="utf-8")
        for name, line in ACCOUNTS.items():
            known = Path("/etc", name).read_text(encoding="utf-8")
            more = "" if "libvirt-qemu:" in known else line
            (self.folder / name).write_text(known + more, encoding="utf-8")


def _inside() -> str:
    """What is done in its mount namespace; ``$1`` is its folder."""
    folders = " ".join((*BOUND.values(), ETC))
    lines = [f"mkdir -p {folders}"]
    lines += [f'mount --bind "$1/{one}" {at}' for one, at in {**BOUND, "etc": ETC}.items()]
    lines += [f'mount --bind "$1/{name}" /etc/{name}' for name in ACCOUNTS]
    return INSIDE.format(binds="\n".join(lines))
