"""The quotas of the network service, and the port quota as compute asks for it."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.db.prepared import prepared_cursor
from compute_site.db.statements import Statement
from compute_site.faults import Conflict
from compute_site.neighbours.network.models import (
    FLOATING,
    ROUTER_GATEWAY,
    FloatingIp,
    Network,
    NetworkAccess,
    Port,
    Quota,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
)
from compute_site.neighbours.network.protocol import PortQuotaData, PortQuotaReached
from compute_site.neighbours.quotas import UNLIMITED, Kind, Part, Quotas

NOT_COUNTED = (FLOATING, ROUTER_GATEWAY)
"""Owners of ports that stand for another thing, which is counted itself."""


class OverQuota(Conflict):
    """The project has reached its limit of this kind."""

    code = "over_quota"


PORTS = Kind(
    name="port",
    plural="ports",
    error=PortQuotaReached,
    parts=(Part(rows=Port.objects.exclude(device_owner__in=NOT_COUNTED)),),
)
QUOTAS = Quotas(
    Quota.objects,
    (
        Kind(
            name="network",
            plural="networks",
            error=OverQuota,
            parts=(Part(rows=Network.objects.all()),),
        ),
        Kind(
            name="subnet",
            plural="subnets",
            error=OverQuota,
            parts=(Part(rows=Subnet.objects.all()),),
        ),
        Kind(
            name="subnetpool",
            plural="subnet_pools",
            error=OverQuota,
            parts=(Part(rows=SubnetPool.objects.all()),),
        ),
        PORTS,
        Kind(
            name="router",
            plural="routers",
            error=OverQuota,
            parts=(Part(rows=Router.objects.all()),),
        ),
        Kind(name="router_route", plural="router_routes", error=OverQuota),
        Kind(
            name="rbac_policy",
            plural="rbac_policies",
            error=OverQuota,
            parts=(Part(rows=NetworkAccess.objects.all()),),
        ),
        Kind(
            name="security_group",
            plural="security_groups",
            error=OverQuota,
            parts=(Part(rows=SecurityGroup.objects.all()),),
        ),
        Kind(
            name="security_group_rule",
            plural="security_group_rules",
            error=OverQuota,
            parts=(Part(rows=SecurityGroupRule.objects.all(), owner="group__project"),),
        ),
        Kind(
            name="floatingip",
            plural="floating_ips",
            error=OverQuota,
            parts=(Part(rows=FloatingIp.objects.all()),),
        ),
    ),
)
PORT_QUOTA = """
SELECT own.most,
       CASE WHEN own.most < 0 THEN 0
            ELSE (SELECT count(*) FROM network_port port
                   WHERE port.project_id = %(project)s AND port.device_owner <> %(floating)s
                     AND port.device_owner <> %(gateway)s)
        END
  FROM (SELECT coalesce((SELECT quota."limit" FROM network_quota quota
                          WHERE quota.project_id = %(project)s AND quota.resource = 'port'),
                        %(default)s::integer) AS most) AS own
"""


def port_quota_statement(caller: Caller) -> Statement:
    """Asks for limit and usage at once, and counts the ports only where there is a limit."""
    parameters = {
        "project": caller.project_id,
        "floating": FLOATING,
        "gateway": ROUTER_GATEWAY,
        "default": PORTS.default,
    }
    return Statement(PORT_QUOTA, parameters)


def port_quota(caller: Caller) -> PortQuotaData:
    with prepared_cursor() as cursor:
        statement = port_quota_statement(caller)
        cursor.execute(statement.text, statement.values)
        limit, used = cursor.fetchone()
    return PortQuotaData(limit=max(limit, UNLIMITED), used=used)
