"""What others are told of volumes."""

from __future__ import annotations

from django.dispatch import Signal

bytes_awaited = Signal()
"""A row awaits bytes: ``kind`` (``volume`` or ``snapshot``) and ``row_id``. It is sent in the
transaction that makes the row.
"""

upload_awaited = Signal()
"""An image awaits the bytes of a volume: ``volume_id``, ``image_id``, ``project_id`` and
``disk_format``. It is sent in the transaction that makes the volume ``uploading``.
"""

volume_grew = Signal()
"""A volume that servers have is larger now: ``volume_id``, its ``size`` in GiB, and ``server_ids``.
It is sent in the transaction that makes it so.
"""
