"""The entry points of the queue: what a worker may be asked to do, each one call inwards."""

from __future__ import annotations

from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from compute_site.identity.lockout import purge_failures
from compute_site.identity.tokens import purge_sessions, purge_tokens
from servers.actions.overdue import end_overdue_rescues, reboot_stuck
from servers.actions.perform import perform
from servers.actions.remote_console import purge_console_tokens
from servers.actions.shelve import offload_shelved
from servers.actions.unshelve import place_shelved
from servers.attachments import on_host
from servers.attachments.lost import give_up_lost_changes
from servers.build.build import build_server as build
from servers.build.order import BuildOrder
from servers.build.place import place_reservation
from servers.delete.delete import finish_delete
from servers.delete.reclaim import reclaim_deleted
from servers.holdings.release import release_late
from servers.lifecycle import jobs
from servers.moves.evacuate import perform_evacuation
from servers.moves.live import perform_live
from servers.moves.perform import confirm_resize as confirm
from servers.moves.perform import move_server as perform_move
from servers.moves.perform import revert_resize as revert
from servers.moves.place import place_move
from servers.moves.verdict import confirm_overdue
from servers.worker import recovery

AGAIN = RetryStrategy(max_attempts=5, exponential_wait=2)
"""For failures that say nothing about the server: a database that restarts, a deadlock."""


@app.task(name=jobs.SCHEDULE_AND_BUILD, queue=jobs.CONDUCTOR, retry=AGAIN)
def schedule_and_build(*, reservation_id: str) -> None:
    """Place the servers of one reservation and hand each to its host."""
    place_reservation(reservation_id)


@app.task(name=jobs.BUILD_SERVER, queue=jobs.COMPUTE, retry=AGAIN)
def build_server(**order: Any) -> None:
    """Build one server; the arguments are those of ``BuildOrder``."""
    build(BuildOrder.from_json(order))


@app.task(name=jobs.DELETE_SERVER, queue=jobs.COMPUTE, retry=AGAIN)
def delete_server(*, server_id: str) -> None:
    """Delete a server from its host."""
    finish_delete(server_id)


@app.task(name=jobs.RELEASE_SERVICES, queue=jobs.COMPUTE, retry=AGAIN)
def release_services(*, server_id: str, volumes: list[str]) -> None:
    """Release what a deleted server still holds of the outside services."""
    release_late(server_id, volumes)


@app.task(name=jobs.PERFORM_ACTION, queue=jobs.COMPUTE, retry=AGAIN)
def perform_action(
    *, server_id: str, task: str, sealed_password: str = "", after: str | None = None
) -> None:
    """Do what was begun with a server."""
    perform(server_id, task, sealed_password=sealed_password, after=after)


@app.task(name=jobs.UNSHELVE_SERVER, queue=jobs.CONDUCTOR, retry=AGAIN)
def unshelve_server(*, server_id: str, host: str | None = None) -> None:
    """Find a host for a shelved server."""
    place_shelved(server_id, host=host)


@app.task(name=jobs.ATTACH_VOLUME, queue=jobs.COMPUTE, retry=AGAIN)
def attach_volume(*, server_id: str, disk_id: str, request_id: str) -> None:
    """Give a guest the volume that was reserved for it."""
    on_host.attach_volume(server_id, disk_id, request_id)


@app.task(name=jobs.DETACH_VOLUME, queue=jobs.COMPUTE, retry=AGAIN)
def detach_volume(*, server_id: str, disk_id: str, request_id: str) -> None:
    """Take a volume from a guest."""
    on_host.detach_volume(server_id, disk_id, request_id)


@app.task(name=jobs.SWAP_VOLUME, queue=jobs.COMPUTE, retry=AGAIN)
def swap_volume(
    *, server_id: str, disk_id: str, request_id: str, volume_id: str, claim: str
) -> None:
    """Give a guest another volume in the place of one."""
    on_host.swap_volume(server_id, disk_id, request_id, volume_id, claim)


@app.task(name=jobs.ATTACH_INTERFACE, queue=jobs.COMPUTE, retry=AGAIN)
def attach_interface(*, server_id: str, port_id: str, request_id: str) -> None:
    """Give a guest a card that its server has."""
    on_host.attach_interface(server_id, port_id, request_id)


@app.task(name=jobs.DETACH_INTERFACE, queue=jobs.COMPUTE, retry=AGAIN)
def detach_interface(*, server_id: str, port_id: str, request_id: str) -> None:
    """Take a card from a guest and its server."""
    on_host.detach_interface(server_id, port_id, request_id)


@app.task(name=jobs.PLACE_MOVE, queue=jobs.CONDUCTOR, retry=AGAIN)
def find_destination(*, server_id: str, move: int, **how: Any) -> None:
    """Find the host that a server moves to; ``how`` is what ``place_move`` takes."""
    place_move(server_id, move, **how)


@app.task(name=jobs.MOVE_SERVER, queue=jobs.COMPUTE, retry=AGAIN)
def move_server(*, server_id: str, move: int) -> None:
    """Bring a server to another host."""
    perform_move(server_id, move)


@app.task(name=jobs.CONFIRM_RESIZE, queue=jobs.COMPUTE, retry=AGAIN)
def confirm_resize(*, server_id: str, move: int) -> None:
    """Give up what a server left behind."""
    confirm(server_id, move)


@app.task(name=jobs.REVERT_RESIZE, queue=jobs.COMPUTE, retry=AGAIN)
def revert_resize(*, server_id: str, move: int) -> None:
    """Bring a server back to where it was."""
    revert(server_id, move)


@app.task(name=jobs.MIGRATE_LIVE, queue=jobs.COMPUTE, retry=AGAIN)
def migrate_live(*, server_id: str, move: int) -> None:
    """Bring a server that runs to another host."""
    perform_live(server_id, move)


@app.task(name=jobs.EVACUATE, queue=jobs.COMPUTE, retry=AGAIN)
def evacuate(
    *, server_id: str, move: int, stopped: bool = False, sealed_password: str = ""
) -> None:
    """Build a server of a failed host on another."""
    perform_evacuation(server_id, move, stopped=stopped, sealed_password=sealed_password)


@app.periodic(cron="* * * * * */10")
@app.task(name="servers.retry_lost_jobs", queue=jobs.CONDUCTOR, queueing_lock="lost jobs")
def retry_lost_jobs(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the time
    """Give the jobs of workers that have died to others."""
    recovery.retry_lost_jobs()


@app.periodic(cron="* * * * * */30")
@app.task(name="servers.fail_lost_builds", queue=jobs.CONDUCTOR, queueing_lock="lost builds")
def fail_lost_builds(timestamp: int) -> None:  # noqa: ARG001
    """End builds and actions that nobody works on, and take up such deletions."""
    recovery.fail_lost_builds()
    recovery.resume_lost_deletions()
    recovery.give_up_lost_actions()
    give_up_lost_changes()
    recovery.end_lost_moves()


@app.periodic(cron="* * * * *")
@app.task(name="servers.end_waiting", queue=jobs.CONDUCTOR, queueing_lock="end waiting")
def end_waiting(timestamp: int) -> None:  # noqa: ARG001
    """Do what servers have waited for long enough, by the options of the site."""
    reclaim_deleted()
    offload_shelved()
    confirm_overdue()
    end_overdue_rescues()
    reboot_stuck()


@app.periodic(cron="17 * * * *")
@app.task(name="servers.purge_jobs", queue=jobs.CONDUCTOR, queueing_lock="purge")
def purge_jobs(timestamp: int) -> None:  # noqa: ARG001
    """Forget jobs that ended long ago, and what lets people in, or keeps them out, and is over."""
    recovery.purge_jobs()
    purge_tokens()
    purge_sessions()
    purge_failures()
    purge_console_tokens()
