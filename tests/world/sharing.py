"""How the processes of pytest-xdist share the tests: whole files, the dearest first, so that what
a file sets up is set up once and all processes end together.
"""

from __future__ import annotations

from xdist.scheduler.loadscope import LoadScopeScheduling

from tests.world.costs import cost_of

OF_GUESTS = (
    *("changes", "consoles", "disks", "guest_agent", "life", "machines", "moves"),
    *("starting_again", "volumes"),
)
"""Files of ``tests/guests`` that boot guests; the others are about packets, and mostly wait."""
TOGETHER = {
    **{f"tests/guests/test_{name}.py": "the site of the guests" for name in OF_GUESTS},
    "tests/clients/": "the site of the clients",
    "tests/api/test_servers_create_concurrency.py": "many sessions",
    "tests/services/test_volumes.py": "many sessions",
}
"""What one process runs: all that use the same site, and all that open many sessions at once."""


def group_of(nodeid: str) -> str:
    """What is run by one process, in one go."""
    for path, name in TOGETHER.items():
        if nodeid.startswith(path):
            return name
    return nodeid.partition("::")[0]


class DearestFirst(LoadScopeScheduling):
    """The scheduler of ``make test``, by whatever ``--dist`` it is called."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: object) -> None:
        dearest = max(self.workqueue, key=lambda group: self._weight(self.workqueue[group]))
        self.workqueue.move_to_end(dearest, last=False)
        super()._assign_work_unit(node)

    def _weight(self, tests: dict[str, bool]) -> tuple[int, int]:
        return max(map(cost_of, tests)), len(tests)
