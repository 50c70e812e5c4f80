"""Boots a server from a rescue image."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from servers.actions.begin import begin
from servers.create.errors import ImageNotFound
from servers.create.password import choose_password
from servers.lifecycle.actions import HOST_ACTIONS
from servers.lifecycle.guard import check_state, check_unlocked
from servers.models import Instance


def rescue_server(
    caller: Caller, instance: Instance, *, password: str | None = None, image: str | None = None
) -> str:
    """Begin the rescue; the admin password while it lasts.

    Raises:
        ServerLocked, WrongState: 409.
        ImageNotFound: the image to boot from is not open to the project.
    """
    action = HOST_ACTIONS["rescue"]
    check_unlocked(caller, instance)
    check_state(instance, action.begin.from_vm, action.doing, idle=True)
    if image is not None and not image_service().find_images(caller, [image]):
        raise ImageNotFound(f"There is no image {image}.", field="rescue.rescue_image_ref")
    chosen = choose_password(password)
    begin(caller, instance, action, password=chosen)
    return chosen
