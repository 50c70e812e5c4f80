"""Archives deleted servers, out of the tables that requests read, and purges archived ones.

Nova: ``nova-manage db archive_deleted_rows`` and ``purge``. Archived servers are not in any answer,
not even in the list of deleted servers or in usage reports.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.db.models.expressions import RawSQL
from guardian.models import GroupObjectPermission, UserObjectPermission

from servers.models import (
    ArchivedServer,
    BuildRequest,
    ConsoleToken,
    Consumer,
    Instance,
    KeptRequest,
    ServerGroupMember,
)

BATCH = 100
"""Servers that one transaction takes: requests do not notice so short a lock."""

LEFT_OUT: tuple[type[Model], ...] = (
    *(BuildRequest, KeptRequest, ConsoleToken, Consumer, ServerGroupMember),
)
"""What only a living server has or needs, secrets among it: it is not kept."""

# Servers that still have resources of a service or host are not archived yet.
HAS_WORK = """
EXISTS (SELECT FROM procrastinate_jobs job
         WHERE job.status IN ('todo', 'doing')
           AND job.args ->> 'server_id' = servers_instance.uuid::text)
"""
INSERT = """
INSERT INTO servers_archivedserver (
       uuid, project_id, user_id, display_name, created_at, deleted_at, archived_at, record)
SELECT uuid, project_id, user_id, display_name, created_at, deleted_at, statement_timestamp(),
       {record}
  FROM servers_instance server
 WHERE id = ANY(%s)
"""
ROWS = """
(SELECT coalesce(jsonb_agg({row} ORDER BY {alias}.id), '[]')
   FROM {table} {alias}
  WHERE {alias}.{column} = {owner}.id)
"""


def archive_deleted(*, before: dt.datetime | None, most: int) -> int:
    """Archive the servers that were deleted before a time (or all deleted ones), the oldest first
    and so many at most; return how many there were.

    Two at a time do not wait for each other: each takes what the other has not locked.
    """
    done = 0
    while done < most:
        number = _archive_batch(before, min(BATCH, most - done))
        if not number:
            break
        done += number
    return done


def purge_archived(*, before: dt.datetime | None, most: int | None = None) -> int:
    """Forget archived servers that were deleted before a time (or all), so many at most; return
    how many there were.
    """
    done = 0
    while most is None or done < most:
        rows = _older(ArchivedServer.objects.all(), before).order_by("deleted_at")
        keys = rows.values_list("pk", flat=True)[: min(BATCH, most - done) if most else BATCH]
        number, _ = ArchivedServer.objects.filter(pk__in=list(keys)).delete()
        if not number:
            break
        done += number
    return done


@transaction.atomic
def _archive_batch(before: dt.datetime | None, most: int) -> int:
    gone = _older(Instance.objects.filter(deleted_at__isnull=False), before)
    gone = gone.exclude(Exists(Consumer.objects.filter(instance=OuterRef("pk"))))
    gone = gone.annotate(has_work=RawSQL(HAS_WORK, ())).filter(has_work=False)  # noqa: S611 - ours
    locked = gone.select_for_update(skip_locked=True).order_by("created_at", "id")
    keys = list(locked.values_list("pk", flat=True)[:most])
    if not keys:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(INSERT.format(record=record_of(Instance, "server")), [keys])
    forget_grants(keys)
    Instance.objects.filter(pk__in=keys).delete()
    return len(keys)


def _older(rows: QuerySet[Any], before: dt.datetime | None) -> QuerySet[Any]:
    return rows if before is None else rows.filter(deleted_at__lt=before)


def forget_grants(keys: Sequence[int]) -> None:
    """Delete the grants on deleted servers, because guardian stores them without a foreign key."""
    kind = ContentType.objects.get_for_model(Instance)
    for model in (UserObjectPermission, GroupObjectPermission):
        model.objects.filter(content_type=kind, object_pk__in=[str(key) for key in keys]).delete()


def record_of(model: type[Model], alias: str) -> str:
    """SQL for a row as JSON, with the rows that belong to it below ``parts``."""
    parts = [
        f"'{relation.get_accessor_name()}', {_rows_of(relation, alias)}"
        for relation in model._meta.related_objects  # noqa: SLF001 - Django's public model API
        if relation.related_model not in LEFT_OUT
    ]
    if not parts:
        return f"to_jsonb({alias})"
    named = f"jsonb_build_object({', '.join(parts)})"
    return f"to_jsonb({alias}) || jsonb_build_object('parts', {named})"


def _rows_of(relation: Any, owner: str) -> str:
    """SQL for a list of the rows of one relation, in the order in which they were made."""
    options = relation.related_model._meta  # noqa: SLF001
    alias = f"{owner}_{options.model_name}"
    row = record_of(relation.related_model, alias)
    return ROWS.format(
        row=row, alias=alias, table=options.db_table, column=relation.field.column, owner=owner
    )
