"""How much a request may put into a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compute_site.caller import Caller
from quotas.fit import check_injected_files, check_limit
from quotas.limits import effective_limits

LIMITED = (
    "metadata_items",
    "injected_files",
    "injected_file_path_bytes",
    "injected_file_content_bytes",
)


def check_contents(
    caller: Caller,
    metadata: Mapping[str, str],
    files: Sequence[tuple[str, str]],
    *,
    metadata_field: str,
    files_field: str,
) -> None:
    """Metadata first, then files, each a path and contents in base64
    (docs/contract/create-flow.md E1, E2); nothing given, nothing read.
    """
    if not metadata and not files:
        return
    limits = effective_limits(caller.project_id, caller.user_id, LIMITED)
    check_limit(limits, "metadata_items", len(metadata), field=metadata_field)
    check_injected_files(limits, files, field=files_field)
