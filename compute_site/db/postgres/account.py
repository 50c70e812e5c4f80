"""Who runs the embedded server. PostgreSQL refuses to run as root: there, an account that exists
already does it, one without rights.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compute_site.db.postgres.errors import StartError

NAMES = ("postgres", "nobody")
ROOT = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine who is not root."""

    name: str
    uid: int
    gid: int

    @property
    def words(self) -> dict[str, Any]:
        """What makes a program of ``subprocess`` run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Can this user open the folder, or read and run the program? The system itself is asked.

        Raises:
            StartError: we cannot become this user.
        """
        test = 'if test -d "$1"; then cd "$1"; else test -r "$1" && test -x "$1"; fi'
        try:
            done = subprocess.run(  # noqa: S603
                ["/bin/sh", "-c", test, "sh", str(path)],
                cwd="/",
                stderr=subprocess.DEVNULL,
                check=False,
                **self.words,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise StartError(
                f"PostgreSQL does not run as root, and root cannot become {self.name} here: "
                f"{error}. Start the site as an ordinary user, or set DATABASE_URL."
            ) from error
        return done.returncode == 0


def find_account(data_dir: Path) -> Account | None:
    """Who runs the server of ``data_dir``; nobody else than we ourselves: None.

    Root takes the owner of the data, of the folder that they are in, or an account of ``NAMES``.

    Raises:
        StartError: the data belong to somebody else, or there is nobody for root to take.
    """
    if os.geteuid() != ROOT:
        _check_owner(data_dir)
        return None
    for account in _accounts(data_dir):
        return account
    raise StartError(
        f"PostgreSQL does not run as root, and this machine has no account {' or '.join(NAMES)}. "
        "Start the site as an ordinary user, or set DATABASE_URL."
    )


def _accounts(data_dir: Path) -> Iterator[Account]:
    for folder in (data_dir, data_dir.parent):
        if folder.exists() and (owner := folder.stat().st_uid) != ROOT:
            try:
                entry = pwd.getpwuid(owner)
            except KeyError:
                continue
            yield Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _check_owner(data_dir: Path) -> None:
    try:
        owner = data_dir.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise StartError(f"{data_dir} is closed to you. {_OTHER_FOLDER}") from error
    if owner != os.geteuid():
        raise StartError(f"{data_dir} belongs to {name_of(owner)}. {_OTHER_FOLDER}")


def check_name(account: Account | None) -> None:
    """Raises: StartError: initdb would ask for our name, and we have none."""
    if account is None:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError as error:
            raise StartError(
                f"PostgreSQL wants to know the name of user {os.geteuid()}, and this machine does "
                "not know it. Give the user a line in /etc/passwd, or set DATABASE_URL."
            ) from error


_OTHER_FOLDER = (
    "Start the site as its owner or as root, or name another folder in COMPUTE_SITE_STATE_DIR."
)


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}, whom this machine does not know"
