"""A driver for hosts on which an agent works: each call is an order to the agent, and waits for its
end.

A call that waits keeps its thread, and in a job the database session of the job. What agents do not
do yet fails here, before anything happens on the host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NoReturn

from compute_site.neighbours.network.protocol import Nic
from servers.drivers.facts import connection_of, image_source, wiring_of
from servers.drivers.guest import describe_anew
from servers.drivers.protocol import Console, Describe, Disk, DriverFailed, Guest
from servers.host_orders.give import DESTROY, Outcome, Wanted, give_order, wait_for
from servers.models import Instance, PowerState, TaskState

SPAWN = "spawn"
TASKS: Mapping[str, str] = {
    TaskState.POWERING_OFF: "stop",
    TaskState.POWERING_ON: "start",
    TaskState.REBOOTING: "reboot",
    TaskState.REBOOTING_HARD: "reset",
    TaskState.PAUSING: "pause",
    TaskState.UNPAUSING: "unpause",
    TaskState.SUSPENDING: "suspend",
    TaskState.RESUMING: "resume",
    TaskState.REBUILDING: "rebuild",
    TaskState.SOFT_DELETING: "stop",
    TaskState.RESTORING: "start",
}
"""What an agent is told to do, by the task_state."""
OF_GUEST = (
    *("server_id", "instance_name", "hostname", "vcpus", "memory_mb", "root_gb", "ephemeral_gb"),
    *("flavor", "files", "admin_password", "user_data", "config_drive", "key_data", "metadata"),
    *("numa_topology", "placement"),
)
"""What an agent is told of a guest as it stands in the description."""


class HostUnable(DriverFailed):
    """Agents do not do this; the text names what."""

    code = "host_unable"


class HostFailed(DriverFailed):
    """The host could not do it, or did not answer."""

    code = "host_failed"


def is_slow() -> bool:
    return True


def saves_disks() -> bool:
    return False


def plug_nics(guest: Guest) -> None:
    """The agent does that when it spawns the guest."""


def attach_disks(guest: Guest) -> None:
    """The agent does that when it spawns the guest."""


def spawn(guest: Guest) -> None:
    """Where it does not come to a good end, the host is told to clear away what it has of it, when
    it hears of that.
    """
    wanted = _with_guest(guest, SPAWN)
    try:
        _do(wanted)
    except DriverFailed:
        destroy_later(guest.server_id, guest.node)
        raise


def destroy(server_id: str, node: str) -> None:
    _do(Wanted(node=node, server_id=server_id, task=DESTROY))


def destroy_later(server_id: str, node: str) -> None:
    give_order(Wanted(node=node, server_id=server_id, task=DESTROY))


def perform(server_id: str, node: str, task: str, describe: Describe, *, password: str = "") -> int:
    if task not in TASKS:
        raise HostUnable(f"The agents of hosts do nothing for {task} yet.")
    if task == TaskState.REBUILDING:
        wanted = _with_guest(dataclasses.replace(describe(), admin_password=password), TASKS[task])
    else:
        wanted = Wanted(node=node, server_id=server_id, task=TASKS[task])
    return int(_do(wanted).get("power_state", PowerState.NO_STATE))


def attach_disk(server_id: str, node: str, disk: Disk) -> None:
    connection_of(str(disk.volume_id))
    raise HostUnable("The agents of hosts attach no volumes yet.")


def detach_disk(server_id: str, node: str, disk: Disk) -> None:
    """No guest of an agent has a volume."""


def attach_nic(server_id: str, node: str, nic: Nic) -> None:
    server = Instance.objects.get(uuid=server_id)
    wires = wiring_of(describe_anew(server, node=node))
    wire = next((one for one in wires if one.port_id == nic.port_id), None)
    if wire is None:
        raise HostFailed(f"The server has no port {nic.port_id}.")
    arguments = {"nic": dataclasses.asdict(wire)}
    _do(Wanted(node=node, server_id=server_id, task="attach_nic", arguments=arguments))


def detach_nic(server_id: str, node: str, nic: Nic) -> None:
    arguments = {"port_id": nic.port_id}
    _do(Wanted(node=node, server_id=server_id, task="detach_nic", arguments=arguments))


def read_console(server_id: str, node: str) -> str:
    return str(_do(Wanted(node=node, server_id=server_id, task="read_console")).get("text", ""))


def find_console(server_id: str, node: str, console_type: str) -> Console:
    raise HostUnable("The agents of hosts offer no remote consoles yet.")


def trigger_crash_dump(server_id: str, node: str) -> None:
    raise HostUnable("The agents of hosts make no guest crash yet.")


def send(server_id: str, node: str, to_node: str) -> None:
    _refuse_move()


def receive(guest: Guest, *, running: bool) -> int:
    _refuse_move()


def drop(server_id: str, node: str) -> None:
    _refuse_move()


def take_back(guest: Guest, *, running: bool) -> int:
    _refuse_move()


def copy_live(server_id: str, node: str, to_node: str) -> None:
    _refuse_move()


def switch_live(server_id: str, node: str, to_node: str) -> None:
    _refuse_move()


def _refuse_move() -> NoReturn:
    raise HostUnable("The agents of hosts hand no guests over to each other yet.")


def _with_guest(guest: Guest, task: str) -> Wanted:
    """An order that tells all of the guest.

    Raises:
        NoImageData: nothing can be made of its image.
        NoVolumeData, HostUnable: it has volumes.
    """
    for disk in guest.disks:
        if disk.volume_id is not None:
            connection_of(disk.volume_id)
            raise HostUnable("The agents of hosts attach no volumes yet.")
    source = image_source(guest.image_id)
    described = {name: getattr(guest, name) for name in OF_GUEST}
    described["properties"] = guest.image.get("properties", {})
    described["disks"] = [dataclasses.asdict(disk) for disk in guest.disks]
    described["nics"] = [dataclasses.asdict(wire) for wire in wiring_of(guest)]
    return Wanted(
        node=guest.node,
        server_id=guest.server_id,
        task=task,
        arguments={"guest": described, "image": dataclasses.asdict(source)},
        images=[source.id],
    )


def _do(wanted: Wanted) -> Mapping[str, Any]:
    """Give the order and wait for its end; what the host answers.

    Raises:
        HostFailed: it did not do it, or nobody knows.
    """
    order = give_order(wanted)
    if order is None:
        raise HostFailed(f"No agent works on the node {wanted.node}.")
    outcome: Outcome = wait_for(order)
    if not outcome.ok:
        raise HostFailed(f"The host could not {_words(wanted.task)} the server: {outcome.fault}.")
    return outcome.result


def _words(task: str) -> str:
    return task.replace("_", " ")
