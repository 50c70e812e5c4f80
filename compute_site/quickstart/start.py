"""From an empty folder to a running cloud: database, demo cloud, worker, web server, first
server.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import Message
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

import yaml

from compute_site.quickstart.forked import Forked
from compute_site.quickstart.parent import end_with

START_SECONDS = 60
BUILD_SECONDS = 60
REQUEST_SECONDS = 60
"""One that waits for a server is answered after half of it."""
STOP_SECONDS = 15
MOST_RESTARTS = 5
RESTART_SECONDS = 60
"""As many restarts within as many seconds are too many."""


class QuickstartError(Exception):
    """The site cannot be started or used; the text says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Account:
    """A user of the demo cloud."""

    user: str
    password: str
    project: str


class Processes:
    """The programs that make up the site; all of them end together."""

    def __init__(self, environment: dict[str, str], log_dir: Path) -> None:
        self.environment = environment
        self.log_dir = log_dir
        self.running: dict[str, subprocess.Popen[bytes] | Forked] = {}
        self.commands: dict[str, tuple[str, ...]] = {}
        self.restarts: list[float] = []

    def start(self, name: str, *command: str, pass_fds: Sequence[int] = ()) -> None:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.commands[name] = command
        with self.log_path(name).open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own programs
                [sys.executable, *command],
                env=self.environment,
                stdout=log,
                stderr=log,
                pass_fds=pass_fds,
                start_new_session=True,  # Ctrl-C reaches us alone: we end them in order
                preexec_fn=end_with(os.getpid()),  # noqa: PLW1509 - we have no other threads here
            )

    def fork(self, name: str, work: Callable[[], None]) -> None:
        """Start a part whose program is loaded here already. It is not for ``revive``."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.running[name] = Forked(work, self.log_path(name))

    def log_path(self, name: str) -> Path:
        return self.log_dir / f"{name}.log"

    def check(self) -> None:
        """Raises: QuickstartError: one of them has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise QuickstartError(
                    f"The {name} ended with status {process.returncode}; "
                    f"its last words are in {self.log_path(name)}."
                )

    def revive(self, say: Callable[[str], None]) -> None:
        """Start what has ended by itself once more.

        Raises:
            QuickstartError: that happens again and again.
        """
        for name, process in list(self.running.items()):
            if process.poll() is None:
                continue
            now = time.monotonic()
            self.restarts = [began for began in self.restarts if now - began < RESTART_SECONDS]
            if len(self.restarts) >= MOST_RESTARTS:
                self.check()
            self.restarts.append(now)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whom it left behind
            say(f"the {name} ended with status {process.returncode} and is started again")
            self.start(name, *self.commands[name])

    def stop(self) -> None:
        """End all of them: politely, then by force after a while."""
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whom one that was killed left behind


class Stopped(BaseException):
    """A signal of ``ENDING`` arrived."""


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a supervisor, and a terminal that is closed."""


@contextlib.contextmanager
def stopping_by_signal() -> Iterator[None]:
    """Turn the first signal of ``ENDING`` into ``Stopped``; later ones wait for the orderly end.
    What is ignored, as SIGHUP under ``nohup``, stays so.
    """
    taken = [n for n in ENDING if signal.getsignal(n) is not signal.SIG_IGN]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in taken:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = {n: signal.signal(n, stop) for n in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Terminal:
    """That of our standard input. When it is closed, the system tells its first program alone: that
    may be make, which waits for us.
    """

    def __init__(self) -> None:
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self.is_ours = os.isatty(0) and not ignored

    def check(self) -> None:
        """Raises: Stopped: it was closed."""
        if self.is_ours and not os.isatty(0):
            raise Stopped


class Client:
    """The little of an OpenStack client that a first server needs; plain HTTP on loopback."""

    def __init__(self, root: str, account: Account | None) -> None:
        self.root = root
        self.account = account
        self.token = ""

    def request(
        self, method: str, path: str, body: Any = None, microversion: str = "2.90"
    ) -> tuple[Message, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "Content-Type": "application/json",
            "OpenStack-API-Version": f"compute {microversion}",
        }
        told, text = self._send(method, path, data, headers)
        return told, json.loads(text) if text else None

    def upload(self, path: str, file: Path) -> None:
        """Send the data of an image."""
        size = str(file.stat().st_size)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": size}
        with file.open("rb") as data:
            self._send("PUT", path, data, headers)

    def _send(
        self, method: str, path: str, data: bytes | BinaryIO | None, headers: dict[str, str]
    ) -> tuple[Message, bytes]:
        if self.token:
            headers["X-Auth-Token"] = self.token
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            self.root + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:  # noqa: S310
                return response.headers, response.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise QuickstartError(f"{method} {path} answered {error.code}: {text}") from error
        except OSError as error:
            raise QuickstartError(f"{method} {path} failed: {error}") from error

    def sign_in(self) -> None:
        if self.account is None:
            raise QuickstartError(
                "The password of the demo cloud's user is not known here. A cloud without this "
                "user is started with --no-first-server."
            )
        domain = {"id": "default"}
        user = {"name": self.account.user, "password": self.account.password, "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": self.account.project, "domain": domain}}
        try:
            headers, _ = self.request(
                "POST", "/identity/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}}
            )
        except QuickstartError as error:
            raise QuickstartError(
                f"The user {self.account.user} of the demo cloud cannot sign in. A cloud without "
                f"this user is started with --no-first-server. {error}"
            ) from error
        self.token = headers["X-Subject-Token"]

    def first_id(self, path: str, key: str) -> str:
        _, body = self.request("GET", path)
        if not body[key]:
            raise QuickstartError(f"The cloud has no {key}; load a cloud file with loadcloud.")
        return str(body[key][0]["id"])


def wait_until_ready(client: Client, processes: Processes) -> None:
    """Wait for the web server to answer, and for nothing to have died meanwhile."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        processes.check()
        try:
            client.request("GET", "/readyz")
        except QuickstartError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def first_server(client: Client, say: Callable[[str], None]) -> dict[str, Any]:
    """Show the newest server of the project, or create one and follow it until it is built."""
    _, found = client.request("GET", "/compute/v2.1/servers/detail?limit=1")
    if found["servers"]:
        server: dict[str, Any] = found["servers"][0]
        say(f"server {server['name']} is there from an earlier run: {server['status']}")
        return server
    order = {
        "name": "first-server",
        "flavorRef": client.first_id("/compute/v2.1/flavors", "flavors"),
        "imageRef": client.first_id("/image/v2/images", "images"),
        "networks": [{"uuid": client.first_id("/network/v2.0/networks", "networks")}],
    }
    began = time.monotonic()
    _, created = client.request("POST", "/compute/v2.1/servers", {"server": order})
    say(f"POST /servers accepted it: {created['server']['id']}")
    return _follow(client, created["server"]["id"], began, say)


def _follow(
    client: Client, server_id: str, began: float, say: Callable[[str], None]
) -> dict[str, Any]:
    seen = ""
    path = f"/compute/v2.1/servers/{server_id}"
    while time.monotonic() - began < BUILD_SECONDS:
        _, body = client.request("GET", f"{path}?wait=status:ACTIVE,ERROR")
        server: dict[str, Any] = body["server"]
        state = " / ".join(filter(None, (server["status"], server["OS-EXT-STS:task_state"])))
        if state != seen:
            say(f"{time.monotonic() - began:5.2f} s  {state}")
            seen = state
        if server["status"] == "ERROR":
            raise QuickstartError(f"The first server failed: {server['fault']['message']}")
        if server["status"] == "ACTIVE":
            _tell_steps(client.request("GET", f"{path}/history")[1]["history"][-1], say)
            addresses = [a["addr"] for net in server["addresses"].values() for a in net]
            say(f"         {server['name']} has {', '.join(addresses) or 'no address'}")
            return server
    raise QuickstartError(f"The first server is not ACTIVE after {BUILD_SECONDS} s.")


def _tell_steps(action: dict[str, Any], say: Callable[[str], None]) -> None:
    for step in action["steps"]:
        say(f"         {step['duration']:.3f} s {step['step'].replace('_', ' ')}")


def write_clouds_yaml(path: Path, root: str, accounts: Mapping[str, Account]) -> None:
    """Write the file that openstacksdk and the openstack command read; only its owner may.

    A file that is there already, and that others may read, is replaced by another one.
    """
    clouds = {
        name: {
            "auth": {
                "auth_url": f"{root}/identity",
                "username": account.user,
                "password": account.password,
                "project_name": account.project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            "region_name": "RegionOne",
        }
        for name, account in accounts.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # for its owner alone
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yaml.safe_dump({"clouds": clouds}, file, sort_keys=False)
    Path(draft).replace(path)


def read_clouds_yaml(path: Path) -> dict[str, Account]:
    """The accounts that an earlier run has kept; a file that makes no sense keeps none."""
    try:
        clouds = yaml.safe_load(path.read_text(encoding="utf-8"))["clouds"]
        return {name: _kept_account(cloud["auth"]) for name, cloud in clouds.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return {}


def _kept_account(auth: Mapping[str, Any]) -> Account:
    return Account(str(auth["username"]), str(auth["password"]), str(auth["project_name"]))
