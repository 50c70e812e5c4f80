"""Schedules the servers of a reservation: from their build requests to the jobs of the hosts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import logging
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType

import orjson
from django.conf import settings
from django.utils import timezone

from compute_site.db.prepared import send_later
from servers.build.child_rows import BUILD_EVENT, write_records
from servers.build.owner import find_owners
from servers.build.unplaced import fail_unplaced
from servers.build.waiting import WaitingBuild, asked_of, lock_reservations, read_specs
from servers.drivers.choose import are_slow
from servers.drivers.disks import root_name
from servers.lifecycle.jobs import BuildServer, Owner, defer_all, turn_into
from servers.models import RequestSpec
from servers.placement import claims
from servers.placement.choose import Placement
from servers.placement.find import Try, alternates_wanted, find_hosts, until_claimed
from servers.placement.report import INSERT, NoValidHost, keep_reports

TENANT_RULE = "AggregateMultiTenancyIsolation"

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


NO_JOBS: Mapping[str, int] = MappingProxyType({})


class Unlike(Exception):
    """Not all of the reservations can be placed together; ``groups`` are those that can."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.groups = groups


def place_reservation(reservation_id: str) -> None:
    """Choose a host for each waiting server of the reservation, and defer the jobs that build them.

    If not all of them can be placed, all go to ``cell0`` in ``ERROR``. Servers that were deleted
    meanwhile are left out. A second call finds no waiting server and does nothing.
    """
    place_reservations([reservation_id])


def place_reservations(
    reservation_ids: Sequence[str], jobs: Mapping[str, int] = NO_JOBS
) -> dict[int, BuildServer]:
    """As ``place_reservation`` for several; those that ask for the same are placed together.

    ``jobs`` are the keys of the running jobs that place them. Where a reservation has one server,
    on a host whose driver is quick, its job becomes the one that builds the server; returns
    these builds by the keys of the jobs.
    """
    try:
        return until_claimed(functools.partial(_place, reservation_ids, jobs, timezone.now()))
    except Unlike as found:
        built: dict[int, BuildServer] = {}
        for group in found.groups:
            built |= place_reservations(group, jobs)
        return built


def _place(
    reservation_ids: Sequence[str], jobs: Mapping[str, int], began: dt.datetime, attempt: Try
) -> dict[int, BuildServer]:
    requests = lock_reservations(reservation_ids)
    if not requests:
        return {}
    specs = _read_alike(requests)
    spec = specs[requests[0].reservation_id]
    try:
        placements = find_hosts(
            spec,
            count=len(requests),
            alternates=alternates_wanted(),
            attempt=attempt,
            shared=frozenset(requests[0].shared),
        )
    except NoValidHost as fault:
        if len(specs) > 1:
            raise Unlike([[one] for one in specs]) from None
        logger.info("reservation %s: %s", requests[0].reservation_id, fault.detail)
        fail_unplaced(requests, fault, details=fault.details, searched_at=began)
        keep_reports(dict.fromkeys((request.instance_id for request in requests), fault.report))
        return {}
    return _hand_over(requests, specs, placements, jobs, began)


def _read_alike(requests: Sequence[WaitingBuild]) -> dict[str, RequestSpec]:
    """The spec of each reservation.

    Raises:
        Unlike: they ask for different things.
    """
    firsts: dict[str, int] = {}
    for request in requests:
        firsts.setdefault(request.reservation_id, request.instance_id)
    read = read_specs(list(firsts.values()))
    specs = {one: read[server] for one, server in firsts.items()}
    if len(specs) > 1:
        groups: dict[Hashable, list[str]] = {}
        for one, spec in specs.items():
            groups.setdefault(_kind_of(one, spec), []).append(one)
        if len(groups) > 1:
            raise Unlike(list(groups.values()))
    return specs


def _kind_of(reservation_id: str, spec: RequestSpec) -> Hashable:
    """Equal for reservations that the same hosts will do for. Groups count their members, so that
    their servers are placed by themselves.
    """
    options = settings.OPTIONS
    by_project = (
        options.limit_tenants_to_placement_aggregate or TENANT_RULE in options.enabled_filters
    )
    return (
        asked_of(spec),
        spec.instance.project_id if by_project else "",
        reservation_id if spec.instance_group_id is not None else "",
    )


def _hand_over(
    requests: Sequence[WaitingBuild],
    specs: Mapping[str, RequestSpec],
    placements: Sequence[Placement],
    jobs: Mapping[str, int],
    began: dt.datetime,
) -> dict[int, BuildServer]:
    """Write the hosts of the servers, then the jobs; the hosts' counters come last, so that they
    are locked for the shortest time. All of it goes to the database in one trip.
    """
    owners = find_owners([spec.instance for spec in specs.values()])
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
    going_on = _give_jobs(requests, specs, placements, jobs, owners)
    claims.claim_places(dict(zip(servers, placements, strict=True)))
    return going_on


def _give_jobs(
    requests: Sequence[WaitingBuild],
    specs: Mapping[str, RequestSpec],
    placements: Sequence[Placement],
    jobs: Mapping[str, int],
    owners: Mapping[tuple[str, str], Owner],
) -> dict[int, BuildServer]:
    """Defer the builds, but for those with which the jobs that place go on, which are returned."""
    numbers = Counter(request.reservation_id for request in requests)
    going_on: dict[int, BuildServer] = {}
    deferred = []
    for request, placement in zip(requests, placements, strict=True):
        spec = specs[request.reservation_id]
        owner = owners[str(request.user_id), request.project_id]
        build = _job(
            request,
            placement,
            dataclasses.replace(
                owner, request_id=request.request_id or "-", sealed_token=request.user_token
            ),
            retry=not (spec.force_hosts or spec.force_nodes),
        )
        job = jobs.get(request.reservation_id)
        alone = numbers[request.reservation_id] == 1
        if job is not None and alone and not are_slow([placement.host.driver]):
            going_on[job] = build
        else:
            deferred.append(build)
    defer_all(deferred)
    turn_into(going_on)
    return going_on


def _set_places(
    requests: Sequence[WaitingBuild], placements: Sequence[Placement], now: dt.datetime
) -> None:
    """Write the servers' hosts and how they were chosen, and end the build requests."""
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
    send_later(SET_PLACES, [orjson.dumps(places).decode(), now])


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
