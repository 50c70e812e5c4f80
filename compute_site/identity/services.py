"""The one home of regions, services and endpoints that clients make, change and delete.

The embedded services stand there from the start. To disable or delete one takes it out of the
catalogue of tokens; who knows its URL still reaches it, as with any service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from compute_site.identity.catalog import FILTERS
from compute_site.identity.errors import (
    LimitInUse,
    MalformedRequest,
    NameInUse,
    NoSuchThing,
    RegionInUse,
)
from compute_site.identity.models import (
    Endpoint,
    EndpointGroup,
    EndpointOfProject,
    Project,
    Region,
    Service,
)
from compute_site.identity.records import note_change
from compute_site.identity.rows import change_row, make_row, remove_row

OF_REGION = {"id": "id", "description": "description", "parent_region_id": "parent_id"}
OF_SERVICE = {name: name for name in ("type", "name", "description", "enabled")}
OF_ENDPOINT = {name: name for name in ("service_id", "interface", "url", "enabled", "region_id")}

OF_GROUP = {name: name for name in ("name", "description", "service_id", "region_id", "interface")}


def make_region(members: Mapping[str, Any], *, by: str) -> Region:
    """Raises: NameInUse: there is one of this id."""
    wanted = {name: value for name, value in members.items() if name != "id" or value}
    if wanted.get("id") and Region.objects.filter(pk=wanted["id"]).exists():
        raise NameInUse(f"There is a region {wanted['id']} already.")
    return make_row(Region(), wanted, columns=OF_REGION, by=by, shown=("parent_region_id",))


def change_region(region: Region, members: Mapping[str, Any], *, by: str) -> Region:
    """Raises: MalformedRequest: it would lie in itself."""
    if members.get("id") not in (None, region.pk):
        raise MalformedRequest("region.id: the id of a region stays.")
    above = members.get("parent_region_id")
    while above is not None:
        if above == region.pk:
            raise MalformedRequest("region.parent_region_id: the region would lie in itself.")
        above = Region.objects.values_list("parent", flat=True).get(pk=above)
    wanted = {name: value for name, value in members.items() if name != "id"}
    return change_row(region, wanted, columns=OF_REGION, by=by)


def remove_region(region: Region, *, by: str) -> None:
    """Delete a region, and those within it.

    Raises:
        RegionInUse: endpoints or limits are in it.
    """
    try:
        with transaction.atomic():
            for below in Region.objects.filter(parent=region):
                remove_region(below, by=by)
            remove_row(region, by=by)
    except ProtectedError:
        raise RegionInUse(f"The region {region.pk} has endpoints or limits.") from None


def make_service(members: Mapping[str, Any], *, by: str) -> Service:
    return make_row(Service(), members, columns=OF_SERVICE, by=by)


def change_service(service: Service, members: Mapping[str, Any], *, by: str) -> Service:
    return change_row(service, members, columns=OF_SERVICE, by=by)


def remove_service(service: Service, *, by: str) -> None:
    """Delete a service with its endpoints.

    Raises:
        LimitInUse: limits on what it has are registered.
    """
    try:
        remove_row(service, by=by)
    except ProtectedError:
        raise LimitInUse(f"Limits of the service {service.pk} are registered.") from None


def make_endpoint(members: Mapping[str, Any], *, by: str) -> Endpoint:
    with transaction.atomic():
        return make_row(Endpoint(), _placed(members), columns=OF_ENDPOINT, by=by)


def change_endpoint(endpoint: Endpoint, members: Mapping[str, Any], *, by: str) -> Endpoint:
    with transaction.atomic():
        return change_row(endpoint, _placed(members), columns=OF_ENDPOINT, by=by)


def remove_endpoint(endpoint: Endpoint, *, by: str) -> None:
    remove_row(endpoint, by=by)


def make_endpoint_group(members: Mapping[str, Any], *, by: str) -> EndpointGroup:
    """``filters``: what all endpoints of the group have."""
    return make_row(EndpointGroup(), _filtered(members), columns=OF_GROUP, by=by)


def change_endpoint_group(
    group: EndpointGroup, members: Mapping[str, Any], *, by: str
) -> EndpointGroup:
    return change_row(group, _filtered(members), columns=OF_GROUP, by=by)


def remove_endpoint_group(group: EndpointGroup, *, by: str) -> None:
    remove_row(group, by=by)


def give_endpoint(project: Project, endpoint: Endpoint, *, by: str) -> None:
    """Let the tokens of the project name the endpoint, and no others but such ones.

    Raises:
        NameInUse: they do already.
    """
    with transaction.atomic():
        _, is_new = EndpointOfProject.objects.get_or_create(project=project, endpoint=endpoint)
        if not is_new:
            raise NameInUse("The project has this endpoint already.")
        note_change(endpoint, f"Given to the project {project.name}.", by=by, project_id=project.pk)


def take_endpoint(project: Project, endpoint: Endpoint, *, by: str) -> None:
    """Raises: NoSuchThing: the project was not given it."""
    rows = EndpointOfProject.objects.filter(project=project, endpoint=endpoint)
    _take(rows, endpoint, project, by=by)


def give_endpoint_group(project: Project, group: EndpointGroup, *, by: str) -> None:
    """As ``give_endpoint``, of all endpoints of the group."""
    if group.projects.filter(pk=project.pk).exists():
        raise NameInUse("The project has this group of endpoints already.")
    with transaction.atomic():
        group.projects.add(project)
        note_change(group, f"Given to the project {project.name}.", by=by, project_id=project.pk)


def take_endpoint_group(project: Project, group: EndpointGroup, *, by: str) -> None:
    """Raises: NoSuchThing: the project was not given it."""
    rows = EndpointGroup.projects.through.objects.filter(project=project, endpointgroup=group)
    _take(rows, group, project, by=by)


def _take(rows: Any, thing: Endpoint | EndpointGroup, project: Project, *, by: str) -> None:
    with transaction.atomic():
        if not rows.delete()[0]:
            raise NoSuchThing(f"The project {project.pk} was not given that.")
        note_change(thing, f"Taken from the project {project.name}.", by=by, project_id=project.pk)


def _filtered(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members with the filters as they are stored."""
    wanted = {**members}
    if "filters" in wanted:
        wanted |= dict.fromkeys(FILTERS, "") | dict(wanted.pop("filters"))
    return wanted


def _placed(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members with the id of the region, which is made where an old client names a new one."""
    wanted = {**members}
    region = wanted.pop("region", None)
    if region and "region_id" not in wanted:
        Region.objects.get_or_create(pk=region)
        wanted["region_id"] = region
    return wanted
