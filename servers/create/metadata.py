"""What the client puts into the server: metadata and files within their limits, hints."""

from __future__ import annotations

from compute_site.caller import Caller
from quotas.fit import check_injected_files, check_limit
from quotas.limits import effective_limits
from servers.create.order import ServerOrder

LIMITED = (
    "metadata_items",
    "injected_files",
    "injected_file_path_bytes",
    "injected_file_content_bytes",
)


def check_limits(caller: Caller, order: ServerOrder) -> None:
    """Metadata first, then files (docs/contract/create-flow.md E1, E2); nothing given, nothing
    read.
    """
    if not order.metadata and not order.files:
        return
    limits = effective_limits(caller.project_id, caller.user_id, LIMITED)
    check_limit(limits, "metadata_items", len(order.metadata), field="server.metadata")
    files = [(file.path, file.contents) for file in order.files]
    check_injected_files(limits, files, field="server.personality")


def read_hints(order: ServerOrder) -> dict[str, list[str]]:
    """The scheduler hints, every value a list of texts (docs/contract/create-flow.md B3, G7)."""
    return {
        key: [str(item) for item in (value if isinstance(value, list) else [value])]
        for key, value in order.hints.items()
    }
