"""Groups of volumes: ``/volume/v3/groups``, and ``/volume/v3/group_snapshots``."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.neighbours.ownership import OwnedQuerySet, may_on
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.actions import Action, ActionView
from compute_site.neighbours.volume.api.queries import (
    CONTROLS,
    PAGES,
    an_id,
    like,
    read_flag,
    same,
)
from compute_site.neighbours.volume.api.representation import cinder_time
from compute_site.neighbours.volume.api.shapes import word_or_flag
from compute_site.neighbours.volume.api.version import known_at, starting
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.group_models import GroupSnapshot, VolumeGroup
from compute_site.neighbours.volume.local import groups
from compute_site.values.keys import Key, one_of

FROM_SOURCE = "create-from-src"
GROUP_KEYS_SINCE = starting(
    v3_14=["group_snapshot_id", "source_group_id"],
    v3_25=["volumes"],
    v3_38=["replication_status"],
    v3_58=["project_id"],
)
SNAPSHOT_KEYS_SINCE = starting(v3_58=["project_id"])


class GroupCreate(BodySerializer):
    shape = shapes.NEW_GROUP


class GroupFromSource(BodySerializer):
    shape = shapes.COPIED_GROUP


class GroupUpdate(BodySerializer):
    shape = shapes.CHANGED_GROUP


class GroupSnapshotCreate(BodySerializer):
    shape = shapes.NEW_GROUP_SNAPSHOT


class GroupView(VolumeView):
    first = "3.13"

    def rows(self) -> OwnedQuerySet[VolumeGroup]:
        return VolumeGroup.objects.visible_to(self.caller)

    def find_group(self, group_id: str) -> VolumeGroup:
        self.caller.permit(policies.SHOW_GROUP)
        return self.find(self.rows(), group_id, "group")

    def show_plain(self, group: VolumeGroup) -> dict[str, Any]:
        return {"id": str(group.pk), "name": group.name}

    def show_whole_group(self, group: VolumeGroup) -> dict[str, Any]:
        taken, source = group.group_snapshot_id, group.source_group_id
        shown = {
            **self.show_plain(group),
            "status": group.status,
            "availability_zone": group.availability_zone,
            "created_at": cinder_time(group.created_at),
            "description": group.description,
            "group_type": str(group.group_type_id),
            "volume_types": [str(kind.pk) for kind in group.volume_types.all()],
            "group_snapshot_id": None if taken is None else str(taken),
            "source_group_id": None if source is None else str(source),
            "replication_status": "disabled",
        }
        if read_flag(self.request.GET.get("list_volume", "false"), "list_volume"):
            shown["volumes"] = [str(volume.pk) for volume in group.volumes.all()]
        if may_on(self.caller, policies.SHOW_GROUP_PROJECT, group.project_id):
            shown["project_id"] = group.project_id
        return known_at(shown, GROUP_KEYS_SINCE, self.version)


class GroupsDetail(GroupView):
    """``GET /volume/v3/groups/detail``; ``parts`` are what is shown with each group."""

    parts: ClassVar[tuple[str, ...]] = ("volume_types", "volumes")
    reads: ClassVar = {
        "id": an_id(),
        "name": same("name"),
        "status": same("status"),
        "availability_zone": same("availability_zone"),
        "group_type": an_id("group_type"),
        "name~": like("name"),
    }
    since: ClassVar = starting(v3_25=["list_volume"], v3_34=["name~"])
    controls: ClassVar = CONTROLS - {"with_count"} | {"list_volume"}
    sorts: ClassVar = {
        "id": "pk",
        **{key: key for key in ("name", "status", "created_at", "availability_zone")},
        **{key: key for key in ("description", "project_id", "user_id")},
        **{key: key for key in ("group_type_id", "group_snapshot_id")},
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_GROUPS)
        rows = self.listed(self.rows().prefetch_related(*self.parts))
        found = self.cut(self.chosen(rows))
        return self.answer_page("groups", found, [self.show(group) for group in found])

    def show(self, group: VolumeGroup) -> dict[str, Any]:
        return self.show_whole_group(group)


class Groups(GroupsDetail):
    """``GET /volume/v3/groups``; ``POST`` makes one"""

    parts: ClassVar[tuple[str, ...]] = ()
    bodies: ClassVar = {"post": ("group", GroupCreate)}

    def post(self, request: Request) -> Response:
        group = groups.create(self.caller, self.read("group", GroupCreate).values)
        return Response({"group": self.show_plain(group)}, status=202)

    def show(self, group: VolumeGroup) -> dict[str, Any]:
        return self.show_plain(group)


class GroupCopies(GroupView):
    """``POST /volume/v3/groups/action``: a group with copies of volumes"""

    first = "3.14"
    bodies: ClassVar = {"post": (FROM_SOURCE, GroupFromSource)}

    def post(self, request: Request) -> Response:
        values = self.read(FROM_SOURCE, GroupFromSource).values
        group = groups.create_from_source(self.caller, values)
        return Response({"group": self.show_plain(group)}, status=202)


class GroupDetail(GroupView):
    """``GET`` and ``PUT /volume/v3/groups/{volume_group_id}``"""

    since: ClassVar = starting(v3_25=["list_volume"])
    bodies: ClassVar = {"put": ("group", GroupUpdate)}

    def get(self, request: Request, volume_group_id: str) -> Response:
        self.check_query("list_volume", since=self.since)
        return Response({"group": self.show_whole_group(self.find_group(volume_group_id))})

    def put(self, request: Request, volume_group_id: str) -> Response:
        group = self.find_group(volume_group_id)
        asked = self.read("group", GroupUpdate)
        if not asked.given:
            raise BadRequest("Give a name, a description, or volumes.", field="group")
        groups.change(self.caller, group, asked.values, asked.given)
        return Response(status=202)


GROUP_ACTIONS: dict[str, Action] = {
    "delete": (groups.delete, policies.DELETE_GROUP, 202),
    "reset_status": (groups.reset_status, policies.RESET_GROUP, 202),
}
GROUP_SHAPES: dict[str, dict[str, Key]] = {
    "delete": {"delete-volumes": Key(word_or_flag, default=False, never_null=True)},
    "reset_status": {"status": Key(one_of(*groups.STATUSES), required=True)},
}


class GroupAction(GroupView, ActionView):
    """``POST /volume/v3/groups/{volume_group_id}/action``"""

    actions = GROUP_ACTIONS
    shapes = GROUP_SHAPES
    actions_since: ClassVar = starting(v3_20=["reset_status"])

    def post(self, request: Request, volume_group_id: str) -> Response:
        return self.run(self.find_group(volume_group_id))


class GroupSnapshotView(VolumeView):
    first = "3.14"

    def rows(self) -> OwnedQuerySet[GroupSnapshot]:
        return GroupSnapshot.objects.visible_to(self.caller).select_related("group")

    def find_taken(self, snapshot_id: str) -> GroupSnapshot:
        self.caller.permit(policies.SHOW_GROUP_SNAPSHOT)
        return self.find(self.rows(), snapshot_id, "snapshot of a group")

    def show_plain(self, taken: GroupSnapshot) -> dict[str, Any]:
        return {"id": str(taken.pk), "name": taken.name}

    def show_whole_taken(self, taken: GroupSnapshot) -> dict[str, Any]:
        """``taken`` comes with its ``group``."""
        shown = {
            **self.show_plain(taken),
            "group_id": str(taken.group_id),
            "group_type_id": str(taken.group.group_type_id),
            "status": taken.status,
            "created_at": cinder_time(taken.created_at),
            "description": taken.description,
        }
        if may_on(self.caller, policies.SHOW_GROUP_SNAPSHOT_PROJECT, taken.project_id):
            shown["project_id"] = taken.project_id
        return known_at(shown, SNAPSHOT_KEYS_SINCE, self.version)


class GroupSnapshotsDetail(GroupSnapshotView):
    """``GET /volume/v3/group_snapshots/detail``"""

    reads: ClassVar = {
        "id": an_id(),
        "name": same("name"),
        "status": same("status"),
        "group_id": an_id("group"),
        "name~": like("name"),
    }
    since: ClassVar = {
        **starting(v3_29=[*reads, *PAGES]),
        **starting(v3_34=["name~"]),
    }
    sorts: ClassVar = {
        "id": "pk",
        **{key: key for key in ("name", "status", "created_at", "group_id")},
        **{key: key for key in ("description", "project_id", "user_id")},
        "group_type_id": "group__group_type_id",
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_GROUP_SNAPSHOTS)
        found = self.cut(self.chosen(self.listed(self.rows())))
        return self.answer_page("group_snapshots", found, [self.show(taken) for taken in found])

    def show(self, taken: GroupSnapshot) -> dict[str, Any]:
        return self.show_whole_taken(taken)


class GroupSnapshots(GroupSnapshotsDetail):
    """``GET /volume/v3/group_snapshots``; ``POST`` makes one"""

    bodies: ClassVar = {"post": ("group_snapshot", GroupSnapshotCreate)}

    def post(self, request: Request) -> Response:
        values = self.read("group_snapshot", GroupSnapshotCreate).values
        taken = groups.create_snapshot(self.caller, values)
        kind = {"group_type_id": str(taken.group.group_type_id)}
        return Response({"group_snapshot": self.show_plain(taken) | kind}, status=202)

    def show(self, taken: GroupSnapshot) -> dict[str, Any]:
        return self.show_plain(taken)


class GroupSnapshotDetail(GroupSnapshotView):
    """``GET`` and ``DELETE /volume/v3/group_snapshots/{group_snapshot_id}``"""

    def get(self, request: Request, group_snapshot_id: str) -> Response:
        taken = self.find_taken(group_snapshot_id)
        return Response({"group_snapshot": self.show_whole_taken(taken)})

    def delete(self, request: Request, group_snapshot_id: str) -> Response:
        groups.delete_snapshot(self.caller, self.find_taken(group_snapshot_id))
        return Response(status=202)


TAKEN_ACTIONS: dict[str, Action] = {
    "reset_status": (groups.reset_snapshot, policies.RESET_GROUP_SNAPSHOT, 202),
}
TAKEN_SHAPES: dict[str, dict[str, Key]] = {
    "reset_status": {"status": Key(one_of(*groups.SNAPSHOT_STATUSES), required=True)},
}


class GroupSnapshotAction(GroupSnapshotView, ActionView):
    """``POST /volume/v3/group_snapshots/{group_snapshot_id}/action``"""

    first = "3.19"
    actions = TAKEN_ACTIONS
    shapes = TAKEN_SHAPES

    def post(self, request: Request, group_snapshot_id: str) -> Response:
        return self.run(self.find_taken(group_snapshot_id))
