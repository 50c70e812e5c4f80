"""The entry points of the queue: what a worker may be asked to do, each one call inwards."""

from __future__ import annotations

from procrastinate.contrib.django import app

CONDUCTOR = "conductor"
"""The queue of decisions: where servers go, what became of lost jobs."""

COMPUTE = "compute"
"""The queue of work on hosts."""


@app.task(name="servers.schedule_and_build", queue=CONDUCTOR)
def schedule_and_build(*, reservation_id: str) -> None:
    """Place the servers of one reservation and hand each to its host."""
