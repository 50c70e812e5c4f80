"""The only writer of flavors; the API and the admin call it."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Collection, Mapping

from django.db import IntegrityError, transaction

from compute_site.db.conflicts import is_duplicate
from compute_site.policy.identity_service import identity_service
from flavors.errors import (
    AccessExists,
    AccessNotFound,
    ExtraSpecNotFound,
    FlavorExists,
    FlavorIsPublic,
    FlavorNotFound,
    ProjectNotFound,
)
from flavors.models import Flavor, FlavorAccess


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlavorOrder:
    """A flavor to make. Units: memory and swap MiB, disks GiB; a missing id is generated."""

    flavorid: str | None = None
    name: str
    memory_mb: int
    vcpus: int
    root_gb: int
    ephemeral_gb: int = 0
    swap: int = 0
    rxtx_factor: float = 1.0
    is_public: bool = True
    description: str | None = None


def create_flavor(order: FlavorOrder) -> Flavor:
    """Make a flavor. Nova: a new private flavor is open to no project.

    Raises:
        FlavorExists: another flavor has the id or the name.
    """
    fields = dataclasses.asdict(order)
    return _insert(Flavor(**{**fields, "flavorid": order.flavorid or str(uuid.uuid4())}))


def clone_flavor(flavor: Flavor) -> Flavor:
    """Make a copy of the flavor with its extra specs and access, named "… copy".

    Raises:
        FlavorExists: another request took the name at the same time.
    """
    with transaction.atomic():
        clone = _insert(
            Flavor(flavorid=str(uuid.uuid4()), name=_name_of_copy(flavor), **flavor.offer())
        )
        projects = flavor.access.values_list("project_id", flat=True)
        FlavorAccess.objects.bulk_create(
            FlavorAccess(flavor=clone, project_id=project) for project in projects
        )
    return clone


def save_flavor(flavor: Flavor) -> None:
    """Save a flavor that a form has checked; a missing id is generated."""
    flavor.flavorid = flavor.flavorid or str(uuid.uuid4())
    flavor.save()


def describe_flavor(flavor: Flavor, description: str | None) -> None:
    flavor.description = description
    flavor.save(update_fields=["description", "updated_at"])


def disable_flavors(flavorids: Collection[str], *, disabled: bool) -> int:
    """Disable flavors, so that no new servers use them, or enable them; existing servers stay."""
    return Flavor.objects.filter(flavorid__in=flavorids).update(disabled=disabled)


def delete_flavor(flavorid: str) -> None:
    """Remove a flavor; servers keep their copy of it.

    Raises:
        FlavorNotFound: there is none.
    """
    if not delete_flavors([flavorid]):
        raise FlavorNotFound(flavorid)


def delete_flavors(flavorids: Collection[str]) -> int:
    """Remove flavors; return how many there were."""
    _, deleted = Flavor.objects.filter(flavorid__in=flavorids).delete()
    return deleted.get("flavors.Flavor", 0)


@transaction.atomic
def set_extra_specs(flavor: Flavor, specs: Mapping[str, str]) -> None:
    """Add extra specs, or replace those of the same names (``check_extra_specs`` comes before)."""
    _lock(flavor)
    flavor.extra_specs = {**flavor.extra_specs, **specs}
    flavor.save(update_fields=["extra_specs", "updated_at"])


@transaction.atomic
def remove_extra_spec(flavor: Flavor, name: str) -> None:
    """Remove one extra spec.

    Raises:
        ExtraSpecNotFound: the flavor does not have it.
    """
    _lock(flavor)
    if name not in flavor.extra_specs:
        raise ExtraSpecNotFound(f"The flavor {flavor.flavorid} has no extra spec {name}.")
    del flavor.extra_specs[name]
    flavor.save(update_fields=["extra_specs", "updated_at"])


def open_flavor(flavor: Flavor, project_id: str, *, public_too: bool = False) -> None:
    """Give a project access.

    Nova: before 2.7, access to a public flavor can be given, too (``public_too``).

    Raises:
        ProjectNotFound: there is no such project.
        FlavorIsPublic: the flavor is open to every project.
        AccessExists: the project has access already.
    """
    if not identity_service().has_project(project_id):
        raise ProjectNotFound(f"There is no project {project_id}.", field="addTenantAccess.tenant")
    if flavor.is_public and not public_too:
        raise FlavorIsPublic(f"The flavor {flavor.flavorid} is open to every project.")
    try:
        with transaction.atomic():
            FlavorAccess.objects.create(flavor=flavor, project_id=project_id)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise AccessExists(
            f"The flavor {flavor.flavorid} is open to the project {project_id} already."
        ) from None


def close_flavor(flavor: Flavor, project_id: str) -> None:
    """Take access from a project.

    Raises:
        AccessNotFound: it has none.
    """
    deleted, _ = FlavorAccess.objects.filter(flavor=flavor, project=project_id).delete()
    if not deleted:
        raise AccessNotFound(
            f"The flavor {flavor.flavorid} is not open to the project {project_id}."
        )


def _name_of_copy(flavor: Flavor) -> str:
    stem = f"{flavor.name[:240]} copy"
    taken = set(Flavor.objects.filter(name__startswith=stem).values_list("name", flat=True))
    names = (stem if number == 1 else f"{stem} {number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken)


def _insert(flavor: Flavor) -> Flavor:
    try:
        with transaction.atomic():
            flavor.save(force_insert=True)
    except IntegrityError:
        raise FlavorExists(
            f"Another flavor has the id {flavor.flavorid} or the name {flavor.name}."
        ) from None
    return flavor


def _lock(flavor: Flavor) -> None:
    """Lock the flavor and read its extra specs again, so that concurrent changes are not lost."""
    rows = Flavor.objects.select_for_update(no_key=True).filter(pk=flavor.pk)
    specs = rows.values_list("extra_specs", flat=True).first()
    if specs is None:
        raise FlavorNotFound(flavor.flavorid)
    flavor.extra_specs = specs
