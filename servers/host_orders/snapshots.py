"""What is on the disk of a guest comes to an image, while the server says how far that is."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from compute_site.neighbours import image_service
from servers.host_orders.take import find_open
from servers.lifecycle.transitions import Transition, take_step
from servers.models import HostAgent, HostOrder, Instance, TaskState

SNAPSHOT = "snapshot"
PENDING: Mapping[str | None, str] = {
    TaskState.IMAGE_SNAPSHOT: TaskState.IMAGE_PENDING_UPLOAD,
    TaskState.IMAGE_BACKUP: TaskState.IMAGE_PENDING_UPLOAD,
    TaskState.SHELVING: TaskState.SHELVING_IMAGE_PENDING_UPLOAD,
}
UPLOADING: Mapping[str | None, str] = {
    **dict.fromkeys([*PENDING, TaskState.IMAGE_PENDING_UPLOAD], TaskState.IMAGE_UPLOADING),
    TaskState.SHELVING: TaskState.SHELVING_IMAGE_UPLOADING,
    TaskState.SHELVING_IMAGE_PENDING_UPLOAD: TaskState.SHELVING_IMAGE_UPLOADING,
}
"""The next task_state of a server, by the one that it has."""


def is_filled(agent: HostAgent, order_id: uuid.UUID) -> bool:
    """Does the image of the order have its data? Raises ``NoSuchOrder``."""
    order = find_open(agent, order_id, SNAPSHOT)
    _go_on(order, PENDING)
    return image_service().find_source(order.images[0]) is not None


def fill(
    agent: HostAgent,
    order_id: uuid.UUID,
    pieces: Iterable[bytes],
    *,
    disk_format: str,
    sha512: str,
) -> None:
    """Fill the image of the order; the same data may come again.

    Raises:
        NoSuchOrder: the host has no such open order.
        Fault: as ``fill_image``.
    """
    order = find_open(agent, order_id, SNAPSHOT)
    there = image_service().find_source(order.images[0])
    if there is not None and there.sha512 == sha512:
        return
    _go_on(order, UPLOADING)
    image_service().fill_image(order.images[0], pieces, disk_format, sha512)


def _go_on(order: HostOrder, steps: Mapping[str | None, str]) -> None:
    row = Instance.objects.alive().filter(uuid=order.server_id).only("pk", "task_state").first()
    following = steps.get(row.task_state) if row is not None else None
    if row is not None and following is not None:
        take_step(row.pk, Transition(from_task=frozenset([row.task_state]), to_task=following))
