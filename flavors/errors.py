"""The errors about flavors."""

from __future__ import annotations

from compute_site.faults import BadReference, BadRequest, Conflict, NotFound


class FlavorNotFound(NotFound):
    """The URL names a flavor that does not exist, or that the caller may not see."""

    code = "flavor_not_found"

    def __init__(self, flavorid: str) -> None:
        super().__init__(f"There is no flavor {flavorid}.")


class FlavorExists(Conflict):
    """Another flavor has this id or name."""

    code = "flavor_exists"


class MarkerNotFound(BadReference):
    """The marker of a page is no flavor that the caller may see."""

    code = "marker_not_found"


class ExtraSpecNotFound(NotFound):
    """The flavor has no extra spec of this name."""

    code = "extra_spec_not_found"


class UnknownExtraSpec(BadRequest):
    """The name is in a namespace of compute but means nothing there."""

    code = "unknown_extra_spec"


class WrongExtraSpec(BadRequest):
    """The extra spec cannot have this value."""

    code = "wrong_extra_spec"


class ExtraSpecMismatch(BadRequest):
    """The body does not have the extra spec that the URL names."""

    code = "extra_spec_mismatch"


class FlavorIsPublic(Conflict):
    """Access to a public flavor cannot be given, because every project has it."""

    code = "flavor_is_public"


class NoAccessList(NotFound):
    """A public flavor has no access list."""

    code = "no_access_list"


class AccessExists(Conflict):
    """The project has access already."""

    code = "access_exists"


class AccessNotFound(NotFound):
    """The project has no access that could be taken."""

    code = "access_not_found"


class ProjectNotFound(BadReference):
    """The body names a project that does not exist."""

    code = "project_not_found"


class WrongFilter(BadRequest):
    """A filter of a list cannot be understood."""

    code = "wrong_filter"
