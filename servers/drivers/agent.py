"""A driver for hosts on which an agent works: each call is an order to the agent.

A job does not wait for the end of its order: the call raises ``WaitingForHost``, and the job runs
again when the host has answered. The same call then finds the order and its answer, so that what
an order tells is only described when it is not there yet. What agents do not do yet fails here,
before anything happens on the host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from compute_site.neighbours import network_service, volume_service
from compute_site.neighbours.network.protocol import Nic
from servers.drivers.facts import connection_of, image_source, vendor_data, wiring_of
from servers.drivers.guest import describe_anew
from servers.drivers.protocol import (
    Console,
    Describe,
    Disk,
    DriverFailed,
    Guest,
    LiveAborted,
)
from servers.host_orders import spool
from servers.host_orders.give import (
    DESTROY,
    UNKNOWN,
    Wanted,
    find_given,
    give_order,
    outcome_of,
)
from servers.host_orders.networks import hint_of_networks, hint_of_server
from servers.kept_image import PREFIX
from servers.models import HostOrder, Instance, PowerState, TaskState

SPAWN, PACK, LIVE, ABORTED = "spawn", "pack", "live_start", "aborted"
PREPARE = "live_prepare"
STOP = "stop"
STOP_SECONDS, MOST_STOP_SECONDS = 60, 3600
"""How long a guest may take to shut down by itself (Nova), and what an image may ask for."""
SHUTDOWN_TIMEOUT = f"{PREFIX}os_shutdown_timeout"
TASKS: Mapping[str, str] = {
    TaskState.POWERING_OFF: STOP,
    TaskState.POWERING_ON: "start",
    TaskState.REBOOTING: "reboot",
    TaskState.REBOOTING_HARD: "reset",
    TaskState.PAUSING: "pause",
    TaskState.UNPAUSING: "unpause",
    TaskState.SUSPENDING: "suspend",
    TaskState.RESUMING: "resume",
    TaskState.SHELVING: STOP,
    TaskState.SOFT_DELETING: STOP,
    TaskState.RESTORING: "start",
}
"""What an agent is told to do with the power of a guest, by the task_state."""
WORDS = {
    "spawn": "build",
    "reset": "reboot",
    "set_password": "change the password of",
    "crash": "interrupt",
    "attach_disk": "attach the volume to",
    "detach_disk": "detach the volume from",
    "swap_disk": "swap the volume of",
    "attach_nic": "attach the NIC to",
    "detach_nic": "detach the NIC from",
    "read_console": "read the console of",
    "console": "open the console of",
    "diagnostics": "look at",
    "freeze": "halt the file systems of",
    "thaw": "let the file systems go on of",
    "snapshot": "save the disk of",
    PACK: "send the disks of",
    "unpack": "receive",
    "drop": "forget what it kept of",
    "live_disks": "look at the disks of",
    PREPARE: "make room for",
    LIVE: "move",
    "live_finish": "take over",
}
"""Tasks in words of people."""
CONSOLES = ("novnc", "serial")
ASKED_SECONDS = 30
"""So long does a request of a client wait for a host."""
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


class HostSilent(HostFailed):
    """The host has begun, and nobody knows what came of it."""


KINDS: Mapping[str, type[DriverFailed]] = {ABORTED: LiveAborted, UNKNOWN: HostSilent}
"""Of failures, by their codes."""


def is_slow() -> bool:
    """In a job nobody waits for a host."""
    return False


def saves_disks() -> bool:
    return False


def save_disk(server_id: str, node: str, image_id: str) -> None:
    """The agent sends the data to the API of hosts before its order is done."""
    _do(Wanted(node=node, server_id=server_id, task="snapshot", images=[image_id]))


def freeze(server_id: str, node: str, whom: str, *, seconds: int) -> None:
    arguments = {"seconds": seconds, "whom": whom}
    _ask(Wanted(node=node, server_id=server_id, task="freeze", arguments=arguments))


def thaw(server_id: str, node: str, whom: str) -> bool:
    wanted = Wanted(node=node, server_id=server_id, task="thaw", arguments={"whom": whom})
    return bool(_do(wanted).get("held"))


def diagnose(server_id: str, node: str) -> Mapping[str, Any]:
    seen = _ask(Wanted(node=node, server_id=server_id, task="diagnostics"))
    return dict(seen.get("diagnostics") or {})


def plug_nics(guest: Guest) -> None:
    """The agent does that when it spawns the guest."""


def attach_disks(guest: Guest) -> None:
    """The agent does that when it spawns the guest."""


def was_told_to_spawn(server_id: str, node: str) -> bool:
    return find_given(Wanted(node=node, server_id=server_id, task=SPAWN)) is not None


def spawn(guest: Guest) -> None:
    _make(_about(guest, SPAWN), lambda: _with_image(guest, SPAWN))


def _make(wanted: Wanted, describe: Callable[[], Wanted]) -> Mapping[str, Any]:
    """Where it does not come to a good end, the host is told to clear away what it has of it, when
    it hears of that.
    """
    try:
        return _do(wanted, describe)
    except DriverFailed:
        destroy_later(wanted.server_id, wanted.node)
        raise


def destroy(server_id: str, node: str) -> None:
    _do(Wanted(node=node, server_id=server_id, task=DESTROY))
    volume_service().disconnect(server_id, node)


def left_networks(networks: Collection[str]) -> None:
    """The other hosts of these networks ask what is left."""
    hint_of_networks(networks)


def destroy_later(server_id: str, node: str) -> None:
    give_order(Wanted(node=node, server_id=server_id, task=DESTROY))


def perform(server_id: str, node: str, task: str, describe: Describe, *, password: str = "") -> int:
    if task == TaskState.UPDATING_PASSWORD:
        arguments = {"password": password}
        wanted = Wanted(node=node, server_id=server_id, task="set_password", arguments=arguments)
        done = _do(wanted)
    elif task in TASKS:
        power = TASKS[task]
        wanted = Wanted(node=node, server_id=server_id, task=power)
        done = _do(wanted, lambda: _power(server_id, node, power))
    else:
        done = _do_with_guest(server_id, node, task, describe, password)
    return _power_after(done)


def _do_with_guest(
    server_id: str, node: str, task: str, describe: Describe, password: str
) -> Mapping[str, Any]:
    def with_password() -> Guest:
        return dataclasses.replace(describe(), admin_password=password)

    def rescued() -> Wanted:
        guest = with_password()
        return _with_image(guest, "rescue", image_id=guest.rescue_image_id)

    tells: dict[str, tuple[str, Callable[[], Wanted]]] = {
        TaskState.UNSHELVING: (SPAWN, lambda: _with_image(describe(), SPAWN)),
        TaskState.REBUILDING: ("rebuild", lambda: _with_image(with_password(), "rebuild")),
        TaskState.RESCUING: ("rescue", rescued),
        TaskState.UNRESCUING: ("unrescue", lambda: _with_guest(describe(), "unrescue")),
    }
    if task not in tells:
        raise HostUnable(f"The agents of hosts do nothing for {task}.")
    word, describe_order = tells[task]
    do = _make if word == SPAWN else _do
    return do(Wanted(node=node, server_id=server_id, task=word), describe_order)


def _power(server_id: str, node: str, change: str) -> Wanted:
    wanted = Wanted(node=node, server_id=server_id, task=change)
    if change not in (STOP, "reboot"):
        return wanted
    kept = Instance.objects.values_list("system_metadata", flat=True).get(uuid=server_id)
    word = str(kept.get(SHUTDOWN_TIMEOUT, ""))
    timeout = min(int(word), MOST_STOP_SECONDS) if word.isdecimal() else STOP_SECONDS
    return dataclasses.replace(wanted, arguments={"timeout": timeout}, more_seconds=timeout)


def attach_disk(server_id: str, node: str, disk: Disk) -> None:
    wanted = Wanted(node=node, server_id=server_id, task="attach_disk")

    def describe() -> Wanted:
        described = _describe_disk(disk, server_id, node)
        return dataclasses.replace(wanted, arguments={"disk": described})

    _do(wanted, describe)


def detach_disk(server_id: str, node: str, disk: Disk) -> None:
    arguments = {"volume_id": str(disk.volume_id)}
    _do(Wanted(node=node, server_id=server_id, task="detach_disk", arguments=arguments))


def swap_disk(server_id: str, node: str, old: Disk, new: Disk) -> None:
    wanted = Wanted(node=node, server_id=server_id, task="swap_disk")

    def describe() -> Wanted:
        described = _describe_disk(new, server_id, node)
        arguments = {"volume_id": str(old.volume_id), "disk": described}
        return dataclasses.replace(wanted, arguments=arguments)

    _do(wanted, describe)


def grow_disk(server_id: str, node: str, volume_id: str, size: int) -> None:
    arguments = {"volume_id": volume_id, "size_gb": size}
    give_order(Wanted(node=node, server_id=server_id, task="grow_disk", arguments=arguments))


def attach_nic(server_id: str, node: str, nic: Nic) -> None:
    wanted = Wanted(node=node, server_id=server_id, task="attach_nic")

    def describe_nic() -> Wanted:
        server = Instance.objects.get(uuid=server_id)
        wires = wiring_of(describe_anew(server, node=node))
        wire = next((one for one in wires if one.port_id == nic.port_id), None)
        if wire is None:
            raise HostFailed(f"The server has no port {nic.port_id}.")
        hint_of_server(server_id, node, {wire.network_id})
        return dataclasses.replace(wanted, arguments={"nic": dataclasses.asdict(wire)})

    _do(wanted, describe_nic)


def detach_nic(server_id: str, node: str, nic: Nic) -> None:
    arguments = {"port_id": nic.port_id}
    _do(Wanted(node=node, server_id=server_id, task="detach_nic", arguments=arguments))


def read_console(server_id: str, node: str) -> str:
    return str(_ask(Wanted(node=node, server_id=server_id, task="read_console")).get("text", ""))


def find_console(server_id: str, node: str, console_type: str) -> Console:
    """The way that the agent tells is good once."""
    if console_type not in CONSOLES:
        raise HostUnable(f"The agents of hosts offer no consoles of the type {console_type}.")
    arguments = {"kind": console_type}
    wanted = Wanted(node=node, server_id=server_id, task="console", arguments=arguments)
    told = _ask(wanted).get("console") or {}
    return Console(
        host=str(told.get("host")),
        port=int(told.get("port") or 0),
        internal_access_path=str(told.get("path")),
    )


def trigger_crash_dump(server_id: str, node: str) -> None:
    _ask(Wanted(node=node, server_id=server_id, task="crash"))


def send(server_id: str, node: str, to_node: str, *, running: bool) -> None:
    """The disks stay on the host; to another one they go by way of the site."""
    arguments = {"leaves": node != to_node, "running": running}
    _do(Wanted(node=node, server_id=server_id, task=PACK, arguments=arguments))


def receive(guest: Guest, *, running: bool) -> int:
    def describe_packed() -> Wanted:
        packed = HostOrder.objects.filter(server_id=guest.server_id, task=PACK, answer__ok=True)
        order = packed.select_related("agent__service__node").order_by("-pk").first()
        if order is None or order.answer is None:
            raise HostFailed("Nobody knows any more what the old host has sent.")
        more = {
            "running": running,
            "comes": order.agent.service.node.hypervisor_hostname != guest.node,
            "files": order.answer["result"].get("files") or [],
        }
        return _with_guest(guest, "unpack", more)

    done = _do(_about(guest, "unpack"), describe_packed)
    spool.remove(guest.server_id)
    return _power_after(done)


def drop(server_id: str, node: str) -> None:
    spool.remove(server_id)
    _do(Wanted(node=node, server_id=server_id, task="drop"))


def take_back(guest: Guest, *, running: bool) -> int:
    spool.remove(guest.server_id)
    back = {"running": running}
    done = _do(_about(guest, "take_back"), lambda: _with_guest(guest, "take_back", back))
    return _power_after(done)


def copy_live(server_id: str, node: str, to_node: str) -> None:
    """Memory and disks go from host to host; the guest runs on the new one when this returns."""
    found = _do(Wanted(node=node, server_id=server_id, task="live_disks"))
    sizes = found.get("sizes") or {}
    network_service().prepare_move(server_id, to_node)
    try:
        more = {"sizes": sizes, "files": found.get("files") or []}
        to = _do_on(server_id, to_node, PREPARE, more).get("to") or {}
        spool.remove(server_id)
        arguments = {"to": to, "copies": bool(sizes)}
        _do(Wanted(node=node, server_id=server_id, task=LIVE, arguments=arguments))
    except HostSilent:
        raise  # the guest may be there by now
    except DriverFailed:
        _stay(server_id, to_node)
        volume_service().disconnect(server_id, to_node)
        raise


def switch_live(server_id: str, node: str, to_node: str) -> None:
    _do_on(server_id, to_node, "live_finish")
    destroy_later(server_id, node)


def undo_live(server_id: str, node: str, to_node: str) -> None:
    """The guest may run on the new host already; then it stays there."""
    newest = HostOrder.objects.filter(server_id=server_id, task=LIVE).order_by("-pk").first()
    if newest is None or newest.taken_at is None or _has_failed(newest):
        _stay(server_id, to_node)


def _has_failed(order: HostOrder) -> bool:
    return order.answer is not None and not order.answer.get("ok")


def _stay(server_id: str, to_node: str) -> None:
    """It does not go there: nothing is to be left of it, and no network expects it."""
    spool.remove(server_id)
    networks = {nic.network_id for nic in network_service().find_wiring(server_id)}
    network_service().forget_move(server_id, to_node)
    hint_of_networks(networks)
    destroy_later(server_id, to_node)


def abort_live(server_id: str, node: str) -> bool:
    give_order(Wanted(node=node, server_id=server_id, task="live_abort"))
    return False


def force_live(server_id: str, node: str) -> None:
    give_order(Wanted(node=node, server_id=server_id, task="live_force"))


def _do_on(
    server_id: str, node: str, task: str, more: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """As ``_do``, on the node that a guest comes to."""

    def describe() -> Wanted:
        guest = describe_anew(Instance.objects.get(uuid=server_id), node=node)
        return _with_guest(guest, task, more)

    return _do(Wanted(node=node, server_id=server_id, task=task), describe)


def _about(guest: Guest, task: str) -> Wanted:
    """As much of an order as tells which one it is."""
    return Wanted(node=guest.node, server_id=guest.server_id, task=task)


def _with_image(guest: Guest, task: str, *, image_id: str = "") -> Wanted:
    """As ``_with_guest``, with the image that a disk is made of, unless it boots from a volume.

    Raises:
        NoImageData: nothing can be made of the image.
    """
    if not image_id and any(disk.boot_index == 0 and disk.volume_id for disk in guest.disks):
        return _with_guest(guest, task)
    source = image_source(image_id or guest.image_id)
    wanted = _with_guest(guest, task, {"image": dataclasses.asdict(source)})
    return dataclasses.replace(wanted, images=[source.id])


def _with_guest(guest: Guest, task: str, more: Mapping[str, Any] | None = None) -> Wanted:
    """An order that tells all of the guest; raises ``NoVolumeData``."""
    described = {name: getattr(guest, name) for name in OF_GUEST}
    described["vendor_data"] = vendor_data()
    described["properties"] = guest.image.get("properties", {})
    if task != PREPARE:  # else it is on another node still
        volume_service().keep_connection(guest.server_id, guest.node)
    where = guest.server_id, guest.node
    described["disks"] = [_describe_disk(disk, *where) for disk in guest.disks]
    described["nics"] = [dataclasses.asdict(wire) for wire in wiring_of(guest)]
    if described["nics"]:
        networks = {nic["network_id"] for nic in described["nics"]}
        hint_of_server(guest.server_id, guest.node, networks)
    return Wanted(
        node=guest.node,
        server_id=guest.server_id,
        task=task,
        arguments={"guest": described, **(more or {})},
    )


def _describe_disk(disk: Disk, server_id: str, node: str) -> dict[str, Any]:
    described = dataclasses.asdict(disk)
    if disk.volume_id is not None:
        described["connection"] = connection_of(disk.volume_id, server_id, node)
    return described


def _power_after(done: Mapping[str, Any]) -> int:
    return int(done.get("power_state", PowerState.NO_STATE))


def _ask(wanted: Wanted) -> Mapping[str, Any]:
    """As ``_do``, for a request that is answered meanwhile."""
    return _do(dataclasses.replace(wanted, at_most=ASKED_SECONDS))


def _do(wanted: Wanted, describe: Callable[[], Wanted] | None = None) -> Mapping[str, Any]:
    """Give the order; what the host has answered. ``describe`` tells all of an order of which
    ``wanted`` only says which one it is.

    Raises:
        WaitingForHost: it has not answered yet.
        HostFailed: it did not do it, or nobody knows.
    """
    order = find_given(wanted)
    if order is None:
        order = give_order(wanted if describe is None else describe())
    if order is None:
        raise HostFailed(f"No agent works on the node {wanted.node}.")
    outcome = outcome_of(order)
    if not outcome.ok:
        kind = KINDS.get(outcome.code, HostFailed)
        raise kind(f"The host could not {_words(wanted.task)} the server: {outcome.fault}.")
    return outcome.result


def _words(task: str) -> str:
    """What the host could not do, before "the server"."""
    return WORDS.get(task) or task.replace("_", " ")
