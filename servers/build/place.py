"""Schedules the servers of a reservation: from their build requests to the jobs of the hosts."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Sequence

import orjson
from django.utils import timezone

from compute_site.db.prepared import prepared_cursor
from servers.build.child_rows import BUILD_EVENT, write_records
from servers.build.owner import find_owner
from servers.build.unplaced import fail_unplaced
from servers.build.waiting import WaitingBuild, lock_reservation, read_spec
from servers.drivers.disks import root_name
from servers.lifecycle.jobs import BuildServer, Owner, defer_all
from servers.models import RequestSpec
from servers.placement import claims
from servers.placement.choose import Placement
from servers.placement.find import Try, alternates_wanted, find_hosts, until_claimed
from servers.placement.report import INSERT, NoValidHost, keep_reports

logger = logging.getLogger(__name__)

SET_PLACES = f"""
    WITH place AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%s::jsonb)
            AS place (id bigint, host text, node text, zone text, root text, cell bigint,
                      report jsonb)
    ), mapped AS (
        UPDATE servers_instancemapping AS mapping SET cell_id = place.cell
        FROM place
        WHERE mapping.instance_id = ANY(ARRAY(SELECT id FROM place))
          AND mapping.instance_id = place.id
    ), told AS (
        {INSERT.format(given="place AS given")}
    ), ended AS (
        DELETE FROM servers_buildrequest WHERE instance_id = ANY(ARRAY(SELECT id FROM place))
    )
    UPDATE servers_instance AS server
    SET host = place.host, node = place.node, availability_zone = place.zone,
        root_device_name = place.root, updated_at = %s
    FROM place WHERE server.id = ANY(ARRAY(SELECT id FROM place)) AND server.id = place.id
"""  # noqa: S608 - our own texts


def place_reservation(reservation_id: str) -> None:
    """Choose a host for each waiting server of the reservation, and defer the jobs that build them.

    If not all of them can be placed, all go to ``cell0`` in ``ERROR``. Servers that were deleted
    meanwhile are left out. A second call finds no waiting server and does nothing.
    """
    until_claimed(functools.partial(_place, reservation_id, timezone.now()))


def _place(reservation_id: str, began: dt.datetime, attempt: Try) -> None:
    requests = lock_reservation(reservation_id)
    if not requests:
        return
    spec = read_spec(requests[0].instance_id)
    try:
        placements = find_hosts(
            spec, count=len(requests), alternates=alternates_wanted(), attempt=attempt
        )
    except NoValidHost as fault:
        logger.info("reservation %s: %s", reservation_id, fault.detail)
        fail_unplaced(requests, fault, details=fault.details, searched_at=began)
        keep_reports(dict.fromkeys((request.instance_id for request in requests), fault.report))
        return
    _hand_over(requests, spec, placements, began)


def _hand_over(
    requests: Sequence[WaitingBuild],
    spec: RequestSpec,
    placements: Sequence[Placement],
    began: dt.datetime,
) -> None:
    """Write the hosts of the servers, then the jobs; the hosts' counters come last, so that they
    are locked for the shortest time.
    """
    servers = [request.instance_id for request in requests]
    hosts = [placement.host for placement in placements]
    now = timezone.now()
    write_records(
        requests,
        named=True,
        events={
            server: {
                "event": BUILD_EVENT,
                "start_time": now,
                "host": host.host,
                "searched_at": began,
            }
            for server, host in zip(servers, hosts, strict=True)
        },
    )
    _set_places(requests, placements, now)
    owner = find_owner(spec.instance, request_id=requests[0].request_id)
    defer_all(
        [
            _job(request, placement, owner, retry=not (spec.force_hosts or spec.force_nodes))
            for request, placement in zip(requests, placements, strict=True)
        ]
    )
    claims.claim_places(dict(zip(servers, placements, strict=True)))


def _set_places(
    requests: Sequence[WaitingBuild], placements: Sequence[Placement], now: dt.datetime
) -> None:
    """Write the hosts and how they were chosen, and end the build requests."""
    places = [
        {
            "id": request.instance_id,
            "host": placement.host.host,
            "node": placement.host.node,
            "zone": placement.host.zone,
            "root": root_name(request.root_device_name, request.block_devices),
            "cell": placement.host.cell_id,
            "report": placement.report,
        }
        for request, placement in zip(requests, placements, strict=True)
    ]
    with prepared_cursor() as cursor:
        cursor.execute(SET_PLACES, [orjson.dumps(places).decode(), now])


def _job(request: WaitingBuild, placement: Placement, owner: Owner, *, retry: bool) -> BuildServer:
    networks = request.requested_networks
    return BuildServer(
        server_id=str(request.uuid),
        node_id=placement.host.node_id,
        owner=owner,
        networks=networks if isinstance(networks, str) else tuple(networks or ()),
        security_groups=tuple(request.security_groups),
        files=tuple(request.injected_files),
        sealed_password=request.admin_password,
        alternates=tuple(host.node_id for host in placement.alternates),
        retry=retry,
    )
