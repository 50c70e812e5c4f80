"""In what two answers differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.trials.network.sides import Request
from tests.trials.service import Answer

FREE = frozenset(
    (
        *("created_at", "updated_at", "revision_number", "segments", "segment_id", "links"),
        *("provider:segmentation_id", "provider:physical_network", "provider:network_type"),
        *("binding:vif_details", "binding:vif_type", "binding:host_id", "availability_zones"),
        *("security_group_rules", "standard_attr_id"),
    )
)
"""Keys that are each side's own."""
CHOSEN = frozenset(
    (
        *("security_groups", "fixed_ips", "subnets", "mac_address", "ip_address"),
        *("floating_ip_address", "dns_assignment", "external_fixed_ips", "port_id"),
    )
)
"""Keys that each side chooses where the request does not say them."""
ALONE = frozenset(
    (
        *("dns_domain", "vlan_transparent", "l2_adjacency", "standard_attr_id", "flavor_id"),
        *("ha", "distributed", "service_type_id", "belongs_to_default_sg", "port_forwardings"),
        *("dns_name", "dns_assignment", "propagate_uplink_status", "trusted", "qos_policy_id"),
        *("qos_network_policy_id", "resource_request", "numa_affinity_policy", "device_profile"),
        *("ip_allocation", "is_default", "segment_id", "tags", "shared", "enable_ndp_proxy"),
        *("tenant_id", "hints", "hardware_offload_type", "port_details", "qinq", "normalized_cidr"),
    )
)
"""Keys of extensions that one of the sides may not have."""


def differs(request: Request, ours: Answer, theirs: Answer) -> list[str]:
    """In what; nothing: they are alike. Ids are named already."""
    if ours.status != theirs.status:
        return [f"status {ours.status}, theirs {theirs.status}"]
    if ours.status >= 300 or not isinstance(ours.json, dict) or not isinstance(theirs.json, dict):
        return []
    if request.method == "GET" and isinstance(next(iter(theirs.json.values()), None), list):
        return _lists_differ(request, ours.json, theirs.json)
    return list(_compare("", ours.json, theirs.json, request.body))


def _lists_differ(request: Request, ours: Any, theirs: Any) -> list[str]:
    if any(word in request.path for word in ("fields=", "limit=")) or "/tags" in request.path:
        return []
    key = next(iter(theirs))
    mine, other = (_known(rows.get(key, ())) for rows in (ours, theirs))
    if mine == other:
        return []
    return [f"other rows: {sorted(mine - other)} ours alone, {sorted(other - mine)} theirs alone"]


def _known(rows: Any) -> set[str]:
    """The rows that the trial has made."""
    ids = {str(row.get("id")) for row in rows if isinstance(row, dict)}
    return {one for one in ids if one.startswith("<")}


def _is_said(key: str, path: str, body: Any) -> bool:
    """Does the request say the key, at this depth?"""
    inner = body.get(path.strip("."), body) if isinstance(body, dict) else body
    if path.count(".") < 2:
        return isinstance(inner, dict) and key in inner
    return f'"{key}"' in json.dumps(body)


def _compare(path: str, ours: Any, theirs: Any, body: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted((ours.keys() | theirs.keys()) - FREE):
            if key in CHOSEN and not _is_said(key, path, body):
                continue
            if key in ours and key in theirs:
                yield from _compare(f"{path}.{key}", ours[key], theirs[key], body)
            elif key not in ALONE:
                yield f"{path}.{key} {'ours' if key in ours else 'theirs'} alone"
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} entries, theirs {len(theirs)}"
            return
        rows = (
            sorted(one, key=lambda row: json.dumps(row, sort_keys=True)) for one in (ours, theirs)
        )
        for pair in zip(*rows, strict=True):
            yield from _compare(f"{path}[]", *pair, body)
    elif ours != theirs:
        yield f"{path}: {ours!r:.60}, theirs {theirs!r:.60}"
