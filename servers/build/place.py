"""Schedules the servers of a reservation: from their build requests to the jobs of the hosts."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from servers.build.child_rows import BUILD_EVENT, write_records
from servers.build.owner import find_owner
from servers.build.unplaced import fail_unplaced
from servers.drivers.disks import root_name
from servers.lifecycle.jobs import BuildServer, Owner, defer_all
from servers.models import BuildRequest, RequestSpec, TaskState, VmState
from servers.placement import claims
from servers.placement.choose import Placement
from servers.placement.find import Try, alternates_wanted, find_hosts, until_claimed
from servers.placement.report import NoValidHost, keep_reports

logger = logging.getLogger(__name__)

SET_PLACES = """
    UPDATE servers_instance AS server
    SET host = place.host, node = place.node, availability_zone = place.zone,
        root_device_name = place.root, updated_at = %(now)s
    FROM unnest(%(servers)s::bigint[], %(hosts)s::text[], %(nodes)s::text[], %(zones)s::text[],
                %(roots)s::text[]) AS place (id, host, node, zone, root)
    WHERE server.id = place.id
"""
SET_CELLS = """
    UPDATE servers_instancemapping AS mapping SET cell_id = place.cell
    FROM unnest(%(servers)s::bigint[], %(cells)s::bigint[]) AS place (id, cell)
    WHERE mapping.instance_id = place.id
"""


def place_reservation(reservation_id: str) -> None:
    """Choose a host for each waiting server of the reservation, and defer the jobs that build them.

    If not all of them can be placed, all go to ``cell0`` in ``ERROR``. Servers that were deleted
    meanwhile are left out. A second call finds no waiting server and does nothing.
    """
    until_claimed(functools.partial(_place, reservation_id))


def _place(reservation_id: str, attempt: Try) -> None:
    requests = _lock_requests(reservation_id)
    if not requests:
        return
    spec = requests[0].instance.request_spec
    try:
        placements = find_hosts(
            spec, count=len(requests), alternates=alternates_wanted(), attempt=attempt
        )
    except NoValidHost as fault:
        logger.info("reservation %s: %s", reservation_id, fault.detail)
        fail_unplaced(requests, fault, details=fault.details)
        keep_reports(dict.fromkeys((request.instance_id for request in requests), fault.report))
        return
    _hand_over(requests, spec, placements)


def _lock_requests(reservation_id: str) -> list[BuildRequest]:
    """The build requests, locked: a deletion by the user waits from here on.

    A deletion that is running is waited for; its build request is missing from the result.
    """
    return list(
        BuildRequest.objects.select_for_update(of=("self", "instance"), no_key=True)
        .filter(
            instance__reservation_id=reservation_id,
            instance__vm_state=VmState.BUILDING,
            instance__task_state=TaskState.SCHEDULING,
            instance__deleted_at__isnull=True,
        )
        .select_related(
            "instance__request_spec__instance_group", "instance__user", "instance__project"
        )
        .order_by("pk")
    )


def _hand_over(
    requests: Sequence[BuildRequest], spec: RequestSpec, placements: Sequence[Placement]
) -> None:
    """Write the hosts of the servers, then the jobs; the hosts' counters come last, so that they
    are locked for the shortest time.
    """
    servers = [request.instance_id for request in requests]
    hosts = [placement.host for placement in placements]
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            SET_PLACES,
            {
                "now": now,
                "servers": servers,
                "hosts": [host.host for host in hosts],
                "nodes": [host.node for host in hosts],
                "zones": [host.zone for host in hosts],
                "roots": [
                    root_name(request.instance.root_device_name, request.block_devices)
                    for request in requests
                ],
            },
        )
        cursor.execute(SET_CELLS, {"servers": servers, "cells": [host.cell_id for host in hosts]})
    write_records(
        requests,
        named=True,
        events={
            server: {"event": BUILD_EVENT, "start_time": now, "host": host.host}
            for server, host in zip(servers, hosts, strict=True)
        },
    )
    BuildRequest.objects.filter(pk__in=[request.pk for request in requests]).delete()
    owner = find_owner(requests[0].instance, request_id=requests[0].request_id)
    defer_all(
        [
            _job(request, placement, owner, retry=not (spec.force_hosts or spec.force_nodes))
            for request, placement in zip(requests, placements, strict=True)
        ]
    )
    places = dict(zip(servers, placements, strict=True))
    keep_reports({server: placement.report for server, placement in places.items()})
    claims.claim_places(places)


def _job(request: BuildRequest, placement: Placement, owner: Owner, *, retry: bool) -> BuildServer:
    networks = request.requested_networks
    return BuildServer(
        server_id=str(request.instance.uuid),
        node_id=placement.host.node_id,
        owner=owner,
        networks=networks if isinstance(networks, str) else tuple(networks or ()),
        security_groups=tuple(request.security_groups),
        files=tuple(request.injected_files),
        sealed_password=request.admin_password,
        alternates=tuple(host.node_id for host in placement.alternates),
        retry=retry,
    )
