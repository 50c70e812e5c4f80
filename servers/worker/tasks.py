"""The entry points of the queue: which function does each kind of job, and what is done
periodically.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from procrastinate.contrib.django import app

from compute_site.db.sessions import any_plans, unlimited_statements
from compute_site.idempotency.once import purge_kept_answers
from compute_site.identity.lockout import purge_failures
from compute_site.identity.oauth import purge_requests
from compute_site.identity.records import purge_records
from compute_site.identity.sign_ins import purge_sign_ins
from compute_site.identity.tokens import purge_sessions, purge_tokens
from compute_site.neighbours.image.local import tasks as image_tasks
from compute_site.neighbours.image.local import uploads
from compute_site.neighbours.volume.local import data as volume_data
from compute_site.neighbours.volume.local import messages as volume_messages
from compute_site.request_id import sent_by
from servers.actions.overdue import end_overdue_rescues, reboot_stuck
from servers.actions.perform import perform
from servers.actions.remote_console import purge_console_tokens
from servers.actions.shelve import offload_shelved
from servers.actions.standing_still import let_go_on
from servers.actions.unshelve import place_shelved
from servers.attachments import left_elsewhere, on_host
from servers.attachments.left_connections import close_left_connections
from servers.attachments.lost import give_up_lost_changes
from servers.build.together import build_server, let_waiting_go_on, place_and_build
from servers.delete.delete import finish_delete
from servers.delete.reclaim import reclaim_deleted
from servers.holdings.ask_first import (
    take_back_detaching,
    take_back_reservations,
    take_back_snapshots,
)
from servers.holdings.release import (
    complete_image,
    forget_images,
    release_services,
    release_volume,
)
from servers.host_orders import spool
from servers.host_orders.parking import WaitingForHost, park, wake_late
from servers.host_orders.take import purge_orders
from servers.lifecycle import jobs
from servers.lifecycle.companions import current_job, is_resumed
from servers.lifecycle.history import note_step
from servers.models.server_step import SCHEDULING
from servers.moves.confirm_or_revert import confirm_overdue
from servers.moves.evacuate import perform_evacuation
from servers.moves.live import perform_live
from servers.moves.perform import confirm_resize, move_server, revert_resize
from servers.moves.place import place_move
from servers.placement.port_bindings import bind_where_it_lies
from servers.statistics.roll_up import roll_up
from servers.worker import recovery
from servers.worker.at_work import PARKED_HERE
from servers.worker.bytes import ask_for_lost_bytes, make_bytes, upload_volume
from servers.worker.downloads import fetch_image
from servers.worker.patience import AGAIN, UNTIL_DONE

Kind = TypeVar("Kind", bound=jobs.Job)


def _register(kind: type[Kind], do: Callable[[Kind], object]) -> None:
    """Tell the queue which function does jobs of this kind."""

    def run(**arguments: Any) -> object:
        with sent_by(arguments.get(jobs.ORIGIN, "-")):
            job = kind.from_arguments(arguments)
            if isinstance(job, jobs.ServerJob) and not isinstance(job, jobs.DeleteServer):
                _note_begin(job)
            try:
                do(job)
            except WaitingForHost as waiting:
                park({current_job.get() or 0: waiting})
                return PARKED_HERE
            return None

    again = UNTIL_DONE if issubclass(kind, jobs.GiveBack) else AGAIN
    app.task(name=kind.task_name, queue=kind.queue, retry=again)(run)


def _note_begin(job: jobs.ServerJob) -> None:
    """Write into the server's history that its request has waited until now."""
    if is_resumed.get():
        return
    note_step(
        job.server_id,
        SCHEDULING if job.queue == jobs.CONDUCTOR else None,
        otherwise=job.task_name.removeprefix("servers."),
        request_id=getattr(job, "request_id", None),
    )


_register(jobs.ScheduleAndBuild, place_and_build)
_register(jobs.BuildServer, build_server)
_register(jobs.DeleteServer, finish_delete)
_register(jobs.ReleaseServices, release_services)
_register(jobs.ReleaseVolume, release_volume)
_register(jobs.BindPorts, bind_where_it_lies)
_register(jobs.ForgetImages, forget_images)
_register(jobs.CompleteImage, complete_image)
_register(jobs.TakeBackReservations, take_back_reservations)
_register(jobs.TakeBackDetaching, take_back_detaching)
_register(jobs.TakeBackNics, left_elsewhere.take_back_nics)
_register(jobs.ReadNics, left_elsewhere.read_nics)
_register(jobs.TakeBackSnapshots, take_back_snapshots)
_register(jobs.MakeBytes, make_bytes)
_register(jobs.LetGoOn, let_go_on)
_register(jobs.UploadVolume, upload_volume)
_register(jobs.FetchImage, fetch_image)
_register(jobs.PerformAction, perform)
_register(jobs.UnshelveServer, place_shelved)
_register(jobs.AttachVolume, on_host.attach_volume)
_register(jobs.DetachVolume, on_host.detach_volume)
_register(jobs.SwapVolume, on_host.swap_volume)
_register(jobs.AttachInterface, on_host.attach_interface)
_register(jobs.DetachInterface, on_host.detach_interface)
_register(jobs.PlaceMove, place_move)
_register(jobs.MoveServer, move_server)
_register(jobs.ConfirmResize, confirm_resize)
_register(jobs.RevertResize, revert_resize)
_register(jobs.MigrateLive, perform_live)
_register(jobs.Evacuate, perform_evacuation)


@app.periodic(cron="* * * * * */5")
@app.task(name="servers.retry_lost_jobs", queue=jobs.CONDUCTOR, queueing_lock="lost jobs")
def retry_lost_jobs(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the time
    """Give the jobs of workers that have died to others, and let those go on whose hosts are
    late.
    """
    with any_plans():
        recovery.retry_lost_jobs()
        let_waiting_go_on()
        wake_late()


@app.periodic(cron="* * * * * */30")
@app.task(name="servers.fail_lost_builds", queue=jobs.CONDUCTOR, queueing_lock="lost builds")
def fail_lost_builds(timestamp: int) -> None:  # noqa: ARG001
    """End builds and actions that nobody works on, and take up such deletions and copies."""
    with any_plans():
        recovery.fail_lost_builds()
        recovery.resume_lost_deletions()
        recovery.give_up_lost_actions()
        give_up_lost_changes()
        recovery.end_lost_moves()
        ask_for_lost_bytes()


@app.periodic(cron="* * * * *")
@app.task(name="servers.end_waiting", queue=jobs.CONDUCTOR, queueing_lock="end waiting")
def end_waiting(timestamp: int) -> None:  # noqa: ARG001
    """Do what is due after a time that an option sets: delete for good, offload, confirm resizes,
    end rescues, reboot hard; and end what hosts need no longer.
    """
    with any_plans():
        reclaim_deleted()
        offload_shelved()
        confirm_overdue()
        end_overdue_rescues()
        reboot_stuck()
        close_left_connections()


@app.periodic(cron="3 * * * *")
@app.task(name="servers.roll_up", queue=jobs.CONDUCTOR, queueing_lock="roll up")
def roll_up_figures(timestamp: int) -> None:  # noqa: ARG001
    """Add up what the console's charts and reports show."""
    with any_plans(), unlimited_statements():
        roll_up()


@app.periodic(cron="17 * * * *")
@app.task(name="servers.purge_jobs", queue=jobs.CONDUCTOR, queueing_lock="purge")
def purge_jobs(timestamp: int) -> None:  # noqa: ARG001
    """Forget jobs that ended long ago, answers that are not kept any more, and what lets people
    in, or keeps them out, and is over.
    """
    with any_plans(), unlimited_statements():
        recovery.purge_jobs()
        purge_tokens()
        purge_requests()
        purge_sessions()
        purge_failures()
        purge_sign_ins()
        purge_records()
        purge_console_tokens()
        purge_kept_answers()
        purge_orders()
        spool.clean_up()
        volume_data.clean_up()
        volume_messages.clean_up()
        uploads.clean_up()
        image_tasks.clean_up()
