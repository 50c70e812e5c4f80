"""Reads what waits for hosts: the build requests of servers, locked, and the spec that they share.

Plain SQL, and tuples in the place of models: compiling and loading would take a third of the time
that placing takes.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from django.db.models import JSONField

from compute_site.db.loading import load
from compute_site.db.prepared import array, prepared_cursor
from compute_site.identity.models import Project, User
from servers.models import Instance, RequestSpec, ServerGroup, TaskState, VmState
from servers.placement.sharing import NAMES

# Both are found by key: of a join PostgreSQL may think that it is best to read all that wait.
WAITING = """
    WITH asked AS MATERIALIZED (SELECT id FROM servers_instance WHERE {found})
    SELECT request.id, request.instance_id, server.uuid, server.user_id, request.project_id,
        server.reservation_id, server.root_device_name, request.request_id, request.admin_password,
        request.user_token,
        {shared},
        request.requested_networks::text, request.security_groups::text,
        request.block_devices::text, request.injected_files::text, request.tags::text
    FROM servers_buildrequest AS request
    JOIN servers_instance AS server ON server.id = request.instance_id
    WHERE request.instance_id = ANY(ARRAY(SELECT id FROM asked))
      AND server.id = ANY(ARRAY(SELECT id FROM asked)) AND {condition}
    ORDER BY request.id
    FOR NO KEY UPDATE OF request, server
"""
JSON_FROM = 11
"""The first column that is JSON; all after it are."""
OF_RESERVATION = WAITING.format(
    shared=NAMES,
    found="reservation_id = ANY(%s::text[])",
    condition="server.vm_state = %s AND server.task_state = %s AND server.deleted_at IS NULL",
)
OF_SERVER = WAITING.format(shared=NAMES, found="id = %s", condition="true")


class WaitingBuild(NamedTuple):
    """A build request with what is needed of its server (``servers.models.BuildRequest``)."""

    id: int
    instance_id: int
    uuid: uuid.UUID
    user_id: uuid.UUID
    project_id: str
    reservation_id: str
    root_device_name: str | None
    request_id: str
    admin_password: str
    user_token: str
    shared: list[str]
    """What providers share with hosts (``servers.placement.sharing``)."""
    requested_networks: Any
    security_groups: list[str]
    block_devices: list[dict[str, Any]]
    injected_files: list[dict[str, Any]]
    tags: list[str]


def lock_reservations(reservation_ids: Sequence[str]) -> list[WaitingBuild]:
    """What waits of these reservations, locked: a deletion by the user waits from here on.

    A deletion that is running is waited for; its build request is missing from the result.
    """
    return _read(OF_RESERVATION, [array(reservation_ids), VmState.BUILDING, TaskState.SCHEDULING])


def lock_request(server: int) -> list[WaitingBuild]:
    """The build request of one server (by key), locked, or none."""
    return _read(OF_SERVER, [server])


def _read(statement: str, values: list[Any]) -> list[WaitingBuild]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        return [
            WaitingBuild(*row[:JSON_FROM], *map(orjson.loads, row[JSON_FROM:]))
            for row in cursor.fetchall()
        ]


_OF_SPEC = RequestSpec._meta.concrete_fields  # noqa: SLF001 - Django's public model API
_SPEC_NAMES = [field.attname for field in _OF_SPEC]
_JSON = [isinstance(field, JSONField) for field in _OF_SPEC]
_COLUMNS = ", ".join(
    f"spec.{field.column}::text" if is_json else f"spec.{field.column}"
    for field, is_json in zip(_OF_SPEC, _JSON, strict=True)
)
SPEC = f"""
    SELECT server.uuid, server.user_id, server.project_id, account.username, project.name,
        (SELECT policy FROM servers_servergroup WHERE id = spec.instance_group_id),
        (SELECT rules::text FROM servers_servergroup WHERE id = spec.instance_group_id),
        {_COLUMNS}
    FROM servers_requestspec AS spec
    JOIN servers_instance AS server ON server.id = spec.instance_id
    JOIN identity_user AS account ON account.id = server.user_id
    JOIN identity_project AS project ON project.id = server.project_id
    WHERE spec.instance_id = ANY(%s::bigint[])
"""  # noqa: S608 - names of our own columns


def read_specs(servers: Sequence[int]) -> dict[int, RequestSpec]:
    """The specs of servers (by key) with their owners and groups, as far as placing needs them.

    Raises:
        RequestSpec.DoesNotExist: one has none.
    """
    with prepared_cursor() as cursor:
        cursor.execute(SPEC, [array(servers)])
        specs = {spec.instance_id: spec for spec in map(_spec, cursor.fetchall())}
    for server in servers:
        if server not in specs:
            raise RequestSpec.DoesNotExist(f"The server with the key {server} has no request spec.")
    return specs


def _spec(row: tuple[Any, ...]) -> RequestSpec:
    key, user, project, user_name, project_name, policy, rules, *values = row
    spec = load(
        RequestSpec,
        **{
            name: orjson.loads(value) if is_json and value is not None else value
            for name, is_json, value in zip(_SPEC_NAMES, _JSON, values, strict=True)
        },
    )
    server = spec.instance_id
    spec.instance = load(Instance, id=server, uuid=key, user_id=user, project_id=project)
    spec.instance.user = load(User, id=user, username=user_name)
    spec.instance.project = load(Project, id=project, name=project_name)
    if spec.instance_group_id is not None:
        spec.instance_group = load(
            ServerGroup, id=spec.instance_group_id, policy=policy, rules=orjson.loads(rules)
        )
    return spec


_OWN = frozenset(("id", "instance_id", "num_instances"))
"""What specs differ in though they ask for the same."""


def asked_of(spec: RequestSpec) -> bytes:
    """What the spec asks for: equal for specs that ask for the same."""
    return orjson.dumps([getattr(spec, name) for name in _SPEC_NAMES if name not in _OWN])
