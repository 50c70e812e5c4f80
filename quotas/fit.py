"""Computes how many servers or other items fit into the limits, given the usage
(docs/contract/create-flow.md G2).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from quotas.errors import Excess, LimitExceeded, OverQuota
from quotas.resources import UNLIMITED


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """From ``minimum`` to ``maximum`` items, each of which uses ``each``: resource to amount."""

    each: Mapping[str, int]
    minimum: int = 1
    maximum: int = 1

    @classmethod
    def servers(cls, *, vcpus: int, memory_mb: int, minimum: int = 1, maximum: int = 1) -> Wanted:
        """Servers of one flavor; memory in MiB."""
        return cls({"instances": 1, "cores": vcpus, "ram": memory_mb}, minimum, maximum)


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """The limits and the usage of a project, or of a user in it; a resource without a limit is
    left out or −1.
    """

    limits: Mapping[str, int]
    usage: Mapping[str, int]

    def room_for(self, each: Mapping[str, int]) -> int | None:
        """How many items fit; negative where the usage is over the limit, ``None`` where there is
        no limit.
        """
        rooms = [
            (self.limits[name] - self.usage.get(name, 0)) // amount
            for name, amount in each.items()
            if amount and self.limits.get(name, UNLIMITED) != UNLIMITED
        ]
        return min(rooms, default=None)


def how_many_fit(scopes: Sequence[Scope], wanted: Wanted) -> int:
    """The largest number of wanted items that fits into every scope.

    Departure from Nova: no limit (−1) on one resource never makes the others refuse what fits.

    Raises:
        OverQuota: not even the minimum fits; names the exceeded resources of the first such scope.
    """
    count = wanted.maximum
    for scope in scopes:
        room = scope.room_for(wanted.each)
        if room is None:
            continue
        if room < wanted.minimum:
            raise OverQuota(_explain(scope, dataclasses.replace(wanted, maximum=count)))
        count = min(count, room)
    return count


def _explain(scope: Scope, wanted: Wanted) -> list[Excess]:
    """The exceeded resources. Nova: the amounts are those of the maximum; the number of servers is
    shown as ``minimum-maximum``.
    """
    number = str(wanted.maximum)
    if wanted.minimum < wanted.maximum:
        number = f"{wanted.minimum}-{wanted.maximum}"
    return [
        Excess(
            resource=name,
            asked=number if name == "instances" else str(amount * wanted.maximum),
            used=scope.usage.get(name, 0),
            allowed=scope.limits[name],
        )
        for name, amount in wanted.each.items()
        if _falls_short(scope.room_for({name: amount}), wanted.maximum)
    ]


def _falls_short(room: int | None, number: int) -> bool:
    return room is not None and room < number


def check_limit(
    limits: Mapping[str, int], resource: str, amount: int, *, field: str | None = None
) -> None:
    """Compare a total amount (present and asked for) with the limit of a resource that has no usage
    counter.

    Raises:
        LimitExceeded: it is more than the limit.
    """
    limit = limits[resource]
    if limit != UNLIMITED and amount > limit:
        raise LimitExceeded(
            f"The limit of {resource} is {limit}; this would make {amount}.", field=field
        )


def check_injected_files(
    limits: Mapping[str, int], files: Sequence[tuple[str, str]], *, field: str | None = None
) -> None:
    """Compare injected files (path, encoded content) with their three limits: number, then path,
    then content (docs/contract/create-flow.md E2).

    Raises:
        LimitExceeded: there are too many, a path is too long, or a content is.
    """
    check_limit(limits, "injected_files", len(files), field=field)
    paths = max((len(path) for path, _ in files), default=0)
    contents = max((len(content) for _, content in files), default=0)
    check_limit(limits, "injected_file_path_bytes", paths, field=field)
    check_limit(limits, "injected_file_content_bytes", contents, field=field)
