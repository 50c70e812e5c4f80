"""Reads what a build needs: the server with its disks, and the node; one statement for all builds
that are done together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db.models import JSONField

from compute_site.db.loading import load
from compute_site.db.prepared import array, prepared_cursor
from servers.lifecycle.jobs import BuildServer
from servers.lifecycle.transitions import COLUMNS
from servers.models import BlockDevice, ComputeNode, Instance, Service

_OF_SERVER = [
    COLUMNS[name]
    for name in (
        *("id", "uuid", "project", "user", "vm_state", "task_state", "host", "node"),
        *("hostname", "vcpus", "memory_mb", "root_gb", "ephemeral_gb", "flavor", "image_ref"),
        *("user_data", "config_drive", "key_data", "metadata", "system_metadata"),
        *("numa_topology", "pci_requests", "launched_at"),
    )
]
_OF_DEVICE = BlockDevice._meta.concrete_fields  # noqa: SLF001 - Django's public model API
_OF_NODE = ("id", "hypervisor_hostname", "driver", "failed_builds", "service_id")
_IS_JSON = [isinstance(field, JSONField) for field in _OF_SERVER]
_COLUMNS = ", ".join(
    f"server.{field.column}::text" if is_json else f"server.{field.column}"
    for field, is_json in zip(_OF_SERVER, _IS_JSON, strict=True)
)
READ = f"""
    SELECT {", ".join(f"node.{name}" for name in _OF_NODE)}, service.host, spec.image::text,
        (SELECT jsonb_agg(to_jsonb(device) ORDER BY device.id)::text
         FROM servers_blockdevice AS device WHERE device.instance_id = server.id),
        {_COLUMNS}
    FROM unnest(%(servers)s::uuid[], %(nodes)s::bigint[])
        WITH ORDINALITY AS wanted (server, node, place)
    JOIN servers_instance AS server ON server.uuid = wanted.server
    JOIN servers_computenode AS node ON node.id = wanted.node
    JOIN servers_service AS service ON service.id = node.service_id
    LEFT JOIN servers_requestspec AS spec ON spec.instance_id = server.id
    ORDER BY wanted.place
"""  # noqa: S608 - names of our own columns


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A server to build, as far as building needs it; its other columns are read when asked for.
    ``image`` is that of its request spec.
    """

    instance: Instance
    node: ComputeNode
    image: Mapping[str, Any]
    devices: Sequence[BlockDevice]


def read_subjects(jobs: Sequence[BuildServer]) -> dict[str, Subject]:
    """By the id of the server; those that do not exist any more, or whose node does not, are left
    out.
    """
    values: dict[str, Any] = {
        "servers": array(job.server_id for job in jobs),
        "nodes": array(job.node_id for job in jobs),
    }
    with prepared_cursor() as cursor:
        cursor.execute(READ, values)
        subjects = [_subject(row) for row in cursor.fetchall()]
    return {str(subject.instance.uuid): subject for subject in subjects}


def _subject(row: tuple[Any, ...]) -> Subject:
    of_node, (host, image, devices), columns = row[:5], row[5:8], row[8:]
    node = load(ComputeNode, **dict(zip(_OF_NODE, of_node, strict=True)))
    node.service = load(Service, id=node.service_id, host=host)
    return Subject(
        node=node,
        instance=load(
            Instance,
            **{
                field.attname: orjson.loads(value) if is_json and value is not None else value
                for field, is_json, value in zip(_OF_SERVER, _IS_JSON, columns, strict=True)
            },
        ),
        image=orjson.loads(image or "{}"),
        devices=[_device(values) for values in orjson.loads(devices or "[]")],
    )


def _device(values: Mapping[str, Any]) -> BlockDevice:
    return load(
        BlockDevice,
        **{field.attname: field.to_python(values[str(field.column)]) for field in _OF_DEVICE},
    )
