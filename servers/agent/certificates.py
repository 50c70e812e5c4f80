"""The certificates of this host, by which others know its libvirtd and QEMU when guests migrate,
and the other way round. The keys never leave the machine. The site signs for a few hours, when the
host joins and again and again after that, so that what a host had is worth nothing soon after the
site has stopped to believe it.

QEMU has a key of its own, of another authority: who breaks out of a guest finds none that commands
the libvirtd of other hosts.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed

FOLDER = "pki"
"""In the state folder of the agent."""
OF_QEMU = "qemu"
"""In that folder, as QEMU calls files."""
REQUEST = ("req", "-new", "-nodes", "-subj", "/CN=host")
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
SECONDS = 30
RENEW_SECONDS = 2 * 3600
"""So old a certificate may be; the site signs for longer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Of one authority: what libvirt or QEMU call them, and the words of the site. A host is server
    and client.
    """

    folder: str
    authority: str
    keys: tuple[str, ...]
    certificates: tuple[str, ...]
    asked: str
    told: tuple[str, str]


OF_HOST = Files(
    folder="",
    authority="cacert.pem",
    keys=("serverkey.pem", "clientkey.pem"),
    certificates=("servercert.pem", "clientcert.pem"),
    asked="certificate_request",
    told=("certificate", "authority"),
)
OF_GUESTS = Files(
    folder=OF_QEMU,
    authority="ca-cert.pem",
    keys=("server-key.pem", "client-key.pem"),
    certificates=("server-cert.pem", "client-cert.pem"),
    asked="guests_certificate_request",
    told=("guests_certificate", "guests_authority"),
)
KINDS = (OF_HOST, OF_GUESTS)


def make_requests(state: Path, *, renew: bool = False) -> dict[str, str]:
    """What the site is asked to sign, in PEM: for new keys, or for those that are there.

    Raises:
        GuestFailed: the program openssl cannot do it.
    """
    return {files.asked: _request(_folder(state, files), files, renew=renew) for files in KINDS}


def keep(state: Path, answer: Mapping[str, Any]) -> None:
    """What the site has signed, with the keys of ``make_requests``. Older sites sign less."""
    for files in KINDS:
        certificate, authority = (answer.get(name) for name in files.told)
        if certificate and authority:
            _keep(_folder(state, files), files, str(certificate), str(authority))


def are_there(state: Path, files: Files = OF_HOST) -> bool:
    return (state / FOLDER / files.folder / files.certificates[0]).exists()


def are_old(state: Path) -> bool:
    """Is it time for others, or are there none?"""
    try:
        written = (state / FOLDER / OF_HOST.certificates[0]).stat().st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= time.time() - written < RENEW_SECONDS


def put_into(place: Path, state: Path) -> None:
    """Into a folder such as ``/etc/pki``, where libvirt and QEMU look for them by themselves."""
    own = state / FOLDER
    libvirt = place / "libvirt"
    for source, target in (
        (own / "cacert.pem", place / "CA" / "cacert.pem"),
        (own / "servercert.pem", libvirt / "servercert.pem"),
        (own / "serverkey.pem", libvirt / "private" / "serverkey.pem"),
        *((own / OF_QEMU / name, place / OF_QEMU / name) for name in _names(OF_GUESTS)),
    ):
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            secret = source.name in (*OF_HOST.keys, *OF_GUESTS.keys)
            _replace(target, source.read_text(encoding="ascii"), 0o600 if secret else 0o644)


def give_to(place: Path, user: int, group: int) -> None:
    """The files of QEMU in ``place`` or in a state folder, which it reads as that user."""
    for name in _names(OF_GUESTS):
        path = place / OF_QEMU / name
        if path.exists():
            os.chown(path, user, group)


def with_certificate(uri: str, state: Path) -> str:
    """The libvirtd of another host, where ours shows the certificate of this host."""
    if not uri.startswith("qemu+tls:") or "?" in uri or not are_there(state):
        return uri
    return f"{uri}?pkipath={state / FOLDER}"


def _folder(state: Path, files: Files) -> Path:
    folder = state / FOLDER / files.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _names(files: Files) -> tuple[str, ...]:
    return (files.authority, *files.keys, *files.certificates)


def _request(folder: Path, files: Files, *, renew: bool) -> str:
    key = folder / files.keys[0]
    if renew and key.exists():
        words = ["openssl", *REQUEST, "-key", str(key)]
    else:
        words = ["openssl", *REQUEST, *NEW_KEY, "-keyout", str(folder / f".{files.keys[0]}")]
    try:
        done = subprocess.run(  # noqa: S603 - words of ours
            words, capture_output=True, text=True, check=False, timeout=SECONDS, umask=0o077
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuestFailed(f"no key for migrations could be made: {error}", "no_key") from None
    if done.returncode:
        said = done.stderr.strip()[-300:]
        raise GuestFailed(f"no key for migrations could be made: {said}", "no_key")
    return done.stdout


def _keep(folder: Path, files: Files, certificate: str, authority: str) -> None:
    draft = folder / f".{files.keys[0]}"
    if draft.exists():
        for name in files.keys:
            _replace(folder / name, draft.read_text(encoding="ascii"))
        draft.unlink()
    _replace(folder / files.authority, authority)
    for name in reversed(files.certificates):
        _replace(folder / name, certificate)


def _replace(path: Path, text: str, mode: int = 0o600) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    os.replace(draft, path)  # noqa: PTH105 - as elsewhere here
