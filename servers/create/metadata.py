"""Checks the limits of metadata and injected files, and reads the scheduler hints."""

from __future__ import annotations

from compute_site.caller import Caller
from servers.create.order import ServerOrder
from servers.machine.limits import check_contents


def check_limits(caller: Caller, order: ServerOrder) -> None:
    """Metadata first, then files (docs/contract/create-flow.md E1, E2)."""
    check_contents(
        caller,
        order.metadata,
        [(file.path, file.contents) for file in order.files],
        metadata_field="server.metadata",
        files_field="server.personality",
    )


def read_hints(order: ServerOrder) -> dict[str, list[str]]:
    """The scheduler hints, every value a list of texts (docs/contract/create-flow.md B3, G7)."""
    return {
        key: [str(item) for item in (value if isinstance(value, list) else [value])]
        for key, value in order.hints.items()
    }
