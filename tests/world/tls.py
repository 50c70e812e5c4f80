"""A web server with TLS before another one, with a certificate of a private authority."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "localhost"
PIECE = 1 << 16


@dataclasses.dataclass
class Front:
    """``authority``: the file with the certificate that its own is checked with. ``heard``: what
    came from clients, deciphered.
    """

    port: int
    authority: Path
    heard: bytearray

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"


@contextlib.contextmanager
def tls_before(port: int, folder: Path) -> Iterator[Front]:
    """Whoever speaks TLS with it speaks with 127.0.0.1:``port``."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, own = _make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        front = Front(listener.getsockname()[1], authority, bytearray())
        opened: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                opened.append(client)
                thread = threading.Thread(target=_serve, args=(client, context, port, front))
                threads.append(thread)
                thread.start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield front
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for client in opened:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int, front: Front) -> None:
    with client, contextlib.suppress(OSError):  # who does not trust it goes
        talk = context.wrap_socket(client, server_side=True)
        with talk, socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=_pass_on, args=(behind, talk, bytearray()))
            back.start()
            _pass_on(talk, behind, front.heard)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket, heard: bytearray) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            heard += piece
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _make_certificates(folder: Path) -> tuple[Path, Path]:
    """Files with the authority's certificate, and with key and certificate of the server."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    authority = _signed("private authority", keys[0], keys[0], is_authority=True)
    own = _signed(HOST, keys[1], keys[0], is_authority=False)
    root, server = folder / "authority.pem", folder / "server.pem"
    root.write_bytes(authority.public_bytes(Encoding.PEM))
    key = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server.write_bytes(key + own.public_bytes(Encoding.PEM))
    return root, server


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)])
        for word in (name, "private authority")
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(by, SHA256())
    )
