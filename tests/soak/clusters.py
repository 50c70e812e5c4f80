"""Two PostgreSQL servers on loopback, of which one follows the other."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import time
from pathlib import Path

import psutil
import psycopg

from compute_site.db.postgres.place import find_place
from compute_site.db.postgres.programs import find_programs, run_program
from tests.benchmarks.site import free_port

ADDRESS = "127.0.0.1"
SETTINGS = (
    "fsync=off",  # processes are killed, not the machine
    "max_connections=200",
    "synchronous_commit=on",
)
ACCESS = f"""
local all all trust
host all all {ADDRESS}/32 trust
host replication all {ADDRESS}/32 trust
"""
SYNCHRONOUS = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"
FOLLOW = "synchronous_standby_names"
WAIT_SECONDS = 120.0
PROGRAM_SECONDS = 300.0


class Cluster:
    """One server with its data; the programs are those of the embedded server."""

    def __init__(self, data_dir: Path) -> None:
        shutil.rmtree(data_dir.resolve(), ignore_errors=True)
        data_dir.unlink(missing_ok=True)
        self.place = find_place(data_dir, synced=False)
        self.port = free_port()
        self.url = f"postgresql://postgres@{ADDRESS}:{self.port}/postgres"
        self._write("pg_hba.conf", ACCESS)

    def start(self) -> None:
        words = ["-h", ADDRESS, "-p", str(self.port), "-k", str(self.place.data_dir)]
        for setting in SETTINGS:
            words += ["-c", setting]
        self._control("-l", str(self.place.log), "-o", shlex.join(words), "start")

    def kill(self) -> None:
        """End all of its processes at once, as if the machine had died."""
        first = (self.place.data_dir / "postmaster.pid").read_text(encoding="utf-8")
        postmaster = psutil.Process(int(first.splitlines()[0]))
        postmaster.suspend()  # so that it starts no more
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=30)

    def stop(self) -> None:
        self._control("-m", "immediate", "stop")

    def promote(self) -> None:
        self._control("promote")

    def follow(self, primary: Cluster) -> None:
        """Begin anew with a copy of the primary's data, start, and let it wait for us from then
        on with every commit.
        """
        data_dir = self.place.data_dir
        shutil.rmtree(data_dir)
        run_program(
            find_programs(None) / "pg_basebackup",
            *("-D", str(data_dir), "-h", ADDRESS, "-p", str(primary.port), "-U", "postgres"),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            account=None,
            seconds=PROGRAM_SECONDS,
        )
        # it would wait for a follower of its own when it is promoted
        settings = (data_dir / "postgresql.auto.conf").read_text(encoding="utf-8")
        kept = [line for line in settings.splitlines() if not line.startswith(FOLLOW)]
        self._write("postgresql.auto.conf", "\n".join([*kept, ""]))
        self._own()
        self.start()
        with psycopg.connect(primary.url, autocommit=True) as session:
            session.execute(f"ALTER SYSTEM SET {FOLLOW} = '*'")
            session.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + WAIT_SECONDS
            while session.execute(SYNCHRONOUS).fetchone() is None:
                if time.monotonic() > deadline:
                    raise RuntimeError("the standby does not follow")
                time.sleep(0.1)

    def _control(self, *words: str) -> None:
        run_program(
            self.place.programs / "pg_ctl",
            *("-D", str(self.place.data_dir), "-w", "-t", str(int(WAIT_SECONDS)), *words),
            account=self.place.account,
            seconds=PROGRAM_SECONDS,
        )

    def _write(self, name: str, text: str) -> None:
        (self.place.data_dir / name).write_text(text, encoding="utf-8")

    def _own(self) -> None:
        account = self.place.account
        if account is not None:
            for path in (self.place.data_dir, *self.place.data_dir.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
