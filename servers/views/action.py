"""``POST /servers/{id}/action``: a table of what can be asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.caller import Caller
from servers.actions.ask_host import ask_host
from servers.actions.console import read_console
from servers.actions.crash_dump import trigger_crash_dump
from servers.actions.image import BackupOrder, ImageOrder, create_backup, create_image
from servers.actions.lock import lock_server, unlock_server
from servers.actions.rebuild import RebuildOrder, rebuild_server
from servers.actions.remote_console import open_console
from servers.actions.rescue import rescue_server
from servers.actions.reset import reset_state
from servers.actions.restore import restore_server
from servers.actions.shelve import shelve_server, unshelve_server
from servers.attachments import addresses, groups
from servers.attachments.network_events import tell_network
from servers.delete.delete import delete_server
from servers.lifecycle.actions import HARD_REBOOT, HOST_ACTIONS, REBUILD, SOFT_REBOOT
from servers.models import Instance
from servers.moves.cold import migrate_server, resize_server
from servers.moves.confirm_or_revert import confirm_resize, revert_resize
from servers.moves.evacuate import EvacuationOrder, evacuate_server
from servers.moves.live import migrate_live
from servers.policies import action as rules
from servers.policies import address as address_rules
from servers.policies import security_group as group_rules
from servers.read.find import details_of, find_server
from servers.serializers.server import ServerRebuilt, parts_for
from servers.serializers.server_action import (
    AskedAction,
    ServerActionBody,
    check_action_known,
    shows_image_id,
    shows_password,
)

Run = Callable[[Caller, Instance, Any], Any]
Show = Callable[["ServerAction", Any], Response]


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """Who may (``rule``), what is done (``run``), and how what that returns is answered."""

    rule: str | Callable[[Any], str]
    run: Run
    show: Show | None = None
    of_orders: bool = True
    """Nova: some actions look for the server where it lies, and find none as long as nobody has
    begun to build it; the others find it, and refuse its state."""


class ServerAction(ComputeView):
    """Whatever can be done with a server."""

    contracts = {
        "POST": Contract(
            summary="Do something with a server",
            body=ServerActionBody,
            example={"reboot": {"type": "SOFT"}},
            status=202,
            faults=(403, 409),
        ),
    }

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        asked = read_action(self)
        route = ROUTES[asked.name]
        instance = find_for(request.caller, server_id, asked)
        result = route.run(request.caller, instance, asked.values)
        return route.show(self, result) if route.show else self.accepted()

    @property
    def trial(self) -> str:
        return self.request.path.removesuffix("action") + "dry-run"


def read_action(view: ComputeView) -> AskedAction:
    """The action that the body names.

    Raises:
        Gone, NotFound, BadRequest: there is no such action at this microversion.
        InvalidBody: the body breaks its rules.
    """
    check_action_known(view.body, view.request.version)
    asked: AskedAction = view.read(ServerActionBody)
    return asked


def find_for(caller: Caller, server_id: str, asked: AskedAction) -> Instance:
    """The server, if the caller may do the action with it.

    Raises:
        ServerNotFound, PolicyRefused.
    """
    route = ROUTES[asked.name]
    rule = route.rule if isinstance(route.rule, str) else route.rule(asked.values)
    return find_server(caller, server_id, rule, ordered=route.of_orders)


def _host(name: str) -> Run:
    return lambda caller, instance, _: ask_host(caller, instance, HOST_ACTIONS[name])


def _reboot(caller: Caller, instance: Instance, asked: Mapping[str, Any]) -> None:
    soft = asked["kind"].upper() == "SOFT"
    ask_host(caller, instance, SOFT_REBOOT if soft else HARD_REBOOT)


def _lock(caller: Caller, instance: Instance, asked: Any) -> None:
    reason = asked.get("reason") if isinstance(asked, dict) else None
    lock_server(caller, instance, reason)


def _change_password(caller: Caller, instance: Instance, asked: Mapping[str, Any]) -> None:
    ask_host(caller, instance, HOST_ACTIONS["changePassword"], password=asked["password"])


def _create_image(caller: Caller, instance: Instance, order: ImageOrder) -> str:
    return create_image(caller, instance, order)


def _create_backup(caller: Caller, instance: Instance, order: BackupOrder) -> tuple[str, bool]:
    return create_backup(caller, instance, order), order.rotation > 0


def _console(protocol: str) -> Run:
    def run(_: Caller, instance: Instance, asked: Mapping[str, Any]) -> dict[str, str]:
        console_type = str(asked["console_type"])
        return {"type": console_type, "url": open_console(instance, protocol, console_type)}

    return run


def _rebuild(caller: Caller, instance: Instance, order: RebuildOrder) -> tuple[Instance, str]:
    return instance, rebuild_server(caller, instance, order)


def _unshelve(caller: Caller, instance: Instance, asked: Any) -> None:
    unshelve_server(caller, instance, **(asked if isinstance(asked, dict) else {}))


def _evacuate(caller: Caller, instance: Instance, order: EvacuationOrder) -> Any:
    password = evacuate_server(caller, instance, order)
    return {"adminPass": password} if order.tells_password and shows_password() else None


def _show_evacuated(view: ServerAction, told: Any) -> Response:
    return view.answer(told) if told is not None else view.accepted(200)


def _host_of(asked: Any) -> str | None:
    return asked.get("host") if isinstance(asked, dict) else None


def _show_image(view: ServerAction, image_id: str) -> Response:
    if shows_image_id(view.request.version):
        return view.answer({"image_id": image_id}, status=202)
    [link] = view.links.bookmark("images", image_id)
    return view.answer(status=202, headers={"Location": link["href"]})


def _show_backup(view: ServerAction, result: tuple[str, bool]) -> Response:
    """Nova: a backup of which none is kept has no place that one could be sent to."""
    image_id, is_kept = result
    if not is_kept and not shows_image_id(view.request.version):
        return view.accepted()
    return _show_image(view, image_id)


def _show_password(view: ServerAction, password: str) -> Response:
    return view.answer({"adminPass": password} if shows_password() else {})


def _show_rebuilt(view: ServerAction, result: tuple[Instance, str]) -> Response:
    instance, password = result
    parts = parts_for(view.request.caller, view.request.version, groups=True)
    details = details_of(instance, dataclasses.replace(parts, user_data=True))
    told = password if shows_password() else None
    # a quick host may be done already; the answer tells of the beginning
    begun = details.rows[0]._replace(vm_state=instance.vm_state, task_state=REBUILD.task)
    server = view.show(ServerRebuilt, begun, details=details, password=told)
    location = view.links.self_link("servers", str(instance.uuid))
    return view.answer({"server": server}, status=202, headers={"Location": location})


def _show_remote_console(view: ServerAction, console: dict[str, str]) -> Response:
    return view.answer({"console": console})


def _show_console(view: ServerAction, output: str) -> Response:
    return view.answer({"output": output})


ROUTES: Mapping[str, Route] = {
    "start": Route(rules.START, _host("start"), of_orders=False),
    "stop": Route(rules.STOP, _host("stop"), of_orders=False),
    "reboot": Route(rules.REBOOT, _reboot),
    "pause": Route(rules.PAUSE, _host("pause")),
    "unpause": Route(rules.UNPAUSE, _host("unpause")),
    "suspend": Route(rules.SUSPEND, _host("suspend")),
    "resume": Route(rules.RESUME, _host("resume")),
    "rescue": Route(
        rules.RESCUE,
        lambda caller, instance, asked: rescue_server(caller, instance, **asked),
        _show_password,
    ),
    "unrescue": Route(rules.UNRESCUE, _host("unrescue")),
    "change_password": Route(rules.CHANGE_PASSWORD, _change_password),
    "lock": Route(rules.LOCK, _lock),
    "unlock": Route(rules.UNLOCK, lambda caller, instance, _: unlock_server(caller, instance)),
    "reset_state": Route(
        rules.RESET_STATE,
        lambda caller, instance, asked: reset_state(caller, instance, asked["state"]),
    ),
    "inject_network_info": Route(
        rules.INJECT_NETWORK_INFO,
        lambda caller, instance, _: tell_network(caller, instance),
    ),
    "force_delete": Route(
        rules.FORCE_DELETE,
        lambda caller, instance, _: delete_server(caller, instance, force=True),
    ),
    "console_output": Route(
        rules.CONSOLE_OUTPUT,
        lambda _caller, instance, asked: read_console(instance, asked.get("length")),
        _show_console,
    ),
    "vnc_console": Route(rules.REMOTE_CONSOLES, _console("vnc"), _show_remote_console),
    "spice_console": Route(rules.REMOTE_CONSOLES, _console("spice"), _show_remote_console),
    "serial_console": Route(rules.REMOTE_CONSOLES, _console("serial"), _show_remote_console),
    "create_image": Route(rules.CREATE_IMAGE, _create_image, _show_image),
    "create_backup": Route(rules.CREATE_BACKUP, _create_backup, _show_backup),
    "resize": Route(
        rules.RESIZE, lambda caller, instance, asked: resize_server(caller, instance, **asked)
    ),
    "confirm_resize": Route(
        rules.CONFIRM_RESIZE,
        lambda caller, instance, _: confirm_resize(caller, instance),
        lambda view, _: view.accepted(204),
    ),
    "revert_resize": Route(
        rules.REVERT_RESIZE, lambda caller, instance, _: revert_resize(caller, instance)
    ),
    "rebuild": Route(rules.REBUILD, _rebuild, _show_rebuilt),
    "shelve": Route(rules.SHELVE, lambda caller, instance, _: shelve_server(caller, instance)),
    "shelve_offload": Route(rules.SHELVE_OFFLOAD, _host("shelveOffload")),
    "unshelve": Route(rules.UNSHELVE, _unshelve),
    "restore": Route(rules.RESTORE, lambda caller, instance, _: restore_server(caller, instance)),
    "migrate": Route(
        lambda asked: rules.MIGRATE_HOST if _host_of(asked) else rules.MIGRATE,
        lambda caller, instance, asked: migrate_server(caller, instance, host=_host_of(asked)),
    ),
    "migrate_live": Route(
        lambda asked: rules.MIGRATE_LIVE_HOST if _host_of(asked) else rules.MIGRATE_LIVE,
        lambda caller, instance, asked: migrate_live(caller, instance, **asked),
    ),
    "evacuate": Route(rules.EVACUATE, _evacuate, _show_evacuated),
    "trigger_crash_dump": Route(
        rules.TRIGGER_CRASH_DUMP,
        lambda caller, instance, _: trigger_crash_dump(caller, instance),
        of_orders=False,
    ),
    "add_group": Route(group_rules.ADD, groups.add_group),
    "remove_group": Route(group_rules.REMOVE, groups.remove_group),
    "add_fixed_ip": Route(
        address_rules.ADD_FIXED,
        lambda caller, instance, asked: addresses.add_fixed_ip(caller, instance, **asked),
    ),
    "remove_fixed_ip": Route(
        address_rules.REMOVE_FIXED,
        lambda caller, instance, asked: addresses.remove_fixed_ip(caller, instance, **asked),
    ),
    "add_floating_ip": Route(
        address_rules.ADD_FLOATING,
        lambda caller, instance, asked: addresses.add_floating_ip(caller, instance, **asked),
    ),
    "remove_floating_ip": Route(
        address_rules.REMOVE_FLOATING,
        lambda caller, instance, asked: addresses.remove_floating_ip(caller, instance, **asked),
    ),
}
"""By the attributes of ``ServerActionBody``."""
