"""Finds flavors: one by its id, or a page of those that match."""

from __future__ import annotations

import dataclasses

from django.db import DataError, OperationalError, transaction
from django.db.models import Q, QuerySet

from compute_site.caller import Caller
from compute_site.db.outages import is_too_slow
from compute_site.db.paging import Paging, cut_page
from compute_site.db.patterns import CostlyPattern, check_pattern, is_costly
from compute_site.values.words import LOOSE_FALSE, LOOSE_TRUE
from flavors.errors import (
    ExtraSpecNotFound,
    FlavorNotFound,
    MarkerNotFound,
    NoAccessList,
    WrongFilter,
)
from flavors.models import Flavor, FlavorAccess


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlavorSearch:
    """The filters of a list; ``is_public`` is the text of the client and counts only for admins."""

    paging: Paging
    is_public: str | None = None
    min_ram: int | None = None
    min_disk: int | None = None
    name: str | None = None
    sort_key: str = "flavorid"
    descending: bool = False


def find_flavor(caller: Caller, flavorid: str) -> Flavor:
    """The flavor that the URL names.

    Raises:
        FlavorNotFound: there is none, or the caller may not see it.
    """
    flavor = Flavor.objects.visible_to(caller).filter(flavorid=flavorid).first()
    if flavor is None:
        raise FlavorNotFound(flavorid)
    return flavor


def list_flavors(caller: Caller, search: FlavorSearch) -> list[Flavor]:
    """A page of the flavors that match.

    Raises:
        MarkerNotFound: the marker is no flavor that the caller may see.
        WrongFilter: a filter cannot be understood.
    """
    flavors = _matching(caller, search)
    after = None
    if search.paging.marker is not None:
        visible = Flavor.objects.visible_to(caller)
        after = visible.filter(flavorid=search.paging.marker).first()
        if after is None:
            raise MarkerNotFound(f"The marker {search.paging.marker} is no flavor.", field="marker")
    order = [(search.sort_key, search.descending), ("pk", search.descending)]
    try:
        with transaction.atomic():  # a refused pattern must not abort the outer one
            return cut_page(flavors, order, search.paging, after)
    except DataError as error:
        raise WrongFilter(
            f"The name {search.name!r} is no pattern: {error}", field="name"
        ) from None
    except OperationalError as error:
        if search.name is None or not is_too_slow(error) or not is_costly(search.name):
            raise
        raise WrongFilter(
            f"The database takes too long to look for {search.name!r}.", field="name"
        ) from error


def _matching(caller: Caller, search: FlavorSearch) -> QuerySet[Flavor]:
    if caller.is_admin:
        flavors = _by_publicity(caller, search.is_public)
    else:
        flavors = Flavor.objects.visible_to(caller).filter(disabled=False)
    if search.min_ram is not None:
        flavors = flavors.filter(memory_mb__gte=search.min_ram)
    if search.min_disk is not None:
        flavors = flavors.filter(root_gb__gte=search.min_disk)
    if search.name is not None:
        try:
            check_pattern(search.name)
        except CostlyPattern as error:
            raise WrongFilter(
                f"The name {search.name!r} is not looked for: {error}", field="name"
            ) from None
        flavors = flavors.filter(name__regex=search.name)
    return flavors


def _by_publicity(caller: Caller, word: str | None) -> QuerySet[Flavor]:
    """Filter by ``is_public``. Nova: without it an admin sees what any user of the project sees."""
    flavors = Flavor.objects.all()
    lowered = "true" if word is None else word.strip().lower()
    if lowered == "none":
        return flavors
    if lowered in LOOSE_FALSE:
        return flavors.filter(is_public=False)
    if lowered in LOOSE_TRUE:
        shared = FlavorAccess.objects.filter(project=caller.project_id).values("flavor")
        return flavors.filter(Q(is_public=True) | Q(pk__in=shared))
    raise WrongFilter(f"is_public takes true, false or none, not {word!r}.", field="is_public")


def find_extra_spec(flavor: Flavor, name: str) -> str:
    """The value of one extra spec.

    Raises:
        ExtraSpecNotFound: the flavor does not have it.
    """
    if name not in flavor.extra_specs:
        raise ExtraSpecNotFound(f"The flavor {flavor.flavorid} has no extra spec {name}.")
    value: str = flavor.extra_specs[name]
    return value


def list_access(flavor: Flavor) -> list[FlavorAccess]:
    """The access list of the flavor."""
    return list(flavor.access.select_related("flavor").order_by("pk"))


def list_private_access(flavor: Flavor) -> list[FlavorAccess]:
    """The access list of a private flavor.

    Raises:
        NoAccessList: the flavor is public.
    """
    if flavor.is_public:
        raise NoAccessList(f"The flavor {flavor.flavorid} is open to every project.")
    return list_access(flavor)
