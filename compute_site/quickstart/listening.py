"""Where the quickstart listens: who can reach it there, and by which names."""

from __future__ import annotations

import dataclasses
import errno
import ipaddress
import shlex
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from compute_site.quickstart.start import QuickstartError

ALLOWED_HOSTS = "COMPUTE_SITE_ALLOWED_HOSTS"
ANYWHERE = ("192.0.2.1", "2001:db8::1")
"""Addresses of no machine (RFC 5737, RFC 3849), to ask which address leads out of this one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listener:
    """``host`` is what the operator gave, ``address`` the IP address that it stands for."""

    host: str
    address: str
    port: int

    @property
    def is_private(self) -> bool:
        """Only programs of this machine can come here."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def is_everywhere(self) -> bool:
        """Every address of this machine leads here."""
        return ipaddress.ip_address(self.address).is_unspecified

    @property
    def bound(self) -> str:
        """Address and port as gunicorn wants them."""
        return self._root_at(self.address).removeprefix("http://")

    @property
    def own_root(self) -> str:
        """The URL of the site for programs of this machine."""
        if self.is_everywhere:
            return self._root_at("::1" if ":" in self.address else "127.0.0.1")
        return self._root_at(self.host)

    @property
    def shown_root(self) -> str:
        """The URL of the site for those who are meant to reach it."""
        return self._root_at(_outer_address()) if self.is_everywhere else self.own_root

    def allowed_hosts(
        self, known: Sequence[str], environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The hosts that requests may name: ``known``, and the one that is listened on.

        Who listens everywhere is reached by names that only those around know, so that all are
        allowed, unless the operator has chosen some.
        """
        chosen = {ALLOWED_HOSTS, f"{ALLOWED_HOSTS}_FILE"} & environment.keys()
        if self.is_everywhere and not chosen:
            return ("*",)
        own = self.own_root.removeprefix("http://").removesuffix(f":{self.port}")
        return (*known, *(() if own in known else (own,)))

    def check(self) -> None:
        """Fail early, and clearly, when something else listens there.

        Raises:
            QuickstartError: the address is in use or not ours.
        """
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.address, self.port))
            except OSError as error:
                advice = "Choose another address with --host or --port."
                if error.errno == errno.EADDRINUSE:
                    advice = f"{_holder_of(self.port)} Choose another port with --port."
                raise QuickstartError(
                    f"Cannot listen on {self.host}:{self.port}: {error.strerror}. {advice}"
                ) from error

    def _root_at(self, host: str) -> str:
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def find_listener(host: str, port: int) -> Listener:
    """The place that ``--host`` and ``--port`` name.

    Raises:
        QuickstartError: there is no such port, or nothing has this name.
    """
    if not 0 < port < 65536:
        raise QuickstartError(f"Cannot listen on port {port}: choose one from 1 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise QuickstartError(
            f"Cannot listen on {host}: {error}. Choose another address with --host."
        ) from error
    # a name such as localhost may have an address of each family
    return Listener(host, str(min(found, key=lambda entry: entry[0])[4][0]), port)


def _holder_of(port: int) -> str:
    """Who listens there, as far as the system tells us."""
    try:
        taken = psutil.net_connections("tcp")
    except psutil.Error:  # some systems tell root alone
        return "Is the site running already?"
    pids = {one.pid for one in taken if one.laddr and one.laddr.port == port and one.pid}
    if not pids:
        return "A process of another user listens there."
    return f"Is the site running already? {_describe(min(pids))}"


def _describe(pid: int) -> str:
    """The process; of a site, the quickstart that has started it."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.parents()]
    except psutil.Error:
        return f"Process {pid} listens there."
    for one in family:
        if _is_quickstart(_words_of(one)):
            return f"Process {one.pid} serves there (make stop, or compute-site stop, ends it)."
    words = _words_of(process)
    first = [one for one in family if _words_of(one) == words][-1]  # they share the socket
    return f"Process {first.pid} listens there: {shlex.join(words)[:200]}."


def _is_quickstart(words: Sequence[str]) -> bool:
    programs = {Path(word).name for word in words}
    if "manage.py" in programs:
        return "quickstart" in words
    return "run" in words and bool(programs & {"compute-site", "compute_site"})


def _words_of(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words


def _outer_address() -> str:
    """The address by which others most likely reach this machine; nothing is sent."""
    for target in ANYWHERE:
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
            except OSError:
                continue
            return str(probe.getsockname()[0])
    return socket.gethostname()
