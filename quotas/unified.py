"""Limits that the identity service keeps for compute (Nova's unified limits), under Nova's names.

What counts here is the servers, their vCPUs and memory, and Nova's other limits; resources of
Placement beside those are not limited.
"""

from __future__ import annotations

NAMES = {
    "instances": "servers",
    "cores": "class:VCPU",
    "ram": "class:MEMORY_MB",
    "metadata_items": "server_metadata_items",
    "injected_files": "server_injected_files",
    "injected_file_content_bytes": "server_injected_file_content_bytes",
    "injected_file_path_bytes": "server_injected_file_path_bytes",
    "key_pairs": "server_key_pairs",
    "server_groups": "server_groups",
    "server_group_members": "server_group_members",
}
"""Resource of this app → name of the limit."""
REQUIRED = "instances"
"""Where no limit of it is registered there is none left, as in Nova; of all else, no limit."""

_NAME = " ".join(f"WHEN '{resource}' THEN '{name}'" for resource, name in NAMES.items())
JOIN = f"""
    LEFT JOIN LATERAL (
        SELECT COALESCE(own.resource_limit, registered.default_limit) AS "limit"
          FROM identity_registeredlimit AS registered
          JOIN identity_service AS service
            ON service.id = registered.service_id AND service.type = 'compute'
          LEFT JOIN identity_limit AS own
            ON own.registered_id = registered.id AND own.project_id = counter.project_id
         WHERE registered.resource_name = CASE counter.resource {_NAME} END
         ORDER BY service.place, service.id, registered.region_id IS NOT NULL, registered.region_id
         LIMIT 1
    ) AS unified ON TRUE
"""  # noqa: S608 - only constants
LIMIT = f"""COALESCE(
    unified."limit", CASE counter.resource WHEN '{REQUIRED}' THEN 0 ELSE -1 END
)"""
