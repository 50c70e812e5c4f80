"""What others are told of images."""

from __future__ import annotations

from django.dispatch import Signal

download_awaited = Signal()
"""A task awaits its data from the web: ``task_id``. It is sent in the transaction that makes it."""
