"""Measures how long it takes to place servers in clouds of many hosts; prints JSON.

Each cloud has a database of its own, filled by SQL. Measured is all that a conductor does from the
open order to the jobs of hosts, in one process; beside it, several processes at once. ``--hosts
100000`` measures the largest cloud that the bars speak of.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from typing import Any

from tests.benchmarks.site import HERE, ROOT, drop_database, make_database, run_part

SIZES = (100, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="*", default=SIZES, help="default: 100 10000")
    parser.add_argument("--keep", action="store_true", help="do not drop the database in the end")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()}
    }
    for number in options.hosts:
        url = make_database()
        try:
            _prepare(url)
            found[f"{number} hosts"] = run_part("placing", url, BENCH_HOSTS=str(number))
        finally:
            if not options.keep:
                drop_database()
    print(json.dumps(found, indent=1))


def _prepare(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url}
    for command in (["migrate", "-v", "0"], ["loadcloud", str(HERE / "cloud.yaml")]):
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=environment,
            cwd=ROOT,
            check=True,
            stdout=sys.stderr,
        )


if __name__ == "__main__":
    main()
