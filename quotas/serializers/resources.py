"""Serializers with one key for each resource, made from the table of resources.

The microversions in which a resource is shown differ between the URLs, so that each passes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from compute_site.api.microversions.fields import LARGEST_INT32, Integer
from compute_site.api.microversions.history import History
from quotas.resources import RESOURCES

NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
GROUPS = ("server_groups", "server_group_members")
S = TypeVar("S")


class LimitValue(Integer):
    """−1 (no limit) or more, as a number or a text of digits."""

    def __init__(self) -> None:
        super().__init__(-1, LARGEST_INT32, text=True)


def with_resources(
    parent: type[S],
    make: Callable[[str], Any],
    *,
    since: Mapping[str, str] | None = None,
    until: Mapping[str, str] | None = None,
) -> type[S]:
    """A serializer with the keys of ``parent`` and one for each resource.

    ``make`` makes the field of a resource. ``since`` and ``until`` name the version that added a
    resource, and the one that removed it.
    """
    make_class: Any = type(parent)  # the metaclass of serializers collects their fields
    fields: dict[str, Any] = {"__module__": parent.__module__, "__doc__": parent.__doc__}
    for resource in RESOURCES:
        forms = {(since or {}).get(resource, "2.1"): make(resource)}
        if until and resource in until:
            forms[until[resource]] = None
        fields[resource] = History(forms)
    made: type[S] = make_class(parent.__name__, (parent,), fields)
    return made
