"""Why some answers differ; docs/services.md and docs/clients.md name what a client may notice."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable

from tests.trials.network.sides import Request
from tests.trials.service import Answer

LONG = 256
NUMBERS = ("mtu", "revision_number", "port_range_min", "ip_version")
NEITHER = ("4", "6", "22")
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
    return request.faulty_twice


def _long_description(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return ours.status == 400 and f"{LONG} characters" in json.dumps(ours.json)


def _fraction(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return ours.status == 400 and "3.5" in json.dumps(request.body)


def _no_number(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    asked = urllib.parse.parse_qsl(request.path.partition("?")[2], keep_blank_values=True)
    odd = any(value not in NEITHER for key, value in asked if key in NUMBERS)
    return odd and (ours.status, theirs.status) == (400, 200) and request.method == "GET"


def _asks_for_tags(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    """Of what belongs to another project."""
    foreign = request.who != "admin" and "/tags" in request.path
    return foreign and ours.status in (400, 404) and theirs.status == 403


def _foreign_subnet(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    """A port asks for an address of a subnet of another project, on another network."""
    missing = "SubnetNotFound" in str(ours.json)
    asked = request.path.startswith("ports") and '"fixed_ips"' in json.dumps(request.body)
    return missing and asked and (ours.status, theirs.status) == (404, 400)


def _empty_change(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    return request.body == {"rbac_policy": {}} and (ours.status, theirs.status) == (400, 409)


def _own_gateway(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    """The address that is the gateway here already is in the pool there."""
    subnet = ours.json.get("subnet", {}) if isinstance(ours.json, dict) else {}
    six = request.path.startswith("subnets/") and subnet.get("ip_version") == 6
    return six and '"gateway_ip"' in json.dumps(request.body) and what == "status 200, theirs 409"


def _gateway(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    """Chosen by the service, of IPv6 or of a range of one or two addresses."""
    told = request.body.get("subnet", {}) if isinstance(request.body, dict) else {}
    if told.get("gateway_ip"):
        return False
    shown = theirs.json.get("subnet", {})
    narrow = str(shown.get("cidr")).endswith(("/31", "/32"))
    return shown.get("ip_version") == 6 or narrow


def _says(pattern: str, told: str, path: str = "", whose: int = 0) -> Test:
    """What differs is like this, and our answer (1: theirs) tells this."""
    alike = _differs(pattern, path)

    def holds(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
        said = json.dumps((ours, theirs)[whose].json)
        return told in said and alike(request, ours, theirs, what)

    return holds


def _tags_of_foreign_subnet(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    """It is seen by the project of its network, which may not change it."""
    seen = _says("^status (400|20[014]), theirs 404", "TagResourceNotFound", "subnets/.*/tags", 1)
    return request.who != "admin" and seen(request, ours, theirs, what)


def _address_of_foreign_subnet(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    """The port would get one of it here; there it gets none at all."""
    if not _says("^status 409, theirs 201", "NoAddressLeft", "ports$")(request, ours, theirs, what):
        return False
    return theirs.json["port"]["fixed_ips"] == []


def _empty_change_of_outside(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    told = _says("^status 200, theirs 403", "router:external", "networks/", 1)
    return request.body == {"network": {}} and told(request, ours, theirs, what)


def _truth_for_a_number(request: Request, ours: Answer, theirs: Answer, what: str) -> bool:
    told = _says("^status 400, theirs 20[01]", "give a whole number")(request, ours, theirs, what)
    return told and re.search('"(mtu|ip_version)": true', json.dumps(request.body)) is not None


RULES = "security-group-rules"
POOL = r"subnetpools/"

KNOWN: tuple[tuple[str, Test], ...] = (
    ("Neutron breaks (500)", _differs("^status [234].., theirs 500")),
    ("of several faults, or rights and faults, another is told first", _both_refuse),
    ("words that are no numbers, or neither true nor false, as filters are 400", _no_number),
    (
        "IPv6 subnets have the first address after the network's as gateway",
        lambda *seen: _differs(r"\.gateway_ip: ")(*seen) and _gateway(*seen),
    ),
    (
        "pools leave the gateway's address out",
        lambda *seen: _differs(r"\.allocation_pools")(*seen) and _gateway(*seen),
    ),
    (
        "pools leave the gateway's address out",
        _differs(
            r"\.allocation_pools\[\]\.start: '[0-9a-f:]+::2', theirs '[0-9a-f:]+::1'", "subnets/"
        ),
    ),
    ("tags of what belongs to others: it is not there, or the tags are read first", _asks_for_tags),
    (
        "tags of what leads out are seen by all that see it",
        _says("^status 200, theirs 403", ":tags is disallowed", "(networks|subnets)/.*/tags", 1),
    ),
    (
        "a network of others is not there for new subnets",
        lambda *seen: (
            _differs("^status 404, theirs 403", "subnets$")(*seen)
            and "NetworkNotFound" in str(seen[1].json)
        ),
    ),
    ("a change of an rbac policy says a project", _empty_change),
    ("pools leave the gateway's address out", _own_gateway),
    ("of subnets of others ports are not told that they exist", _foreign_subnet),
    (
        "a group of others is not there for new rules",
        _differs("^status 404, theirs 403", f"{RULES}$"),
    ),
    (
        "rules that groups begin with have no description there",
        _differs(r"description: '', theirs None", RULES),
    ),
    (
        "a rule belongs to the project of its group",
        _differs(r"^other rows", rf"{RULES}\?.*(project|tenant)_id"),
    ),
    ("answers to changes of pools tell the lengths as numbers", _differs("_prefixlen: ", POOL)),
    ("answers to changes of pools leave keys out", _differs(r"\.subnetpool\.\w+ ours", POOL)),
    ("a rule belongs to the project of its group", _differs(r"\.(project|tenant)_id: ", RULES)),
    ("a rule belongs to the project of its group", _differs("^status 20., theirs 40[34]", RULES)),
    (
        "ports of others in an own network are hidden",
        _differs("^status 404, theirs (20[04]|403)", "ports/"),
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
    ("true is no number", _truth_for_a_number),
    ("subnets of others in an own network are seen", _tags_of_foreign_subnet),
    ("ports get addresses of subnets of others in an own network", _address_of_foreign_subnet),
    ("a change of nothing needs no right of an attribute", _empty_change_of_outside),
    (
        "for another project nothing is made: 403",
        _says("^status 403, theirs 400", "Specifying 'project_id' other than", whose=1),
    ),
    (
        "lists of rbac policies are sorted by id",
        _differs("^status 200, theirs 400", r"rbac-policies\?.*sort_key=id"),
    ),
    (
        "subnets are not filtered by shared",
        _says("^status 400, theirs 200", "not filtered by shared", r"subnets\?"),
    ),
    ("the port of a router stays", _says("^status 409, theirs 200", "stays what it is", "ports/")),
    (
        "ports of routers are active at once",
        _says(r"\.status: 'ACTIVE', theirs 'DOWN'", "router_interface", "ports/", 1),
    ),
    (
        "ports of routers are active at once",
        _differs(r"^other rows: .* ours alone, \[\] theirs alone", r"ports\?.*status=ACTIVE"),
    ),
    ("tags of a new port are set", _differs(r"\.port\.tags", "ports", "tags")),
    ("descriptions have at most 255 characters", _long_description),
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
