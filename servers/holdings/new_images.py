"""Makes images for servers: in the transaction that needs one, or, of a service elsewhere, before
it (``ask_first``).
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from compute_site.neighbours.calls import runs_outside
from compute_site.neighbours.image.protocol import ImageData
from servers.holdings.ask_first import take_precaution
from servers.holdings.release import after_commit, complete_image
from servers.lifecycle.jobs import CompleteImage, ForgetImages
from servers.models import BlockDevice, Instance


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """The fields are those of ``ImageService.create_image``."""

    caller: Caller
    name: str
    properties: Mapping[str, Any]
    like: ImageData
    awaits_data: bool = False


Disks = Sequence[BlockDevice]
Describe = Callable[[Instance, Disks], NewImage]
"""What image a server with these disks gets; raises where it gets none."""


class MakeImage(Protocol):
    def __call__(
        self, server: Instance, disks: Disks, /, more: Mapping[str, str] | None = None
    ) -> str:
        """The id of the image, which has ``more`` properties as well; in a transaction."""
        ...


def making_image(instance: Instance, describe: Describe) -> MakeImage:
    """How an image is made. To be called before the transaction that needs it; what it returns, in
    it.

    Raises:
        Fault: as ``describe`` and ``create_image``; here or there.
    """
    create = image_service().create_image
    if not runs_outside(create):

        def make(server: Instance, disks: Disks, more: Mapping[str, str] | None = None) -> str:
            new = describe(server, disks)
            return create(
                new.caller,
                name=new.name,
                properties={**new.properties, **(more or {})},
                like=new.like,
                awaits_data=new.awaits_data,
            )

        return make
    new = describe(instance, list(BlockDevice.objects.filter(instance=instance)))
    image_id = str(uuid.uuid4())
    project_id = new.caller.project_id
    precaution = take_precaution(ForgetImages(project_id=project_id, images=(image_id,)))
    create(
        new.caller,
        name=new.name,
        properties=new.properties,
        like=new.like,
        awaits_data=True,
        image_id=image_id,
    )

    def keep(_server: Instance, _disks: Disks, more: Mapping[str, str] | None = None) -> str:
        precaution.keep()
        if not new.awaits_data:
            job = CompleteImage(image=image_id, properties=dict(more or {}))
            after_commit(complete_image, job)
        return image_id

    return keep


def find_lost(ids: Collection[str]) -> set[str]:
    """Those of these images that a job is to delete: nothing came of who asked for them."""
    if not ids:
        return set()
    jobs = ProcrastinateJob.objects.filter(
        task_name=ForgetImages.task_name, status__in=("todo", "doing")
    )
    named = jobs.values_list("args__images", flat=True)
    return {image_id for images in named for image_id in images}.intersection(ids)
