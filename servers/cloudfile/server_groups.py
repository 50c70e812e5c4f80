"""Server groups."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.cloudfile.cloud import Cloud, own_id, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.values.keys import (
    Key,
    filled_text,
    one_of,
    positive,
    record,
    text,
    uuid_text,
)
from quotas.counters import check_counters
from servers.models import ServerGroup
from servers.models.server_group import Policy
from servers.usage import count_usage


def write_server_groups(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = []
    for entry in entries:
        project_id = cloud.project(entry, "project")
        rows.append(
            ServerGroup(
                uuid=own_id(entry, "server group", project_id, entry["name"]),
                name=entry["name"],
                policy=entry["policy"],
                rules={key: rule for key, rule in entry["rules"].items() if rule is not None},
                project_id=project_id,
                user_id=cloud.user(entry, "user"),
            )
        )
    save_rows(ServerGroup, rows, key="uuid")
    # Groups count against a quota, so its counters follow.
    for project_id in sorted({row.project_id for row in rows}):
        check_counters(project_id, count_usage, fix=True)


SECTIONS = (
    Section(
        name="server_groups",
        after=("users",),
        keys={
            "id": Key(uuid_text),
            "name": Key(filled_text, required=True),
            "policy": Key(one_of(*Policy.values), required=True),
            "rules": Key(record({"max_server_per_host": Key(positive)}), default={}),
            "project": Key(text, required=True),
            "user": Key(text, required=True),
        },
        write=write_server_groups,
        unique=(("id",),),
    ),
)
