"""Where the embedded server keeps its data and its socket, and what has to be made for that."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from compute_site.db.postgres.account import ROOT, Account, check_name, find_account, name_of
from compute_site.db.postgres.errors import StartError
from compute_site.db.postgres.programs import (
    HOME_OF_ROOT,
    VERSION,
    find_programs,
    make_home_of_root,
    run_program,
)

logger = logging.getLogger(__name__)

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_BYTES = 107
"""The longest path that a socket can have on Linux; elsewhere it is 103."""

INITDB_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Place:
    """``data_dir`` has no links in it; ``account`` is None where we run the server ourselves."""

    data_dir: Path
    programs: Path
    account: Account | None

    @property
    def log(self) -> Path:
        return self.data_dir / "log"


def find_place(data_dir: Path, *, synced: bool) -> Place:
    """Where the server of ``data_dir`` runs; makes an empty database cluster if there is none.

    Raises:
        StartError: there can be none, or what is there cannot be used.
    """
    if data_dir.is_symlink() and not data_dir.exists():
        raise StartError(
            f"{data_dir} leads to {data_dir.readlink()}, which is not there. Remove the link to "
            "begin with an empty database."
        )
    account = find_account(data_dir)
    programs = find_programs(account)
    if not (data_dir / "PG_VERSION").exists():
        _make_data(data_dir, programs, account, synced=synced)
    _check_version(data_dir)
    place = Place(data_dir.resolve(), programs, account)
    if account is not None:
        _take_over(place.data_dir, account)
        if not account.reaches(place.data_dir):
            raise StartError(
                f"PostgreSQL runs as {account.name}, who cannot reach {data_dir}. Move the state "
                "folder (COMPUTE_SITE_STATE_DIR) to a place that everybody can reach, or start "
                "the site as an ordinary user."
            )
    return place


def choose_socket_dir(place: Place, note: Path) -> Path:
    """The folder of the server's socket: that of the data, where its path is short enough; else a
    private one that ``note`` remembers.

    Raises:
        StartError: there is no place for it.
    """
    if _is_short(place.data_dir):
        return place.data_dir
    owner = place.account.uid if place.account else os.geteuid()
    if note.exists():
        kept = Path(note.read_text(encoding="utf-8").strip())
        if _is_private(kept, owner):
            return kept
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if not parent or not _takes_sockets(Path(parent), place.account):
            continue
        folder = Path(tempfile.mkdtemp(prefix="compute-site-", dir=parent))
        if place.account:
            os.chown(folder, place.account.uid, place.account.gid)
        note.write_text(f"{folder}\n", encoding="utf-8")
        return folder
    raise StartError(
        f"The path of {place.data_dir} is too long for a socket. Set TMPDIR to a folder with a "
        "shorter one, or COMPUTE_SITE_STATE_DIR."
    )


def _make_data(data_dir: Path, programs: Path, account: Account | None, *, synced: bool) -> None:
    """Make the cluster under another name first, so that one that is there is complete."""
    check_name(account)
    elsewhere = account is not None and not account.reaches(data_dir.parent)
    if elsewhere:
        make_home_of_root()
        target = Path(tempfile.mkdtemp(prefix="data-", dir=HOME_OF_ROOT)) / "postgres"
        target.parent.chmod(0o711)
    else:
        target = data_dir
    draft = target.with_name(f"{target.name}.new")
    if draft.exists():  # of a start that was killed
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    if account is not None:
        os.chown(draft, account.uid, account.gid)
    run_program(
        programs / "initdb",
        *("-D", str(draft), "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-locale"),
        *(() if synced else ("--no-sync",)),
        account=account,
        seconds=INITDB_SECONDS,
    )
    draft.rename(target)
    if account is not None and elsewhere:
        data_dir.symlink_to(target)
        logger.warning(
            "PostgreSQL runs as %s, who cannot reach %s: the data are in %s.",
            *(account.name, data_dir.parent, target),
        )


def _check_version(data_dir: Path) -> None:
    found = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != VERSION:
        raise StartError(
            f"The data in {data_dir} are PostgreSQL {found}'s, and this is PostgreSQL {VERSION}. "
            "Move the folder away to begin with an empty database."
        )


def _take_over(data_dir: Path, account: Account) -> None:
    """Give the data to the account if they are root's or of a user whom nobody knows any more."""
    owner = data_dir.stat().st_uid
    if owner == account.uid:
        return
    shown = "root" if owner == ROOT else name_of(owner)
    logger.warning("%s belonged to %s and is %s's now.", data_dir, shown, account.name)
    for folder, names, files in os.walk(data_dir):
        for path in (folder, *(os.path.join(folder, name) for name in (*names, *files))):  # noqa: PTH118
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _is_short(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_BYTES


def _takes_sockets(folder: Path, account: Account | None) -> bool:
    if not _is_short(folder / "compute-site-12345678") or not os.access(folder, os.W_OK):
        return False
    return account is None or account.reaches(folder)


def _is_private(folder: Path, owner: int) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    mode = stat.S_IMODE(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and mode == 0o700
