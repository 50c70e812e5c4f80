"""``compute-site agent``, or ``python -m servers.agent``: a host joins a site, and runs guests."""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import logging
import os
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from servers.agent import certificates
from servers.agent.client import Client, SiteFailed
from servers.agent.ending import halt
from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.choose import NAMES, hypervisor_of
from servers.agent.loop import Agent, OtherAgent, only_one
from servers.agent.machine import PROTOCOLS, VERSION, boot_id
from servers.agent.network.choose import wires_of
from servers.agent.settings import STATE_DIR, Identity, NotJoined, Settings, load, save

TOKEN = "COMPUTE_SITE_JOIN_TOKEN"  # noqa: S105 - the name of a variable


LONGEST_LIST = 3
"""What is told of more is shown by its beginning."""


class Refused(Exception):
    """What was asked for cannot be done; the text says why."""


def main(words: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(words)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        return int(arguments.do(arguments))
    except (GuestFailed, NotJoined, OtherAgent, Refused, SiteFailed, OSError) as error:
        print(f"compute-site agent: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compute-site agent", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, do, told in (
        ("join", join, "join a site, once, with the line that add_host has printed there"),
        ("run", run, "work until SIGTERM or Ctrl-C; guests go on without it"),
        ("halt", end_all, "while it does not run: end all guests; those that ran start with it"),
        ("probe", probe, "say what this machine has for guests, and what it lacks"),
    ):
        command = commands.add_parser(name, help=told, description=told)
        command.set_defaults(do=do)
        command.add_argument(
            "--state-dir", default=STATE_DIR, help="its state folder (default: %(default)s)"
        )
        if name == "halt":
            command.add_argument(
                "--seconds",
                type=int,
                default=60,
                help="how long a guest may take to shut down (default: %(default)s)",
            )
        if name in ("join", "probe"):
            command.add_argument(
                "--hypervisor", choices=NAMES, required=True, help="what runs the guests"
            )
            command.add_argument(
                "--set",
                action="append",
                default=[],
                metavar="NAME=VALUE",
                help="a setting of agent.json, such as accel=tcg; may be given several times",
            )
        if name == "join":
            command.add_argument("--site", required=True, help="such as https://compute.example")
            command.add_argument(
                "--token",
                default=os.environ.get(TOKEN, ""),
                help=f"good once; better told by the variable {TOKEN}, which nobody else sees",
            )
            command.add_argument("--ca-file", help="certificates to check the site's with")
            command.add_argument(
                "--plain-http",
                action="store_true",
                help="join a site on another machine without TLS: who listens has the token",
            )
    return parser


def join(arguments: argparse.Namespace) -> int:
    check_site(arguments.site, plain=arguments.plain_http)
    if not arguments.token:
        raise Refused(f"--token, or the variable {TOKEN}: give that of the line of add_host")
    settings = _settings(arguments)
    folder = Path(settings.state_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    client = Client(settings.site, ca_file=settings.ca_file)
    wires = wires_of(settings, client)
    hypervisor = hypervisor_of(settings, wires)
    lacks = [*hypervisor.missing(), *wires.missing()]
    if lacks:
        raise Refused("; ".join(lacks))
    told = {
        "join_token": arguments.token,
        "boot_id": boot_id(),
        "version": VERSION,
        "protocols": PROTOCOLS,
        "hypervisor": settings.hypervisor,
        "stock": hypervisor.stock(),
    }
    if settings.migration_address:
        told |= certificates.make_requests(folder)
        told["migration_address"] = settings.migration_address
    answer = client.post("join", told)
    settings = _settings(arguments, host=answer["host"])
    save(settings, Identity(token=answer["token"], epoch=answer["epoch"]))
    certificates.keep(folder, answer)
    hypervisor.use_certificates()
    hypervisor.close()  # what was started for it starts again with what it is now
    print(f"This host is {answer['host']} now; compute-site agent run starts its work.")  # noqa: T201
    return 0


def run(arguments: argparse.Namespace) -> int:
    settings, identity = load(Path(arguments.state_dir))
    client = Client(settings.site, identity, ca_file=settings.ca_file)
    wires = wires_of(settings, client)
    hypervisor = hypervisor_of(settings, wires)
    agent = Agent(settings, identity, hypervisor, wires=wires, client=client)

    def end(_number: int, _frame: FrameType | None) -> None:
        agent.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    agent.run()
    return 0


def end_all(arguments: argparse.Namespace) -> int:
    settings, identity = load(Path(arguments.state_dir))
    wires = wires_of(settings, Client(settings.site, identity, ca_file=settings.ca_file))
    folder = Path(arguments.state_dir)
    with only_one(folder):
        ended = halt(folder, hypervisor_of(settings, wires), wires, seconds=arguments.seconds)
    print(f"Guests that ended here, and start again with the agent: {len(ended)}")  # noqa: T201
    return 0


def probe(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    wires = wires_of(settings, Client(settings.site))
    hypervisor = hypervisor_of(settings, wires)
    lacks = [*hypervisor.missing(), *wires.missing()]
    try:
        stock = hypervisor.stock()
    except GuestFailed as error:  # most likely for what is missing
        stock, lacks = {}, lacks or [str(error)]
    hypervisor.close(found=False)
    for key, value in stock.items():
        print(f"{key:22} {_shown(value)}")  # noqa: T201
    for line in lacks:
        print(f"missing: {line}")  # noqa: T201
    return 1 if lacks else 0


def _shown(value: Any) -> str:
    """Of what is large, its single values, and how many there are of others."""
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return f"{', '.join(map(str, value[:LONGEST_LIST]))} and {len(value) - LONGEST_LIST} more"
    if not isinstance(value, dict):
        return str(value)
    large = (list, dict)
    return ", ".join(
        f"{key} {len(one) if isinstance(one, large) else one}" for key, one in value.items()
    )


def check_site(site: str, *, plain: bool) -> None:
    """Raises ``Refused``: it is no URL, or tokens would go over a network without TLS."""
    parts = urlsplit(site)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"--site: give scheme and host, such as https://compute.example, not {site}")
    if parts.scheme == "http" and not plain and not _is_loopback(parts.hostname):
        raise Refused(f"{site} has no TLS: who listens would have the token of this host")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_settings(words: Sequence[str]) -> dict[str, Any]:
    """Of ``NAME=VALUE``; raises ``Refused``: no setting has that name, or it has another kind."""
    kinds = {
        field.name: str if field.default is None else type(field.default)
        for field in dataclasses.fields(Settings)
        if field.default is not dataclasses.MISSING and field.name != "ca_file"
    }
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in kinds:
            known = ", ".join(kinds)
            raise Refused(f"--set: there is no setting {name[:40]!r}; there are: {known}")
        try:
            found[name] = _flag(text) if kinds[name] is bool else kinds[name](text)
        except ValueError:
            raise Refused(f"--set: {text[:40]!r} is no value for {name}") from None
    return found


def _flag(text: str) -> bool:
    """Raises ``ValueError``."""
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _certificates(given: str | None) -> str | None:
    """Where the file is, wherever the agent runs later; raises ``Refused``: it is of no use."""
    if given is None:
        return None
    path = Path(given).absolute()
    try:
        ssl.create_default_context(cafile=path)
    except OSError:
        raise Refused(f"--ca-file: there are no certificates in {path}") from None
    return str(path)


def _settings(arguments: argparse.Namespace, host: str = "") -> Settings:
    return Settings(
        site=getattr(arguments, "site", "").rstrip("/"),
        host=host,
        hypervisor=arguments.hypervisor,
        state_dir=arguments.state_dir,
        ca_file=_certificates(getattr(arguments, "ca_file", None)),
        **read_settings(arguments.set),
    )


if __name__ == "__main__":
    sys.exit(main())
