"""The image that keeps what a shelved server held: remembered with the server, gone when it is
back, or deleted.
"""

from __future__ import annotations

from django.utils import timezone

from servers.lifecycle.jobs import ForgetImages
from servers.lifecycle.system_metadata import change_system_metadata, without
from servers.models import Instance

SHELVED_AT = "shelved_at"
IMAGE_KEY = "shelved_image_id"


def remember_image(instance: Instance, image_id: str) -> None:
    """Note the image, and when the server was shelved."""
    marks = {IMAGE_KEY: image_id, SHELVED_AT: timezone.now().isoformat()}
    change_system_metadata(instance, lambda kept: {**kept, **marks})


def forget_image(instance: Instance) -> None:
    """Delete the image that keeps what a shelved server held, if there is one: after the commit, by
    a job.
    """
    marks = (IMAGE_KEY, SHELVED_AT)
    image_id = change_system_metadata(instance, lambda kept: without(kept, *marks)).get(IMAGE_KEY)
    if image_id:
        ForgetImages(project_id=instance.project_id, images=(image_id,)).defer()
