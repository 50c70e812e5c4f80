"""What a host is told to build: all that the build needs and that no row holds any more."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

from compute_site.caller import Caller
from compute_site.neighbours.network.protocol import NicRequest

RIGHTS = ("roles", "rules", "global_rules")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """For whom the server is built; ``rules`` are those of the build among the owner's rights in
    the project, ``global_rules`` among those in every project.
    """

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    roles: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    global_rules: tuple[str, ...] = ()
    request_id: str = "-"

    def as_caller(self) -> Caller:
        """The owner as the outside services know callers."""
        values = dataclasses.asdict(self)
        values |= {name: frozenset(values[name]) for name in RIGHTS}
        return Caller(**values)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """One server for one host, as it waits in the queue: plain JSON, the password sealed."""

    server_id: str
    node_id: int
    owner: Owner
    networks: str | tuple[dict[str, Any], ...] = ()
    """``auto``, ``none``, or what each card shall be."""
    security_groups: tuple[str, ...] = ()
    files: tuple[dict[str, str], ...] = ()
    sealed_password: str = ""
    alternates: tuple[int, ...] = ()
    """Nodes to try when this one fails, the best first."""
    attempt: int = 1
    retry: bool = True
    """May another host be tried? Not where one was forced."""

    @property
    def nic_requests(self) -> str | tuple[NicRequest, ...]:
        """The networks as the network service wants them."""
        if isinstance(self.networks, str):
            return self.networks
        keys = [field.name for field in dataclasses.fields(NicRequest)]
        return tuple(NicRequest(**{key: nic.get(key) for key in keys}) for nic in self.networks)

    def as_json(self) -> dict[str, Any]:
        """The arguments of the job."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, arguments: dict[str, Any]) -> Self:
        """The order that a job carries."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in arguments.items()
        }
        owner = dict(values.pop("owner"))
        owner.update({name: tuple(owner.get(name, ())) for name in RIGHTS})
        return cls(owner=Owner(**owner), **values)
