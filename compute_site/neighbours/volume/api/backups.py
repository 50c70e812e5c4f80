"""Backups of volumes: ``/volume/v3/backups``."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.ownership import OwnedQuerySet, may_on
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.actions import Action, ActionView
from compute_site.neighbours.volume.api.queries import CONTROLS, an_id, like, same
from compute_site.neighbours.volume.api.representation import cinder_time, links
from compute_site.neighbours.volume.api.version import known_at, starting
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.local import backup_records, backups, data
from compute_site.values.keys import Key, one_of

KEYS_SINCE = starting(
    v3_18=["os-backup-project-attr:project_id"], v3_43=["metadata"], v3_56=["user_id"]
)
PRIVATE = ("os-backup-project-attr:project_id", "user_id")
"""Keys for those who may see them."""


class BackupCreate(BodySerializer):
    shape = shapes.NEW_BACKUP
    since: ClassVar = starting(v3_43=["metadata"], v3_51=["availability_zone"])


class BackupUpdate(BodySerializer):
    shape = shapes.CHANGED_BACKUP
    since: ClassVar = starting(v3_43=["metadata"])


class BackupRestore(BodySerializer):
    shape = shapes.RESTORED_BACKUP


class BackupRecord(BodySerializer):
    shape = shapes.BACKUP_RECORD


class BackupView(VolumeView):
    def rows(self) -> OwnedQuerySet[Any]:
        later = Backup.objects.filter(parent=OuterRef("pk"))
        visible = Backup.objects.visible_to(self.caller)
        return visible.annotate(has_increments=Exists(later))

    def find_backup(self, backup_id: str) -> Backup:
        self.caller.permit(policies.SHOW_BACKUP)
        found: Backup = self.find(self.rows(), backup_id, "backup")
        return found

    def show_plain(self, backup: Backup) -> dict[str, Any]:
        backup_id = str(backup.pk)
        return {
            "id": backup_id,
            "name": backup.name or None,
            "links": links(self.root, backup.project_id, "backups", backup_id),
        }

    def show_whole_backup(self, backup: Any) -> dict[str, Any]:
        """``backup`` comes with ``has_increments``."""
        shown = {
            **self.show_plain(backup),
            "description": backup.description or None,
            "status": backup.status,
            "size": backup.size,
            "object_count": 0 if data.file_of(backup) is None else 1,
            "availability_zone": backup.availability_zone or None,
            "container": backup.container or None,
            "created_at": cinder_time(backup.created_at),
            "updated_at": cinder_time(backup.updated_at),
            "fail_reason": backup.fail_reason or None,
            "volume_id": str(backup.volume_id),
            "snapshot_id": None if backup.snapshot_id is None else str(backup.snapshot_id),
            "is_incremental": backup.parent_id is not None,
            "has_dependent_backups": backup.has_increments,
            "data_timestamp": cinder_time(backup.data_timestamp),
            "metadata": backup.metadata,
            "os-backup-project-attr:project_id": backup.project_id,
            "user_id": backup.user_id,
        }
        if not may_on(self.caller, policies.SHOW_BACKUP_OWNER, backup.project_id):
            shown = {key: shown[key] for key in shown if key not in PRIVATE}
        return known_at(shown, KEYS_SINCE, self.version)


class BackupsDetail(BackupView):
    """``GET /volume/v3/backups/detail``"""

    reads: ClassVar = {
        "id": an_id(),
        "name": same("name"),
        "status": same("status"),
        "volume_id": an_id("volume_id"),
        "snapshot_id": an_id("snapshot_id"),
        "availability_zone": same("availability_zone"),
        "container": same("container"),
        "project_id": same("project"),
        "name~": like("name"),
    }
    since: ClassVar = starting(v3_34=["name~"], v3_45=["with_count"])
    controls: ClassVar = CONTROLS
    sorts_since: ClassVar = starting(v3_37=["name"])
    sorts: ClassVar = {
        "id": "pk",
        "display_name": "name",
        **{key: key for key in ("name", "status", "size", "volume_id", "snapshot_id")},
        **{key: key for key in ("created_at", "updated_at", "data_timestamp")},
        **{key: key for key in ("availability_zone", "container", "project_id", "user_id")},
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_BACKUPS)
        found = self.cut(self.chosen(self.listed(self.rows())))
        return self.answer_page("backups", found, [self.show(backup) for backup in found])

    def show(self, backup: Backup) -> dict[str, Any]:
        return self.show_whole_backup(backup)


class Backups(BackupsDetail):
    """``GET /volume/v3/backups``; ``POST`` makes one"""

    bodies: ClassVar = {"post": ("backup", BackupCreate)}

    def post(self, request: Request) -> Response:
        backup = backups.create(self.caller, self.read("backup", BackupCreate).values)
        return Response({"backup": self.show_plain(backup)}, status=202)

    def show(self, backup: Backup) -> dict[str, Any]:
        return self.show_plain(backup)


class BackupDetail(BackupView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/backups/{backup_id}``"""

    bodies: ClassVar = {"put": ("backup", BackupUpdate)}

    def get(self, request: Request, backup_id: str) -> Response:
        return Response({"backup": self.show_whole_backup(self.find_backup(backup_id))})

    def put(self, request: Request, backup_id: str) -> Response:
        self.check_since("3.9")
        backup = self.find_backup(backup_id)
        asked = self.read("backup", BackupUpdate)
        backups.change(self.caller, backup, asked.values, asked.given)
        return Response({"backup": self.show_plain(backup)})

    def delete(self, request: Request, backup_id: str) -> Response:
        backups.delete(self.caller, self.find_backup(backup_id))
        return Response(status=202)


class BackupRestoration(BackupView):
    """``POST /volume/v3/backups/{backup_id}/restore``"""

    bodies: ClassVar = {"post": ("restore", BackupRestore)}

    def post(self, request: Request, backup_id: str) -> Response:
        backup = self.find_backup(backup_id)
        values = self.read("restore", BackupRestore).values
        volume = backups.restore(self.caller, backup, values)
        shown = {
            "backup_id": str(backup.pk),
            "volume_id": str(volume.pk),
            "volume_name": volume.name,
        }
        return Response({"restore": shown}, status=202)


class BackupExport(BackupView):
    """``GET /volume/v3/backups/{backup_id}/export_record``"""

    def get(self, request: Request, backup_id: str) -> Response:
        self.check_query()
        shown = backup_records.export(self.caller, self.find_backup(backup_id))
        return Response({"backup-record": shown})


class BackupImport(BackupView):
    """``POST /volume/v3/backups/import_record``: what was lost is known again"""

    bodies: ClassVar = {"post": ("backup-record", BackupRecord)}

    def post(self, request: Request) -> Response:
        values = self.read("backup-record", BackupRecord).values
        backup = backup_records.bring_back(self.caller, values)
        return Response({"backup": self.show_plain(backup)}, status=201)


ACTIONS: dict[str, Action] = {
    "os-reset_status": (backups.reset_status, policies.RESET_BACKUP, 202),
    "os-force_delete": (backups.force_delete, policies.FORCE_DELETE_BACKUP, 202),
}
SHAPES: dict[str, dict[str, Key]] = {
    "os-reset_status": {"status": Key(one_of(*backups.STATUSES), required=True)},
    "os-force_delete": {},
}


class BackupAction(BackupView, ActionView):
    """``POST /volume/v3/backups/{backup_id}/action``"""

    actions = ACTIONS
    shapes = SHAPES

    def post(self, request: Request, backup_id: str) -> Response:
        return self.run(self.find_backup(backup_id))
