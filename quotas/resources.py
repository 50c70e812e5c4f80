"""The limited resources: their names in the API, their default limits, and whether usage is
counted.
"""

from __future__ import annotations

import dataclasses

from django.conf import settings

UNLIMITED = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """``option`` holds the default limit; a resource without one is never limited by default.

    ``counted`` resources have a usage row for each project; the others are limits of one request,
    one user or one group and are compared with that. A resource that is not ``per_user`` has limits
    of projects only.
    """

    name: str
    option: str | None
    meaning: str
    counted: bool = False
    per_user: bool = True

    @property
    def default(self) -> int:
        """The limit that applies where neither class, project nor user has one."""
        if self.option is None:
            return UNLIMITED
        value: int = getattr(settings.OPTIONS, self.option)
        return value


RESOURCES = {
    resource.name: resource
    for resource in (
        Resource("instances", "quota_instances", "servers", counted=True),
        Resource("cores", "quota_cores", "vCPUs of all servers", counted=True),
        Resource("ram", "quota_ram", "memory of all servers, in MiB", counted=True),
        Resource("metadata_items", "quota_metadata_items", "metadata entries of one server"),
        Resource("injected_files", "quota_injected_files", "files injected into one server"),
        Resource(
            "injected_file_content_bytes",
            "quota_injected_file_content_bytes",
            "bytes in one injected file",
        ),
        # Nova: the option is named after a length, the resource after bytes
        Resource(
            "injected_file_path_bytes",
            "quota_injected_file_path_length",
            "bytes in the path of one injected file",
        ),
        Resource("key_pairs", "quota_key_pairs", "key pairs of one user"),
        Resource("server_groups", "quota_server_groups", "server groups", counted=True),
        Resource(
            "server_group_members", "quota_server_group_members", "servers in one server group"
        ),
        # the network service limits these; Nova shows them without a limit
        Resource("fixed_ips", None, "fixed addresses", per_user=False),
        Resource("floating_ips", None, "floating addresses", per_user=False),
        Resource("security_groups", None, "security groups"),
        Resource("security_group_rules", None, "rules of security groups"),
    )
}
LIMITED = tuple(name for name, resource in RESOURCES.items() if resource.option is not None)
"""Those that have a limit by default."""
COUNTED = tuple(name for name, resource in RESOURCES.items() if resource.counted)
