"""The types of volumes for which nobody has said one, by project."""

from __future__ import annotations

from django.db import transaction

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.ownership import project_exists
from compute_site.neighbours.volume.models import DefaultType, VolumeType


def find_default(project_id: str) -> DefaultType | None:
    return DefaultType.objects.filter(project=project_id).first()


def default_type_of(project_id: str) -> str | None:
    """The id of the type that volumes of the project have where nobody says one."""
    chosen = find_default(project_id)
    return None if chosen is None else str(chosen.volume_type_id)


@transaction.atomic
def set_default(project_id: str, word: str) -> DefaultType:
    """``word`` is the name or the id of a type.

    Raises:
        NotFound: there is no such project.
        BadRequest: there is no such type.
    """
    check_project(project_id)
    kind = VolumeType.objects.filter(name=word).first()
    kind = kind or VolumeType.objects.filter(pk__in=canonical_ids([word])).first()
    if kind is None:
        raise BadRequest(f"There is no volume type {word}.", field="default_type.volume_type")
    chosen, _ = DefaultType.objects.update_or_create(
        project_id=project_id, defaults={"volume_type": kind}
    )
    return chosen


def unset_default(project_id: str) -> None:
    """Nothing is done where none is set, as in Cinder."""
    DefaultType.objects.filter(project=project_id).delete()


def check_project(project_id: str) -> None:
    """Raises: NotFound: there is no such project."""
    if not project_exists(project_id):
        raise NotFound(f"There is no project {project_id[:60]}.")
