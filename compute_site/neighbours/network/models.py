"""Networks, subnets, ports and security groups of the local network service."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Self

from django.db import models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.identity.models import Project
from compute_site.neighbours.ownership import OwnedQuerySet, Thing
from compute_site.neighbours.quotas import ProjectQuota

LIMITED = (
    *("network", "subnet", "subnetpool", "port", "router", "router_route", "floatingip"),
    *("security_group", "security_group_rule", "rbac_policy"),
)
"""What quotas limit."""

PROTOCOLS = {
    "hopopt": 0,
    "ip": 0,
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "udp": 17,
    "dccp": 33,
    "ipv6-encap": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ospf": 89,
    "vrrp": 112,
    "pgm": 113,
    "sctp": 132,
    "udplite": 136,
}
"""The IP protocols that have names in rules, and their numbers."""

DEFAULT_GROUP = "default"
"""The name of the security group that ports get when none was asked for."""


COMPUTE = "compute:"
"""How the owner of a server's port begins; the zone follows."""

FLOATING = "network:floatingip"
"""The owner of a port that holds a floating IP: it counts as a floating IP, not as a port."""

ROUTER_INTERFACE = "network:router_interface"
"""The owner of a port by which a router stands in a subnet."""

ROUTER_GATEWAY = "network:router_gateway"
"""The owner of the port of a router on an external network: it counts as a part of the router."""

OF_SERVICE = (FLOATING, ROUTER_INTERFACE, ROUTER_GATEWAY)
"""Owners of the ports that the service makes for other things of its own, and that go with them."""


SHARED, EXTERNAL = "access_as_shared", "access_as_external"
"""As what one project may use a network of another one."""


EVERYBODY = "*"
"""All projects, where a network is opened to one."""


def opened_to(project_id: str, *actions: str) -> QuerySet[NetworkAccess, uuid.UUID]:
    """The keys of the networks that were opened to this project (no action: as whatever)."""
    opened = NetworkAccess.objects.reaching(project_id)
    return (opened.filter(action__in=actions) if actions else opened).values_list(
        "network", flat=True
    )


class NetworkQuerySet(models.QuerySet["Network"]):
    def visible_to(self, caller: Caller) -> Self:
        """The project's own networks, those that are shared, external or opened to it; an admin
        sees all.
        """
        if caller.is_admin:
            return self
        everyones = Q(shared=True) | Q(external=True)
        own = Q(project=caller.project_id)
        return self.filter(own | everyones | Q(pk__in=opened_to(caller.project_id)))

    def offered_to(self, project_id: str) -> Self:
        """The networks for a server that names none: the project's own and the shared ones."""
        own = Q(project=project_id)
        return self.filter(own | Q(shared=True) | Q(pk__in=opened_to(project_id, SHARED)))

    def leading_out(self) -> Self:
        """The external networks."""
        opened = NetworkAccess.objects.filter(action=EXTERNAL).values("network")
        return self.filter(Q(external=True) | Q(pk__in=opened))

    def told_to(self, project_id: str) -> Self:
        """With ``shared_here`` (with the project) and ``leads_out`` (external)."""
        row = NetworkAccess.objects.filter(network=OuterRef("pk"))
        here = row.filter(action=SHARED).reaching(project_id)
        return self.annotate(
            shared_here=ExpressionWrapper(
                Q(shared=True) | Exists(here), output_field=models.BooleanField()
            ),
            leads_out=ExpressionWrapper(
                Q(external=True) | Exists(row.filter(action=EXTERNAL)),
                output_field=models.BooleanField(),
            ),
        )


class SubnetQuerySet(models.QuerySet["Subnet"]):
    def visible_to(self, caller: Caller) -> Self:
        """The subnets of the networks that the caller sees."""
        if caller.is_admin:
            return self
        return self.filter(
            Q(network__project=caller.project_id)
            | Q(network__shared=True)
            | Q(network__external=True)
            | Q(network__in=opened_to(caller.project_id))
        )


class Described(models.Model):
    """What all things of the service have beside their own columns. Statements that insert rows
    leave these to the database.
    """

    description = models.CharField(max_length=255, blank=True, default="", db_default="")
    tags = models.JSONField(
        default=list, blank=True, db_default=Value([], output_field=models.JSONField())
    )
    revision_number = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    """Grows with each change through the API."""
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def note_change(self) -> None:
        """Store that the row was changed; the columns that were are stored by the caller."""
        self.revision_number += 1
        self.updated_at = timezone.now()
        self.save(update_fields=["revision_number", "updated_at"])


class Network(Described):
    """A layer 2 network; ``physical_network`` and ``segmentation_id`` say where it is carried."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="networks")
    shared = models.BooleanField(default=False)
    external = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=16, default="ACTIVE")
    mtu = models.PositiveIntegerField(default=1450)
    port_security_enabled = models.BooleanField(default=True)
    network_type = models.CharField(max_length=16, default="vxlan")
    physical_network = models.CharField(max_length=64, null=True, blank=True)
    segmentation_id = models.PositiveIntegerField(null=True, blank=True)
    availability_zone_hints = models.JSONField(
        default=list, blank=True, db_default=Value([], output_field=models.JSONField())
    )
    qos_policy = models.ForeignKey(
        "QosPolicy", null=True, blank=True, on_delete=models.SET_NULL, related_name="networks"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = NetworkQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)


class SharedQuerySet(models.QuerySet[Thing]):
    """Rows of projects, of which ``shared`` ones are for all."""

    def visible_to(self, caller: Caller) -> Self:
        """The project's own rows and the shared ones; an admin sees all."""
        if caller.is_admin:
            return self
        return self.filter(Q(project=caller.project_id) | Q(shared=True))


class QosPolicy(Described):
    """How much of a network ports may use, and how much they are to be given: a set of rules."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SharedQuerySet["QosPolicy"].as_manager()

    class Meta:
        verbose_name = "QoS policy"
        verbose_name_plural = "QoS policies"

    def __str__(self) -> str:
        return self.name or str(self.id)


BANDWIDTH_LIMIT = "bandwidth_limit"
MINIMUM_BANDWIDTH = "minimum_bandwidth"
MINIMUM_PACKET_RATE = "minimum_packet_rate"
EGRESS, INGRESS, ANY_DIRECTION = "egress", "ingress", "any"


DSCP_MARKING = "dscp_marking"
QOS_KINDS = (BANDWIDTH_LIMIT, MINIMUM_BANDWIDTH, MINIMUM_PACKET_RATE, DSCP_MARKING)


class QosRule(models.Model):
    """One rule of a policy; kilobits or kilopackets a second, or the mark of packets that leave."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    policy = models.ForeignKey(QosPolicy, on_delete=models.CASCADE, related_name="rules")
    kind = models.CharField(
        max_length=32,
        choices=[(kind, kind) for kind in QOS_KINDS],
    )
    direction = models.CharField(max_length=8, default=EGRESS)
    amount = models.PositiveIntegerField()
    """``max_kbps``, ``min_kbps``, ``min_kpps`` or ``dscp_mark``."""
    burst = models.PositiveIntegerField(default=0)
    """``max_burst_kbps`` of a limit."""

    class Meta:
        verbose_name = "QoS rule"
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "kind", "direction"], name="network_qos_rule_once_a_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.direction} {self.amount}"


class NetworkAccessQuerySet(OwnedQuerySet["NetworkAccess"]):
    def reaching(self, project_id: str) -> Self:
        """What opens networks to this project, or to all."""
        return self.filter(target_project__in=(project_id, EVERYBODY))


class NetworkAccess(models.Model):
    """Opens a network to one project or to all, as a shared or as an external one. The network
    itself may say that all projects may use it, without such a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="accesses")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    """Who opened it."""
    action = models.CharField(
        max_length=32, choices=[(SHARED, "shared"), (EXTERNAL, "external")], default=SHARED
    )
    target_project = models.CharField(max_length=36, db_collation="C")
    """Its id, or ``EVERYBODY``; nobody looks whether there is such a project."""

    objects = NetworkAccessQuerySet.as_manager()

    class Meta:
        verbose_name = "access to a network"
        verbose_name_plural = "accesses to networks"
        constraints = [
            models.UniqueConstraint(
                fields=["network", "action", "target_project"], name="network_opened_once"
            ),
        ]
        indexes = [
            models.Index(fields=["target_project", "action", "network"], name="network_opened_to"),
        ]

    def __str__(self) -> str:
        return f"{self.network_id} → {self.target_project}"


class AddressScope(models.Model):
    """Subnet pools of which no two have an address in common."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False)
    ip_version = models.PositiveSmallIntegerField(default=4)

    objects = SharedQuerySet["AddressScope"].as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)


class SubnetPool(Described):
    """Ranges of addresses that subnets are cut from, none of which is in two of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, db_collation="C")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    """Subnets are cut from it where a request asks for the default one of its IP version."""
    ip_version = models.PositiveSmallIntegerField(default=4)
    prefixes = models.JSONField(default=list)
    """A list of ranges, as few as there can be."""
    min_prefixlen = models.PositiveSmallIntegerField()
    max_prefixlen = models.PositiveSmallIntegerField()
    default_prefixlen = models.PositiveSmallIntegerField()
    default_quota = models.PositiveIntegerField(null=True, blank=True)
    """What each project may cut from it: IPv4 addresses, or IPv6 ranges of /64. 0 or null: all."""
    scope = models.ForeignKey(
        AddressScope, null=True, blank=True, on_delete=models.SET_NULL, related_name="pools"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = SharedQuerySet["SubnetPool"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ip_version"],
                condition=Q(is_default=True),
                name="network_one_default_pool_a_version",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subnet(Described):
    """A range of addresses; ``allocation_pools`` is a list of ``{"start": …, "end": …}``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="")
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="subnets")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    cidr = models.CharField(max_length=64)
    pool = models.ForeignKey(
        SubnetPool,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="subnets",
        db_index=False,
    )
    """What it was cut from."""
    ip_version = models.PositiveSmallIntegerField(default=4)
    gateway_ip = models.GenericIPAddressField(null=True, blank=True)
    enable_dhcp = models.BooleanField(default=True)
    allocation_pools = models.JSONField(default=list, blank=True)
    dns_nameservers = models.JSONField(default=list, blank=True)
    host_routes = models.JSONField(
        default=list, blank=True, db_default=Value([], output_field=models.JSONField())
    )
    """A list of ``{"destination": …, "nexthop": …}``."""
    service_types = models.JSONField(
        default=list, blank=True, db_default=Value([], output_field=models.JSONField())
    )
    """Owners of ports that get addresses here; none: all."""
    ipv6_address_mode = models.CharField(max_length=16, null=True, blank=True)
    ipv6_ra_mode = models.CharField(max_length=16, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SubnetQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["pool"], condition=Q(pool__isnull=False), name="network_subnet_pool"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.cidr


class SecurityGroup(Described):
    """A named set of packet rules. Names may repeat within a project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, db_collation="C")
    stateful = models.BooleanField(default=True, db_default=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="security_groups")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["SecurityGroup"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(name=DEFAULT_GROUP),
                name="network_one_default_group_a_project",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AddressGroup(Described):
    """A named set of ranges, of which rules of security groups speak."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    addresses = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["AddressGroup"].as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)


class SecurityGroupRule(models.Model):
    """Lets packets through; ``protocol``, ports and remote side of null mean any."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    direction = models.CharField(
        max_length=8, choices=[("ingress", "ingress"), ("egress", "egress")]
    )
    ethertype = models.CharField(max_length=4, default="IPv4")
    protocol = models.CharField(max_length=16, null=True, blank=True)
    port_range_min = models.PositiveIntegerField(null=True, blank=True)
    port_range_max = models.PositiveIntegerField(null=True, blank=True)
    remote_ip_prefix = models.CharField(max_length=64, null=True, blank=True)
    remote_group = models.ForeignKey(
        SecurityGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    remote_address_group = models.ForeignKey(
        AddressGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    description = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.direction} {self.ethertype} {self.protocol or 'any'}"


class PortQuerySet(OwnedQuerySet["Port"]):
    def of_servers(self, server_ids: Collection[str]) -> Self:
        """The ports of servers. The project of a port may set any ``device_id`` on it, but not a
        ``device_owner`` of compute, which is checked here as well.
        """
        return self.filter(device_id__in=server_ids, device_owner__startswith=COMPUTE)


class Port(Described):
    """A port of a network; in use while ``device_id`` names a server."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="ports")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="ports", db_index=False
    )
    mac_address = models.CharField(max_length=17)
    device_id = models.CharField(max_length=255, blank=True, default="")
    device_owner = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=16, default="DOWN")
    admin_state_up = models.BooleanField(default=True)
    port_security_enabled = models.BooleanField(default=True)
    security_groups = models.ManyToManyField(SecurityGroup, blank=True, related_name="ports")
    vnic_type = models.CharField(max_length=32, default="normal")
    vif_type = models.CharField(max_length=32, default="unbound")
    binding_host = models.CharField(max_length=255, blank=True, default="")
    binding_profile = models.JSONField(default=dict, blank=True)
    ip_allocation = models.CharField(max_length=16, default="immediate")
    resource_request = models.JSONField(null=True, blank=True)
    numa_affinity_policy = models.JSONField(null=True, blank=True)
    device_profile = models.CharField(max_length=255, null=True, blank=True)
    dns_name = models.CharField(max_length=255, blank=True, default="")
    allowed_address_pairs = models.JSONField(
        default=list, blank=True, db_default=Value([], output_field=models.JSONField())
    )
    """A list of ``{"ip_address": …, "mac_address": …}``."""
    extra_dhcp_opts = models.JSONField(
        default=list, blank=True, db_default=Value([], output_field=models.JSONField())
    )
    """A list of ``{"opt_name": …, "opt_value": …, "ip_version": …}``."""
    qos_policy = models.ForeignKey(
        "QosPolicy",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="ports",
        db_index=False,
    )
    trusted = models.BooleanField(null=True, blank=True)
    """May a virtual function change its MAC address? ``None``: nobody said."""
    tag = models.CharField(max_length=60, null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    """The position of the NIC among those of its server."""
    created_by_server = models.BooleanField(default=False)
    """Made for a server, and deleted with it."""
    created_at = models.DateTimeField(default=timezone.now)

    objects = PortQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["device_id"], name="network_port_device"),
            models.Index(
                fields=["qos_policy"],
                condition=Q(qos_policy__isnull=False),
                name="network_port_qos",
            ),
            models.Index(fields=["project", "name", "id"], name="network_port_page"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class PortBinding(models.Model):
    """Another host that a server's port is prepared for, beside the one that the port names: the
    server is about to move there. It counts as long as that server has the port.
    """

    port = models.ForeignKey(
        Port, on_delete=models.CASCADE, related_name="bindings", db_index=False
    )
    device_id = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    vnic_type = models.CharField(max_length=32, default="normal")
    vif_type = models.CharField(max_length=32, default="ovs")
    profile = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["port", "host"], name="network_port_bound_once_to"),
        ]

    def __str__(self) -> str:
        return f"{self.port_id} → {self.host}"


class FixedIp(models.Model):
    """An address of a port; unique within the network."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE, related_name="fixed_ips")
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="+", db_index=False)
    subnet = models.ForeignKey(Subnet, on_delete=models.CASCADE, related_name="fixed_ips")
    address = models.GenericIPAddressField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network", "address"], name="network_address_once_in_network"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class Router(Described):
    """Leads from subnets to one another, and out by its gateway. Its interfaces are the ports of
    the owner ``ROUTER_INTERFACE`` that have its id as ``device_id``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, blank=True, default="", db_collation="C")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="routers")
    status = models.CharField(max_length=16, default="ACTIVE")
    admin_state_up = models.BooleanField(default=True)
    gateway = models.OneToOneField(
        Port,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="gateway_of",
    )
    """The port on the external network. The constraint of the database empties the column when
    the port goes, so that Django does not ask for routers at the end of each port."""
    enable_snat = models.BooleanField(default=True)
    routes = models.JSONField(default=list, blank=True)
    """A list of ``{"destination": …, "nexthop": …}`` beside those that the interfaces give."""
    availability_zone_hints = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["Router"].as_manager()

    def __str__(self) -> str:
        return self.name or str(self.id)


class FloatingIp(Described):
    """An address of an external network that a project owns and may map to one of its ports."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="floating_ips")
    outside = models.OneToOneField(Port, on_delete=models.CASCADE, related_name="floating_ip")
    """The port on the external network that holds the address."""
    address = models.GenericIPAddressField()
    port = models.ForeignKey(
        Port, null=True, blank=True, on_delete=models.SET_NULL, related_name="lent_floating_ips"
    )
    fixed_address = models.GenericIPAddressField(null=True, blank=True)
    """The address of the port that packets are sent on to."""
    router = models.ForeignKey(
        Router, null=True, blank=True, on_delete=models.SET_NULL, related_name="floating_ips"
    )
    """The router that leads to the port."""
    created_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["FloatingIp"].as_manager()

    class Meta:
        verbose_name = "floating IP"
        constraints = [
            models.UniqueConstraint(
                fields=["port", "fixed_address"], name="network_one_floating_ip_an_address"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class HeldPort(models.Model):
    """What this site notes of a port of a network service elsewhere that a server has, as Neutron
    has no place for it: the order of the NICs, their tags, and which ports outlive the server.
    """

    port_id = models.UUIDField(primary_key=True)
    server_id = models.CharField(max_length=36, db_index=True)
    position = models.PositiveIntegerField(default=0)
    tag = models.CharField(max_length=64, null=True, blank=True)
    given = models.BooleanField(default=False)
    """The port existed before the server, and stays when it goes."""

    def __str__(self) -> str:
        return str(self.port_id)


class Quota(ProjectQuota):
    """A limit of one project in the network service."""

    resource = models.CharField(max_length=32, choices=[(name, name) for name in LIMITED])
