"""The errors about quotas."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from compute_site.faults import BadReference, BadRequest, OverLimit


@dataclasses.dataclass(frozen=True, slots=True)
class Excess:
    """One exceeded resource: the asked amount as a text (``2-5``), the usage, and the limit."""

    resource: str
    asked: str
    used: int
    allowed: int


class OverQuota(OverLimit):
    """The request exceeds the limits of the project or user."""

    code = "over_quota"

    def __init__(self, excesses: Sequence[Excess], *, field: str | None = None) -> None:
        names = ", ".join(excess.resource for excess in excesses)
        asked = ", ".join(excess.asked for excess in excesses)
        used = ", ".join(str(excess.used) for excess in excesses)
        allowed = ", ".join(str(excess.allowed) for excess in excesses)
        super().__init__(
            f"The quota of {names} does not suffice: asked for {asked}, in use {used}, "
            f"allowed {allowed}.",
            field=field,
        )
        self.excesses = tuple(excesses)


class LimitExceeded(OverLimit):
    """One request, user or group exceeds a limit that is not counted by project."""

    code = "limit_exceeded"


class LimitOutOfBounds(BadRequest):
    """A limit is lower than what is used, or higher than what the project can give."""

    code = "limit_out_of_bounds"


class ProjectNotFound(BadReference):
    """The URL names a project that does not exist. Nova: 400."""

    code = "project_not_found"


class ClassNameTooLong(BadRequest):
    """The name of a quota class does not fit."""

    code = "class_name_too_long"
