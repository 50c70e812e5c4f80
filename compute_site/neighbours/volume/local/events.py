"""What others are told of volumes."""

from __future__ import annotations

from django.dispatch import Signal

volume_grew = Signal()
"""A volume that servers have is larger now: ``volume_id``, its ``size`` in GiB, and ``server_ids``.
It is sent in the transaction that makes it so.
"""
