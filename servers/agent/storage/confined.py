"""Runs programs that read disk images, which strangers have made, without privileges: what is wrong
in such a program must not become a way into the host or the site.

As root, they run as a user that nothing belongs to, in a group that nothing belongs to, without a
capability or a way to get one, and see no network and no process but themselves. Files come to them
as open descriptors, which are lent to that user while it works. Who is not root has no privileges
to give up, but the network and other processes, where the kernel lets users have namespaces. What
the environment holds (keys, passwords) is not handed on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import functools
import os
import shutil
import stat
import struct
import subprocess
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

READER = 65533
"""User and group: Debian and systemd give this number to nobody, and it is there in containers."""
MEMORY = 1 << 30
CPU_SECONDS = 20
PROBE_SECONDS = 10
ALONE = ("unshare", "--net", "--ipc", "--pid", "--mount-proc", "--fork", "--kill-child")
MY_OWN = ("--user", "--map-current-user")
NO_NEWS = ("setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
SOMEBODY = (f"--reuid={READER}", f"--regid={READER}", "--clear-groups")
READ, WRITE = 4, 6
# An access list as Linux keeps it (acl(5)): what an entry is about, its rights, and whom it names.
ACCESS = "system.posix_acl_access"
VERSION = struct.Struct("<I")
ENTRY = struct.Struct("<HHI")
OWNER, USER, GROUP, NAMED_GROUP, MASK, OTHERS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY_NAMED = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Entry:
    kind: int
    whom: int
    rights: int


def run_confined(
    words: Sequence[str],
    *,
    fds: Collection[int],
    seconds: float,
    memory: int = MEMORY,
    cpu_seconds: int = CPU_SECONDS,
) -> subprocess.CompletedProcess[bytes]:
    """Run the program with these descriptors, which it opens by ``path_of``.

    Raises:
        FileNotFoundError: there is no such program.
        subprocess.TimeoutExpired
    """
    if shutil.which(words[0]) is None:
        raise FileNotFoundError(words[0])
    return subprocess.run(  # noqa: S603 - words of ours
        [*_confined(), "prlimit", f"--as={memory}", f"--cpu={cpu_seconds}", "--core=0", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
        pass_fds=fds,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )


def path_of(fd: int) -> str:
    """Where a program opens a file that it was lent."""
    return f"/proc/self/fd/{fd}"


@contextlib.contextmanager
def lent(path: Path, *, write: bool = False) -> Iterator[int]:
    """The file, open for ``run_confined``."""
    fd = os.open(path, os.O_RDWR if write else os.O_RDONLY)
    try:
        with lent_fd(fd, write=write):
            yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def lent_fd(fd: int, *, write: bool = False) -> Iterator[None]:
    """As ``lent``, of what is open already. Several may read a file at once; the last one takes it
    back.
    """
    if os.geteuid() != 0:
        yield
        return
    with contextlib.suppress(OSError):  # file systems of other machines may refuse
        fcntl.flock(fd, fcntl.LOCK_SH)
    _lend(fd, WRITE if write else READ)
    try:
        yield
    finally:
        if _is_last(fd):
            _take_back(fd)
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)


def _is_last(fd: int) -> bool:
    """Does nobody else read the file? Where file systems know no locks, nobody is known to."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@functools.cache
def _confined() -> tuple[str, ...]:
    if os.geteuid() == 0:
        return (*(ALONE if _works(ALONE) else ()), *NO_NEWS, *SOMEBODY)
    alone = (*ALONE, *MY_OWN)
    return (*(alone if _works(alone) else ()), "setpriv", "--no-new-privs")


def _works(words: Sequence[str]) -> bool:
    """Containers may have no namespaces of their own."""
    try:
        done = subprocess.run(  # noqa: S603 - words of ours
            [*words, "true"], capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _lend(fd: int, rights: int) -> None:
    try:
        _set_entries(fd, [*_without_ours(fd), Entry(USER, READER, rights)])
    except OSError:  # a file system without access lists
        os.fchown(fd, -1, READER)
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) | rights << 3)


def _take_back(fd: int) -> None:
    if os.fstat(fd).st_gid == READER:
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) & ~stat.S_IRWXG)
        os.fchown(fd, -1, os.getegid())
        return
    entries = _without_ours(fd)
    if any(entry.kind in (USER, NAMED_GROUP) for entry in entries):
        _set_entries(fd, entries)
        return
    group = next(entry.rights for entry in entries if entry.kind == GROUP)
    os.removexattr(fd, ACCESS)
    os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) & ~stat.S_IRWXG | group << 3)


def _without_ours(fd: int) -> list[Entry]:
    """The access list but for what lends, and the mask, which follows from the rest."""
    ours = (USER, READER)
    entries = _entries(fd)
    return [one for one in entries if one.kind != MASK and (one.kind, one.whom) != ours]


def _entries(fd: int) -> list[Entry]:
    """The access list of the file; what its mode says where it has none."""
    try:
        packed = os.getxattr(fd, ACCESS)
    except OSError:
        mode = os.fstat(fd).st_mode
        rights = {OWNER: mode >> 6 & 7, GROUP: mode >> 3 & 7, OTHERS: mode & 7}
        return [Entry(kind, NOBODY_NAMED, bits) for kind, bits in rights.items()]
    found = ENTRY.iter_unpack(packed[VERSION.size :])
    return [Entry(kind, whom, rights) for kind, rights, whom in found]


def _set_entries(fd: int, entries: Sequence[Entry]) -> None:
    """The mask, which bounds all but the owner and the others, lets through what they say."""
    bounded = [entry.rights for entry in entries if entry.kind in (USER, GROUP, NAMED_GROUP)]
    mask = Entry(MASK, NOBODY_NAMED, functools.reduce(int.__or__, bounded))
    packed = [ENTRY.pack(one.kind, one.rights, one.whom) for one in sorted([*entries, mask])]
    os.setxattr(fd, ACCESS, VERSION.pack(2) + b"".join(packed))
