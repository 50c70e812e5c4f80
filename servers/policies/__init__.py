"""The policy rules of servers; importing this package declares them."""

from servers.policies import (
    action,
    address,
    diagnostics,
    instance_action,
    interface,
    metadata,
    password,
    security_group,
    server,
    tag,
    topology,
    volume_attachment,
)

__all__ = [
    "action",
    "address",
    "diagnostics",
    "instance_action",
    "interface",
    "metadata",
    "password",
    "security_group",
    "server",
    "tag",
    "topology",
    "volume_attachment",
]
