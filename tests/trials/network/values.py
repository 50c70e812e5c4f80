"""The values of which requests are made: good ones and bad ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from tests.trials.network.names import NOWHERE, Names

BAD: tuple[Any, ...] = (None, "", 5, -1, "x", True, [], {}, "a" * 256, 3.5)
FLAGS: tuple[Any, ...] = (True, False, "true", "False", 1, 0, "yes")
TEXTS = ("a", "b", "web", "ä", "", "x" * 255)
RANGES4 = tuple(
    f"10.{{}}.{end}" for end in ("0.0/24", "1.0/28", "2.9/24", "3.0/30", "4.0/31", "5.0/32")
)
MODES = ("slaac", "dhcpv6-stateful", "dhcpv6-stateless")
MACS = (
    *("fa:16:3e:00:00:{:02x}", "FA:16:3E:AA:BB:CC", "zz", "01:00:5e:00:00:01"),
    *("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"),
)
Field = Callable[["Draw"], Any]


class Draw:
    """Draws values; the same seed draws the same ones."""

    def __init__(self, seed: int, names: Names) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.names = names

    def of(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def often(self, choices: tuple[Any, ...], bad: float = 0.12) -> Any:
        """One of these, or now and then a bad value."""
        return self.of(*BAD) if self.random.random() < bad else self.of(*choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, kind: str) -> str:
        """A thing of the kind, or now and then none."""
        known = self.names.kinds.get(kind)
        if known and not self.chance(0.04):
            return str(self.of(*known))
        return str(self.of(NOWHERE, "no-id"))

    def range4(self) -> str:
        return str(self.of(*RANGES4)).format(self.random.randrange(1, 9))

    def address4(self) -> str:
        ends = (0, 1, 2, 3, 5, 10, 200, 255)
        return f"10.{self.random.randrange(1, 9)}.{self.random.randrange(6)}.{self.of(*ends)}"

    def address6(self) -> str:
        return f"fd00:{self.random.randrange(1, 4)}::{self.of('', '1', '5', 'ff')}"

    def mac(self) -> str:
        return str(self.of(*MACS)).format(self.random.randrange(40))

    def tags(self) -> Any:
        return self.of([], ["a"], ["a", "b"], ["x" * 255], [""], [5])

    def some(self, *choices: Any) -> list[Any]:
        return self.random.sample(choices, self.random.randint(1, len(choices)))


def _text(draw: Draw) -> Any:
    return draw.often(TEXTS)


def _flag(draw: Draw) -> Any:
    return draw.often(FLAGS)


def _project(draw: Draw) -> Any:
    return draw.of("<project member>", "<project admin>", "<project other>")


def _target(draw: Draw) -> Any:
    return draw.often(("<project other>", "<project member>", "<project admin>", "*"), 0.04)


def _colour(_: Draw) -> Any:
    return 1


def _pools(draw: Draw) -> Any:
    at = draw.of(draw.address4, draw.address4, draw.address6)
    if draw.chance(0.8):
        return [{"start": at(), "end": at()}]
    return draw.of([], None, "x", [{"start": at()}], [{"start": "x", "end": "y"}])


def _addresses(draw: Draw) -> Any:
    def entry() -> dict[str, Any]:
        subnet, address = draw.one("subnet"), draw.of(draw.address4, draw.address6)()
        return dict(
            draw.some(*{"subnet_id": subnet, "ip_address": address}.items())
            if draw.chance(0.95)
            else [("colour", 1)]
        )

    return draw.of([], [entry()], [entry()], [entry(), entry()], None, "x")


def _groups(draw: Draw) -> Any:
    one = draw.one("security_group")
    return draw.of([], [one], [one, draw.one("security_group")], None, "x")


def _pairs(draw: Draw) -> Any:
    return draw.of(
        [],
        [{"ip_address": draw.address4()}],
        [{"ip_address": "10.0.0.0/24", "mac_address": draw.mac()}],
        [{"mac_address": draw.mac()}],
        [{"ip_address": "x"}],
        [{"ip_address": "10.1.0.1"}, {"ip_address": "10.1.0.1"}],
        *(None, "x"),
    )


def _options(draw: Draw) -> Any:
    version = draw.of(4, 6, "4", 5)
    return draw.of(
        [],
        [{"opt_name": "mtu", "opt_value": "9000"}],
        [{"opt_name": "mtu", "opt_value": None}],
        [{"opt_name": "x"}],
        [{"opt_name": "a", "opt_value": "b", "ip_version": version}],
        [{"opt_name": "", "opt_value": "b"}],
        None,
    )


def _routes(draw: Draw) -> Any:
    hop = draw.of(draw.address4, draw.address4, draw.address6)()
    return draw.of(
        [],
        [{"destination": "10.99.0.0/24", "nexthop": hop}],
        [{"destination": "10.99.0.5/24", "nexthop": hop}],
        *([{"destination": "x", "nexthop": "y"}], [{"destination": "10.9.0.0/24"}], None),
    )


def _gateway(draw: Draw) -> Any:
    outside = {"network_id": draw.one("network")}
    snat = {"enable_snat": draw.of(*FLAGS)}
    return draw.of(None, {}, outside, {**outside, **snat}, {"enable_snat": True}, "x")


def _range(draw: Draw) -> Any:
    if draw.chance(0.3):
        return f"fd00:{draw.random.randrange(1, 4)}::/{draw.of(64, 64, 64, 80, 120)}"
    return draw.often((draw.range4(),), 0.04)


def _prefixes(draw: Draw) -> Any:
    second = draw.random.randrange(20, 60)
    wide, narrow = f"10.{second}.0.0/16", f"10.{second}.7.9/24"
    six = f"fd00:{second}::/48"
    return draw.of(
        *([wide], [wide], [wide, narrow], [six], [narrow]),
        *([wide, six], [], None, "x", ["x"], ["10.1.2.3"], [f"10.{second}.0.0"]),
    )


def _length(draw: Draw) -> Any:
    return draw.of(16, 20, 24, 24, 26, 28, "24", 33, 64, 129, -1, None, "x")


SUBNET_KEYS: Mapping[str, Field] = {
    "name": _text,
    "description": _text,
    "enable_dhcp": _flag,
    "gateway_ip": lambda draw: draw.often((draw.address4(), draw.address4(), draw.address6())),
    "allocation_pools": _pools,
    "dns_nameservers": lambda draw: draw.of(
        *([], ["10.0.0.1"], ["x"], ["10.0.0.1", "10.0.0.1"], ["fd00::1"], None, "10.0.0.1"),
        [f"1.1.1.{number}" for number in range(6)],
    ),
    "host_routes": _routes,
    "service_types": lambda draw: draw.of([], ["compute:nova"], ["network:dhcp"], ["x"], "x"),
}
PORT_KEYS: Mapping[str, Field] = {
    "name": _text,
    "description": _text,
    "admin_state_up": _flag,
    "device_id": lambda draw: draw.often(("", "dev", NOWHERE)),
    "fixed_ips": _addresses,
    "security_groups": _groups,
    "port_security_enabled": _flag,
    "allowed_address_pairs": _pairs,
    "extra_dhcp_opts": _options,
    "binding:vnic_type": lambda draw: draw.often(("normal", "direct", "macvtap", "x")),
}
GROUP_KEYS: Mapping[str, Field] = {
    "name": lambda draw: draw.often(("a", "web", "default", "x" * 255, "")),
    "description": _text,
    "stateful": _flag,
}
POOL_KEYS: Mapping[str, Field] = {
    "name": lambda draw: draw.often(("a", "pool")),
    "description": _text,
    "prefixes": _prefixes,
    "min_prefixlen": _length,
    "max_prefixlen": _length,
    "default_prefixlen": _length,
    "default_quota": lambda draw: draw.of(256, "1024", 0, -1, "x"),
    "address_scope_id": lambda draw: draw.of(draw.one("address_scope"), None),
}
KEYS: Mapping[str, Mapping[str, Field]] = {
    "network": {
        "name": _text,
        "admin_state_up": _flag,
        "description": _text,
        "mtu": lambda draw: draw.often((0, 68, 500, 1280, 1450, 9000, 70000, "1400")),
        "port_security_enabled": _flag,
    },
    "subnet": SUBNET_KEYS,
    "port": PORT_KEYS,
    "security_group": GROUP_KEYS,
    "security_group_rule": {"description": _text},
    "router": {
        "name": _text,
        "description": _text,
        "admin_state_up": _flag,
        "external_gateway_info": _gateway,
    },
    "floatingip": {
        "port_id": lambda draw: draw.of(draw.one("port"), draw.one("port"), None),
        "fixed_ip_address": lambda draw: draw.of(draw.address4(), None, "x"),
        "description": _text,
    },
    "subnetpool": POOL_KEYS,
    "address_scope": {"name": _text},
    "address_group": {"name": _text, "description": _text},
    "rbac_policy": {},
}
"""What is said of new things and of changed ones."""
SELDOM: Mapping[str, Mapping[str, Field]] = {
    "network": {
        "shared": _flag,
        "router:external": _flag,
        "tags": Draw.tags,
        "status": lambda _: "ACTIVE",
    },
    "port": {
        "device_owner": lambda draw: draw.often(("", "mine", "x" * 255)),
        "dns_name": lambda draw: draw.often(("web", "a.b")),
        "mac_address": Draw.mac,
        "tags": Draw.tags,
    },
    "subnet": {
        "ipv6_address_mode": lambda draw: draw.often(MODES, 0.05),
        "ipv6_ra_mode": lambda draw: draw.often(MODES, 0.05),
    },
    "subnetpool": {"shared": _flag, "is_default": _flag},
    "address_scope": {"shared": _flag},
}
NEW: Mapping[str, Mapping[str, Field]] = {
    "subnet": {
        "subnetpool_id": lambda draw: draw.one("subnetpool"),
        "prefixlen": _length,
        "use_default_subnetpool": _flag,
    },
    "port": {"mac_address": Draw.mac},
    "security_group_rule": {
        "ethertype": lambda draw: draw.often(("IPv4", "IPv6", "ipv4", "x"), 0.05),
        "protocol": lambda draw: draw.often(
            (
                *("tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "6", 17, "any", "sctp", "vrrp"),
                *("TCP", "256", "x", 0, "0", "58"),
            ),
            0.05,
        ),
        "port_range_min": lambda draw: draw.of(
            *(None, 0, 1, 8, 22, 80, 255, 256, 65535, 65536, "22", -1, "x")
        ),
        "port_range_max": lambda draw: draw.of(
            *(None, 0, 1, 22, 80, 255, 443, 65535, "443", 70000)
        ),
        "remote_ip_prefix": lambda draw: draw.often(
            (
                *("10.0.0.0/8", "10.1.2.3/8", "0.0.0.0/0", "::/0", "fd00::/64", "10.0.0.1"),
                *("x", "10.0.0.0/33"),
            ),
            0.05,
        ),
        "remote_group_id": lambda draw: draw.one("security_group"),
        "remote_address_group_id": lambda draw: draw.one("address_group"),
    },
    "floatingip": {
        "subnet_id": lambda draw: draw.one("subnet"),
        "floating_ip_address": Draw.address4,
    },
    "address_group": {
        "addresses": lambda draw: draw.of(
            *(["10.8.0.0/16"], ["10.8.0.9/16", "fd00:8::/64"], [], None, "x", ["10.0.0.1"])
        ),
    },
}
"""What is said of new things alone."""
NEEDED: Mapping[str, Mapping[str, Field]] = {
    "subnet": {
        "network_id": lambda draw: draw.one("network"),
        "cidr": _range,
        "ip_version": lambda draw: draw.of(*(4,) * 8, *(6,) * 4, 5, "4", None),
    },
    "port": {"network_id": lambda draw: draw.one("network")},
    "security_group": {"name": GROUP_KEYS["name"]},
    "security_group_rule": {
        "security_group_id": lambda draw: draw.one("security_group"),
        "direction": lambda draw: draw.of(*("ingress", "egress") * 8, "x", None),
    },
    "floatingip": {"floating_network_id": lambda draw: draw.one("network")},
    "subnetpool": {"name": POOL_KEYS["name"], "prefixes": _prefixes},
    "address_scope": {"ip_version": lambda draw: draw.of(4, 4, 4, 6, "4", 5, None)},
    "rbac_policy": {
        "object_type": lambda draw: draw.often(("network",), 0.05),
        "object_id": lambda draw: draw.one("network"),
        "action": lambda draw: draw.often(("access_as_shared", "access_as_external"), 0.05),
        "target_tenant": _target,
    },
}
"""What new things need."""
CHANGED: Mapping[str, Mapping[str, Field]] = {
    "router": {"routes": _routes},
    "subnet": {"cidr": Draw.range4, "ip_version": lambda _: 4},
    "security_group_rule": {"protocol": lambda _: "tcp"},
    "rbac_policy": {"target_tenant": _target},
}
"""What is said of changed things alone."""
ANYWHERE: Mapping[str, Field] = {"colour": _colour, "project_id": _project, "tenant_id": _project}
FILTERS: Mapping[str, Field] = {
    **{
        key: lambda draw: draw.of("a", "web", "true", "false", "True", "", "ACTIVE", "DOWN", "x")
        for key in (
            *("name", "status", "admin_state_up", "shared", "description", "device_id", "colour"),
            *("device_owner", "gateway_ip", "enable_dhcp", "router:external", "ip_allocation"),
            *("remote_ip_prefix", "stateful", "is_default"),
        )
    },
    **dict.fromkeys(("tags", "not-tags"), lambda _: "a"),
    **dict.fromkeys(("tags-any", "not-tags-any"), lambda _: "a,b"),
    "fixed_ips": lambda draw: draw.of(
        *(f"ip_address={draw.address4()}", f"subnet_id={draw.one('subnet')}", "x"),
        "ip_address_substr=10.",
    ),
    **{
        f"{noun}_id": lambda draw, noun=noun: draw.one(noun)  # type: ignore[misc]
        for noun in (
            *("network", "port", "router", "security_group", "subnetpool", "address_scope"),
        )
    },
    "id": lambda draw: draw.one("network"),
    "security_groups": lambda draw: draw.one("security_group"),
    "floating_network_id": lambda draw: draw.one("network"),
    "remote_address_group_id": lambda draw: draw.one("address_group"),
    "project_id": lambda _: "<project member>",
    "tenant_id": lambda _: "<project other>",
    "target_tenant": lambda draw: draw.of("<project other>", "*"),
    "object_id": lambda draw: draw.one("network"),
    "action": lambda draw: draw.of("access_as_shared", "x"),
    "mac_address": Draw.mac,
    "cidr": Draw.range4,
    "ip_version": lambda draw: draw.of("4", "6", "x"),
    **dict.fromkeys(("mtu", "revision_number", "port_range_min"), lambda draw: draw.of("22", "x")),
    "protocol": lambda _: "tcp",
    "direction": lambda _: "ingress",
    "ethertype": lambda _: "IPv4",
}
SORTED_BY = ("name", "id", "colour", "status", "cidr", "tenant_id", "mtu", "ip_version")
