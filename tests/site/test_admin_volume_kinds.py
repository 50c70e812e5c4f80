"""QoS specs, group types, groups with their snapshots, and backups in the admin: made, changed and
deleted as by the volume API.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import GroupSnapshot, GroupType, VolumeGroup
from compute_site.neighbours.volume.models import Volume, VolumeType
from compute_site.neighbours.volume.qos_models import QosSpecs
from tests.world.cast import Cast
from tests.world.staff import operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return operator()


def url_of(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:volume_{model._meta.model_name}_{page}", args=args)


def save(client: Client, model: type[Model], form: dict[str, Any], row: Any = None) -> str:
    """Send the form; the text of the page where it was refused."""
    url = url_of(model, "add") if row is None else url_of(model, "change", row.pk)
    answer = client.post(url, form)
    return "" if answer.status_code == 302 else answer.content.decode()


def delete(client: Client, row: Any) -> str:
    answer = client.post(url_of(type(row), "delete", row.pk), {"post": "yes"}, follow=True)
    return str(answer.content.decode())


def test_qos_specs_are_made_changed_and_deleted(client: Client) -> None:
    form = {"name": "gold", "consumer": "both", "specs": '{"read_iops_sec": "5", "x": "1"}'}
    assert save(client, QosSpecs, form) == ""
    assert "already" in save(client, QosSpecs, form)
    made = QosSpecs.objects.get()
    assert (made.consumer, made.specs) == ("both", {"read_iops_sec": "5", "x": "1"})
    wrong = {"consumer": "both", "specs": '{"consumer": "both"}'}
    assert "a field of its own" in save(client, QosSpecs, wrong, made)
    assert save(client, QosSpecs, {"consumer": "both", "specs": '{"y": "2"}'}, made) == ""
    made.refresh_from_db()
    assert (made.name, made.consumer, made.specs) == ("gold", "both", {"y": "2"})
    kind = VolumeType.objects.create(name="fast", qos_specs=made)
    delete(client, made)
    assert QosSpecs.objects.exists()
    VolumeType.objects.filter(pk=kind.pk).update(qos_specs=None)
    delete(client, made)
    assert not QosSpecs.objects.exists()


def test_group_types_are_made_changed_and_deleted(client: Client, cast: Cast) -> None:
    form = {"name": "kind", "description": "d", "is_public": "on", "group_specs": '{"a": "1"}'}
    assert save(client, GroupType, form) == ""
    assert "already" in save(client, GroupType, form)
    made = GroupType.objects.get()
    changed = {"name": "other", "description": "", "group_specs": '{"b": "2"}'}
    assert save(client, GroupType, changed, made) == ""
    made.refresh_from_db()
    assert (made.name, made.is_public, made.group_specs) == ("other", False, {"b": "2"})
    group = VolumeGroup.objects.create(project=cast.alpha, group_type=made)
    delete(client, made)
    assert GroupType.objects.exists()
    group.delete()
    delete(client, made)
    assert not GroupType.objects.exists()


def test_groups_and_their_snapshots(client: Client, cast: Cast) -> None:
    kind, fast = GroupType.objects.create(name="g"), VolumeType.objects.create(name="fast")
    volume = Volume.objects.create(project=cast.alpha, size=1, volume_type=fast)
    form = {
        "name": "crew",
        "description": "",
        "project": cast.alpha.pk,
        "group_type": str(kind.pk),
        "volume_types": [str(fast.pk)],
        "availability_zone": "nova",
    }
    assert save(client, VolumeGroup, form) == ""
    group = VolumeGroup.objects.get()
    assert (group.project, list(group.volume_types.all())) == (cast.alpha, [fast])
    wrong = {"name": "crew", "add_volumes": "nothing"}
    assert "no id of a volume" in save(client, VolumeGroup, wrong, group)
    assert save(client, VolumeGroup, {"name": "new", "add_volumes": str(volume.pk)}, group) == ""
    volume.refresh_from_db()
    group.refresh_from_db()
    assert (group.name, volume.group_id) == ("new", group.pk)
    assert save(client, GroupSnapshot, {"group": str(group.pk), "name": "s"}) == ""
    taken = GroupSnapshot.objects.get()
    assert (taken.project, taken.name) == (cast.alpha, "s")
    delete(client, group)
    assert VolumeGroup.objects.exists()
    delete(client, taken)
    assert not GroupSnapshot.objects.exists()
    assert save(client, VolumeGroup, {"name": "new", "remove_volumes": str(volume.pk)}, group) == ""
    delete(client, group)
    assert not VolumeGroup.objects.exists()


def test_backups_are_made_renamed_and_deleted(client: Client, cast: Cast) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=1, status="in-use")
    form = {
        "name": "b",
        "description": "",
        "project": cast.alpha.pk,
        "volume_id": str(volume.pk),
        "metadata": json.dumps({"a": "1"}),
    }
    assert "needs force" in save(client, Backup, form)
    assert save(client, Backup, {**form, "force": "on"}) == ""
    made = Backup.objects.get()
    assert (made.project, made.volume_id, made.metadata) == (cast.alpha, volume.pk, {"a": "1"})
    assert save(client, Backup, {"name": "c", "description": "", "metadata": "{}"}, made) == ""
    made.refresh_from_db()
    assert (made.name, made.metadata) == ("c", {})
    Backup.objects.update(status="creating")
    delete(client, made)
    assert Backup.objects.exists()
    Backup.objects.update(status="available")
    delete(client, made)
    assert not Backup.objects.exists()
