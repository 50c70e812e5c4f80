"""Lets workers fetch the data of images from the web."""

from __future__ import annotations

from typing import Any

from compute_site.neighbours.image.local import tasks
from servers.lifecycle.jobs import FetchImage

PAUSE_SECONDS = 2
"""Where as many are fetched as may be at once."""


def ask_for_download(task_id: str, **_: Any) -> None:
    """Defer the job, in the transaction that makes the task."""
    FetchImage(task_id=task_id).defer()


def fetch_image(job: FetchImage) -> None:
    """Doing it twice is harmless."""
    if not tasks.fetch(job.task_id):
        job.defer_apart(seconds=PAUSE_SECONDS)
