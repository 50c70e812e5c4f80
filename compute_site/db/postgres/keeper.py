"""``python -m compute_site.db.postgres.keeper DATA``: waits until no process uses the embedded
server any more, then ends it. A process of its own, so that those who use the server may be killed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path

from compute_site.db.postgres.users import end_server, open_lock, users_file


def main(data_dir: Path) -> None:
    if os.fork():
        os._exit(0)  # who called us does not wait, and need not collect us later
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)
    lock = open_lock(users_file(data_dir))
    fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes now waits until the server has ended
    end_server(data_dir)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
