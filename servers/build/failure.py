"""Handles failed builds: tries another host, or puts the server into ``error`` with a fault."""

from __future__ import annotations

import dataclasses
import functools
import logging
import traceback

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compute_site import faults
from compute_site.metrics.meters import BUILDS, count
from compute_site.neighbours.network.protocol import NicFailed
from compute_site.neighbours.volume.protocol import VolumeQuotaReached
from servers.build.child_rows import BUILD_EVENT
from servers.holdings.release import NOWHERE, release_host, services_to_release
from servers.lifecycle.history import ERROR, finish_event
from servers.lifecycle.jobs import BuildServer
from servers.lifecycle.transitions import FAIL_BUILD, PLACE_AGAIN, take_step
from servers.models import Instance, InstanceAction, InstanceActionEvent, RequestSpec, ServerFault
from servers.placement import claims
from servers.placement.find import Try, find_hosts, until_claimed
from servers.placement.report import NoValidHost, keep_reports
from servers.placement.state import HostState

logger = logging.getLogger(__name__)

FINAL = (NicFailed, VolumeQuotaReached, faults.BadRequest, faults.Forbidden, faults.NotFound)
"""Failures that no other host would change."""


def fail_or_retry(job: BuildServer, instance: Instance, host: str, error: Exception) -> None:
    """Hand the server to the next suitable host, or end its build in ``error``."""
    if _may_retry(job, error) and _try_next(job, instance, host, error):
        return
    fail(instance, error, host=host)


def fail(instance: Instance, error: Exception, *, host: str | None = None) -> None:
    """End a build in ``error``: release its claims and write a fault with the reason.

    This is one transaction, so that a build that starts over finds either everything or its end.
    """
    with transaction.atomic():
        if not take_step(instance.pk, FAIL_BUILD, on_host=host, network_info=[], **NOWHERE):
            return  # deleted meanwhile; the deletion cleans up
        services_to_release(instance).defer()
        release_host([instance.pk])
        message, details = describe(error)
        ServerFault.objects.create(
            instance=instance, code=500, message=message[:255], details=details, host=host
        )
        finish_event(instance.pk, BUILD_EVENT, result=ERROR, details=message, traceback=details)
    count(BUILDS, "failed")


def describe(error: Exception) -> tuple[str, str]:
    """Message and details of a fault; of errors that are not ours, only the class name is shown."""
    details = "".join(traceback.format_exception(error))
    return (error.detail if isinstance(error, faults.Fault) else type(error).__name__), details


def _may_retry(job: BuildServer, error: Exception) -> bool:
    attempts: int = settings.OPTIONS.scheduler_max_attempts
    final = isinstance(error, FINAL)
    return job.retry and bool(job.alternates) and job.attempt < attempts and not final


def _try_next(job: BuildServer, instance: Instance, host: str, error: Exception) -> bool:
    """Move the server to the best alternate host that still fits; ``False``: there is none. The
    server keeps its volumes, and its NICs, which the next host binds to itself.
    """
    try:
        return until_claimed(functools.partial(_move_to_alternate, job, instance, host, error))
    except NoValidHost:
        return False


def _move_to_alternate(
    job: BuildServer, instance: Instance, host: str, error: Exception, attempt: Try
) -> bool:
    if not take_step(instance.pk, PLACE_AGAIN, on_host=host, network_info=[], **NOWHERE):
        return True  # deleted meanwhile; the deletion cleans up
    spec = RequestSpec.objects.select_related("instance_group").get(instance=instance)
    [placement] = find_hosts(spec, only=frozenset(job.alternates), attempt=attempt)
    chosen = placement.host
    release_host([instance.pk])
    claims.claim_places({instance.pk: placement})
    keep_reports({instance.pk: placement.report})
    _settle(instance, chosen, error)
    dataclasses.replace(
        job,
        node_id=chosen.node_id,
        alternates=tuple(node for node in job.alternates if node != chosen.node_id),
        attempt=job.attempt + 1,
    ).defer()
    logger.info("server %s goes on to %s", job.server_id, chosen.host)
    return True


def _settle(instance: Instance, chosen: HostState, error: Exception) -> None:
    """Write the server's new host, and the failed attempt into its history."""
    Instance.objects.filter(pk=instance.pk).update(
        host=chosen.host, node=chosen.node, availability_zone=chosen.zone
    )
    message, details = describe(error)
    finish_event(instance.pk, BUILD_EVENT, result=ERROR, details=message, traceback=details)
    action = InstanceAction.objects.filter(instance=instance, events__event=BUILD_EVENT).first()
    if action is not None:
        InstanceActionEvent.objects.create(
            action=action, event=BUILD_EVENT, start_time=timezone.now(), host=chosen.host
        )
