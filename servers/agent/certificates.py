"""The certificate of this host, by which the libvirtd of others know its own, and the other way
round. The key never leaves the machine; the site signs when the host joins.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from servers.agent.failures import GuestFailed

FOLDER = "pki"
"""In the state folder of the agent."""
AUTHORITY = "cacert.pem"
KEYS = ("serverkey.pem", "clientkey.pem")
CERTIFICATES = ("servercert.pem", "clientcert.pem")
"""As libvirt calls them: a host is server and client."""
REQUEST = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
SECONDS = 30


def make_request(state: Path) -> str:
    """Make a key; what the site is asked to sign, in PEM.

    Raises:
        GuestFailed: the program openssl cannot do it.
    """
    folder = state / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{KEYS[0]}"
    words = ["openssl", *REQUEST, "-keyout", str(draft), "-subj", "/CN=host"]
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


def keep(state: Path, *, certificate: str, authority: str) -> None:
    """What the site has signed, with the key of ``make_request``."""
    folder = state / FOLDER
    draft = folder / f".{KEYS[0]}"
    for name in KEYS:
        _replace(folder / name, draft.read_text(encoding="ascii"))
    draft.unlink()
    for name in CERTIFICATES:
        _replace(folder / name, certificate)
    _replace(folder / AUTHORITY, authority)


def are_there(state: Path) -> bool:
    return (state / FOLDER / CERTIFICATES[0]).exists()


def with_certificate(uri: str, state: Path) -> str:
    """The libvirtd of another host, where ours shows the certificate of this host."""
    if not uri.startswith("qemu+tls:") or "?" in uri or not are_there(state):
        return uri
    return f"{uri}?pkipath={state / FOLDER}"


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="ascii")
    draft.chmod(0o600)
    os.replace(draft, path)  # noqa: PTH105 - as elsewhere here
