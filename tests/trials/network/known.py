"""Why some answers differ; docs/services.md and docs/clients.md name what a client may notice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.trials.network.sides import Request
from tests.trials.service import Answer

LONG = 256
Test = Callable[[Request, Answer, Answer, str], bool]


def _differs(pattern: str, path: str = "", *keys: str) -> Test:
    """What differs is like this, in requests whose path is, and that say these keys."""

    def holds(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
        told = json.dumps(request.body)
        return (
            re.search(pattern, what) is not None
            and re.match(path, request.path) is not None
            and all(f'"{key}"' in told for key in keys)
        )

    return holds


def _both_refuse(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return 400 <= ours.status < 500 and 400 <= theirs.status < 500


def _first_rule(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    rule = request.body.get("security_group_rule", {}) if isinstance(request.body, dict) else {}
    twin = request.method == "POST" and what == "status 409, theirs 201"
    return twin and rule.get("direction") == "egress" and not rule.get("protocol")


def _long_description(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return ours.status == 400 and f"{LONG} characters" in json.dumps(ours.json)


def _fraction(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return ours.status == 400 and "3.5" in json.dumps(request.body)


def _no_number(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return (ours.status, theirs.status) == (400, 200) and request.method == "GET"


RULES = "security-group-rules"
POOL = r"subnetpools/"

KNOWN: tuple[tuple[str, Test], ...] = (
    ("Neutron breaks (500)", _differs("^status ..., theirs 500")),
    ("of several faults, or rights and faults, another is told first", _both_refuse),
    ("words that are no numbers, or neither true nor false, as filters are 400", _no_number),
    (
        "IPv6 subnets have the first address after the network's as gateway",
        _differs(r"\.gateway_ip: "),
    ),
    ("pools leave the gateway's address out", _differs(r"\.allocation_pools")),
    ("answers to changes of pools tell the lengths as numbers", _differs("_prefixlen: ", POOL)),
    ("answers to changes of pools leave keys out", _differs(r"\.subnetpool\.\w+ ours", POOL)),
    ("a rule belongs to the project of its group", _differs(r"\.(project|tenant)_id: ", RULES)),
    ("a rule belongs to the project of its group", _differs("^status 20., theirs 40[34]", RULES)),
    (
        "ports of others in an own network are hidden",
        _differs("^status 404, theirs 20[04]", "ports/"),
    ),
    ("ports of others in an own network are hidden", _differs(r"\[\] ours alone", "ports")),
    (
        "ports take groups of their own project, whoever makes them",
        _differs("^status 404, theirs 20[01]", "ports", "security_groups"),
    ),
    ("MAC addresses of pairs are shown in small letters", _differs("allowed_address_pairs")),
    (
        "filters of extensions that this Neutron does not have",
        _differs("^status ..., theirs 400", ".*\\?.*ip_all"),
    ),
    ("a tag that is empty is refused", _differs("^status 400, theirs 20[01]", ".*/tags")),
    ("a number with a fraction is refused", _fraction),
    ("tags of a new port are set", _differs(r"\.port\.tags", "ports", "tags")),
    ("descriptions have at most 255 characters", _long_description),
    ("first rules of groups need templates in Neutron's database", _first_rule),
    (
        "the MTU of a network has no upper limit",
        _differs("^status 20., theirs 400", "networks", "mtu"),
    ),
    (
        "subnets of others in an own network are seen",
        _differs("^status 20., theirs 404", "subnets/"),
    ),
    ("subnets of others in an own network are seen", _differs(r"\[\] theirs alone", "subnets")),
    (
        "ranges of the other IP version are refused",
        _differs("^status 400, theirs 200", r"subnetpools/.*/remove_prefixes"),
    ),
)
"""In this order, the first that holds counts."""
