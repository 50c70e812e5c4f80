"""File systems of guests stand still while their volumes are saved, by the agent in them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

from compute_site.neighbours import volume_service
from compute_site.neighbours.volume.protocol import NewSnapshot
from servers.drivers.choose import FindDriver, driver_at
from servers.drivers.protocol import ComputeDriver, DriverFailed
from servers.errors import VolumesNotQuiesced
from servers.hardware.values import flag
from servers.kept_image import kept_image
from servers.lifecycle.jobs import LetGoOn
from servers.models import Instance, VmState

logger = logging.getLogger(__name__)

SECONDS, REQUIRED_SECONDS = 60, 600
"""How long guests stand still at most, and those whose image requires it."""
MORE_SECONDS = 30
"""So much later a host lets them go on by itself, should the site have died."""
LOOK_SECONDS = 1
MakeSnapshots = Callable[[Sequence[NewSnapshot]], Sequence[str]]


@dataclasses.dataclass(slots=True)
class Still:
    """``holds``: the file systems stand still. They go on when the snapshots are copied."""

    holds: bool = False
    snapshots: list[str] = dataclasses.field(default_factory=list)

    def noting(self, make: MakeSnapshots) -> MakeSnapshots:
        def make_and_note(wanted: Sequence[NewSnapshot]) -> Sequence[str]:
            made = make(wanted)
            self.snapshots += made
            return made

        return make_and_note


def must_stand_still(instance: Instance) -> bool:
    return flag(kept_image(instance).properties.get("os_require_quiesce", ""))


def has_agent(instance: Instance) -> bool:
    return flag(kept_image(instance).properties.get("hw_qemu_guest_agent", ""))


def who_can_hold(instance: Instance, find: FindDriver) -> ComputeDriver | None:
    """Simulated hosts have nothing that writes."""
    if instance.vm_state != VmState.ACTIVE or not has_agent(instance):
        return None
    driver = find(instance)
    return driver if driver and not driver.saves_disks() else None


@contextlib.contextmanager
def standing_still(instance: Instance, driver: ComputeDriver) -> Iterator[Still]:
    """To be entered outside of transactions. Nova: where no agent answers it goes on without,
    unless the image requires it.

    Raises:
        VolumesNotQuiesced: the image requires it, and it is not so.
    """
    required, still = must_stand_still(instance), Still()
    seconds = REQUIRED_SECONDS if required else SECONDS
    until = time.time() + seconds
    server_id, node, whom = str(instance.uuid), str(instance.node), str(uuid.uuid4())
    try:
        try:
            driver.freeze(server_id, node, whom, seconds=seconds + MORE_SECONDS)
        except DriverFailed as error:
            if required:
                raise VolumesNotQuiesced(
                    f"The image of the server {server_id} has os_require_quiesce. {error.detail}"
                ) from None
            logger.warning("volumes of server %s are saved as they are: %s", server_id, error)
        else:
            still.holds = True
        yield still
    finally:
        LetGoOn(
            server_id=server_id,
            whom=whom,
            snapshots=tuple(still.snapshots),
            until=until,
            required=required and still.holds,
        ).defer()


def let_go_on(job: LetGoOn) -> None:
    volumes = volume_service()
    if not volumes.are_copied(job.snapshots):
        if time.time() < job.until:
            job.defer_apart(seconds=LOOK_SECONDS)
            return
        if job.required:
            volumes.spoil(job.snapshots)
    server = Instance.objects.filter(uuid=job.server_id, host__isnull=False).first()
    held = False
    if server is not None:
        with contextlib.suppress(DriverFailed):
            held = driver_at(server.node).thaw(job.server_id, str(server.node), job.whom)
    if job.required and not held:
        logger.warning("server %s did not stand still while it was saved", job.server_id)
        volumes.spoil(job.snapshots)
