"""Lets workers make the bytes that volumes, snapshots and images of volumes await."""

from __future__ import annotations

from typing import Any

from django.db import connection

from compute_site.neighbours.volume.local import copies, uploads
from servers.lifecycle.jobs import MakeBytes, UploadVolume, defer_all

PAUSE_SECONDS = 2
"""Where as many are copied as may be at once."""
WAITING = """
    SELECT args ->> 'kind', args ->> 'row_id' FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing') AND task_name = %s
"""


def ask_for_bytes(kind: str, row_id: str, **_: Any) -> None:
    """Defer the job, in the transaction that makes the row."""
    MakeBytes(kind=kind, row_id=row_id).defer()


def make_bytes(job: MakeBytes) -> None:
    """Doing it twice is harmless."""
    if not copies.make_bytes(job.kind, job.row_id):
        job.defer_apart(seconds=PAUSE_SECONDS)


def ask_for_upload(
    volume_id: str, image_id: str, project_id: str, disk_format: str, **_: Any
) -> None:
    """Defer the job, in the transaction that lets the volume wait for it."""
    UploadVolume(
        volume_id=volume_id, image_id=image_id, project_id=project_id, disk_format=disk_format
    ).defer()


def upload_volume(job: UploadVolume) -> None:
    """Doing it twice is harmless."""
    if not uploads.upload(job.volume_id, job.image_id, job.project_id, job.disk_format):
        job.defer_apart(seconds=PAUSE_SECONDS)


def ask_for_lost_bytes() -> int:
    """Defer the jobs of rows that await bytes and have none; their number."""
    awaiting = copies.find_awaiting()
    if not awaiting:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [MakeBytes.task_name])
        at_work = set(cursor.fetchall())
    lost = [one for one in awaiting if one not in at_work]
    defer_all([MakeBytes(kind=kind, row_id=row_id) for kind, row_id in lost])
    return len(lost)
