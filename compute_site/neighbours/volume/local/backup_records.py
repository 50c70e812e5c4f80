"""Records of backups: texts that say of a backup all that its row does, for when the row is lost.

The names are those of Cinder's records, as clients change them before they send them back.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.local import data
from compute_site.neighbours.volume.local.backups import AVAILABLE, KEPT, BackupBusy
from compute_site.neighbours.volume.local.limits import check_backups
from compute_site.values.keys import (
    LARGEST_INT,
    Key,
    WrongValue,
    between,
    line,
    mapping,
    one_of,
    record,
    shown,
    text,
    uuid_text,
)
from compute_site.values.strict_json import MalformedJson, read_json

SERVICE = "cinder.backup.drivers.posix.PosixBackupDriver"
"""What in Cinder keeps backups as files; it stands for the folder of the site."""
FIELD = "backup-record.backup_url"
FILE_NAME = re.compile(r"backup-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class WrongRecord(BadRequest):
    """The text is no record of a backup of this site, or does not fit to what is here."""

    code = "wrong_record"


def _time(value: Any) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text(value))
        aware = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise WrongValue(f"give a time such as 2026-01-31T12:00:00, not {shown(value)}") from None


def _texts(value: Any) -> dict[str, str]:
    """What a volume knows of itself may be longer than what is written by clients."""
    return {text(name): text(content) for name, content in mapping(value).items()}


def _file_name(value: Any) -> str:
    """The id of the backup that has made the file."""
    found = FILE_NAME.fullmatch(text(value))
    if found is None:
        raise WrongValue(f"give backup-ID, not {shown(value)}")
    return found[1]


OF_VOLUME: Mapping[str, Key] = {
    "metadata": Key(_texts),
    "image_metadata": Key(_texts),
    "bootable": Key(one_of("true", "false", "")),
}
"""``KEPT``, column by column."""
SHAPE: Mapping[str, Key] = {
    "id": Key(uuid_text, required=True),
    "size": Key(between(1, LARGEST_INT), required=True),
    "volume_id": Key(uuid_text, required=True),
    "snapshot_id": Key(uuid_text),
    "parent_id": Key(uuid_text),
    "display_name": Key(line, default=""),
    "display_description": Key(text, default=""),
    "container": Key(line, default=""),
    "availability_zone": Key(line, default=""),
    "metadata": Key(_texts, default={}),
    "created_at": Key(_time, required=True),
    "data_timestamp": Key(_time, required=True),
    "service": Key(one_of(SERVICE)),
    "service_metadata": Key(_file_name),
    "object_count": Key(between(0, 1)),
    "driver_info": Key(record(OF_VOLUME), default={}),
}


def export(caller: Caller, backup: Backup) -> dict[str, str]:
    """Raises: BackupBusy: it is not available."""
    permit_on(caller, policies.EXPORT_BACKUP, backup.project_id)
    if backup.status != AVAILABLE:
        raise BackupBusy(f"Backup {backup.pk} is {backup.status}; it must be available.")
    file = data.file_of(backup)
    told = {
        "id": backup.pk,
        "size": backup.size,
        "volume_id": backup.volume_id,
        "snapshot_id": backup.snapshot_id,
        "parent_id": backup.parent_id,
        "display_name": backup.name,
        "display_description": backup.description,
        "container": backup.container,
        "availability_zone": backup.availability_zone,
        "metadata": backup.metadata,
        "created_at": backup.created_at.isoformat(),
        "data_timestamp": backup.data_timestamp.isoformat(),
        "service": SERVICE,
        "service_metadata": None if file is None else file.name,
        "object_count": 0 if file is None else 1,
        "driver_info": backup.of_volume,
    }
    packed = base64.b64encode(json.dumps(told, default=str).encode()).decode()
    return {"backup_service": SERVICE, "backup_url": packed}


@transaction.atomic
def bring_back(caller: Caller, values: Mapping[str, Any]) -> Backup:
    """Make the backup of a record, in the caller's project. Whoever may do that may have the bytes
    of any backup that is named, so the rule must be granted in every project.

    Raises:
        WrongRecord, VolumeQuotaReached.
    """
    permit_on(caller, policies.IMPORT_BACKUP, None)
    if values["backup_service"] != SERVICE:
        raise WrongRecord(f"Backups are kept by {SERVICE}.", field="backup-record.backup_service")
    told = _read(values["backup_url"])
    parent = told["parent_id"]
    before = Backup.objects.filter(pk=parent).select_for_update(no_key=True)
    if parent is not None and before.first() is None:
        raise WrongRecord(f"It is built on backup {parent}; import that first.", field=FIELD)
    check_backups(caller.project_id, told["size"])
    of_volume = told["driver_info"]
    columns = ("id", "size", "volume_id", "snapshot_id", "parent_id", "container", "metadata")
    also = ("availability_zone", "created_at", "data_timestamp")
    backup = Backup(
        project_id=caller.project_id,
        user_id=caller.user_id,
        name=told["display_name"],
        description=told["display_description"],
        of_volume={key: of_volume[key] for key in KEPT if of_volume.get(key) is not None},
        **{key: told[key] for key in (*columns, *also)},
    )
    try:
        with transaction.atomic():
            backup.save(force_insert=True)
    except IntegrityError:
        raise WrongRecord(f"There is a backup {backup.pk} already.", field=FIELD) from None
    if told["service_metadata"] is not None:
        data.adopt(backup, told["service_metadata"])
    return backup


def _read(packed: str) -> dict[str, Any]:
    try:
        told = read_json(base64.b64decode(packed, validate=True))
        values: dict[str, Any] = record(SHAPE)(told)
    except (binascii.Error, MalformedJson):
        raise WrongRecord(
            "This is no record of a backup: no JSON in Base64.", field=FIELD
        ) from None
    except ValueError as error:
        raise WrongRecord(f"This is no record of a backup: {error}.", field=FIELD) from None
    return values
