"""What each test file costs, and which of them the table in ``costs.txt`` does not know."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("costs.txt")
MUCH = 2
"""CPU seconds from which on a file stands in the table."""

NAME = "cpu seconds"


@cache
def costs() -> dict[str, int]:
    """CPU seconds of the files and folders that cost much, the database's among them."""
    lines = (line.split() for line in TABLE.read_text().splitlines())
    return {path: int(seconds) for seconds, path in lines}


def cost_of(nodeid: str) -> int:
    """0 for the many that cost little."""
    return sum(seconds for path, seconds in costs().items() if nodeid.startswith(path))


class CostReport:
    """Tells at the end which files should be in the table; counts the processes that tests start,
    but neither the database nor the first test of a process, which sets everything up.
    """

    seen: float | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        if call.when == "teardown":
            now = self._seconds()
            cost = 0 if self.seen is None else now - self.seen
            self.seen = now
            item.user_properties.append((NAME, round(cost, 3)))
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        found: Counter[str] = Counter()
        for report in terminalreporter.stats.get("", ()):
            if getattr(report, "when", "") == "teardown":
                cost = dict(report.user_properties).get(NAME, 0)
                found[report.nodeid.partition("::")[0]] += cost
        dear = [f"{cost:5.1f} {path}" for path, cost in found.most_common() if cost >= MUCH]
        new = [line for line in dear if not cost_of(line.split()[1])]
        if new:
            terminalreporter.section("CPU seconds of files that tests/world/costs.txt lacks")
            terminalreporter.write_line("\n".join(new))

    @staticmethod
    def _seconds() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
