"""The URLs of the network API, below ``/network``."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from compute_site.api.url_endings import without_endings
from compute_site.neighbours.network.api import (
    access,
    address_groups,
    availability,
    bindings,
    discovery,
    pools,
    qos,
    quotas,
    routers,
    tags,
    views,
)
from compute_site.neighbours.network.api.objects import NetworkView
from compute_site.neighbours.network.api.shapes import QOS_RULES


def tag_paths(plural: str, kind: type[NetworkView]) -> list[URLPattern]:
    """The URLs of the tags of such objects."""
    several, one = tags.tags_of(kind)
    return [path(f"{plural}/<row_id>/tags", several), path(f"{plural}/<row_id>/tags/<tag>", one)]


def qos_rule_paths() -> list[URLPattern]:
    """The URLs of the rules of QoS policies."""
    found = []
    for kind in QOS_RULES:
        several, one = qos.views_of(kind)
        where = f"qos/policies/<policy_id>/{kind}_rules"
        found += [path(where, several), path(f"{where}/<row_id>", one)]
    return found


V2 = [
    path("networks", views.NetworkList.as_view()),
    path("networks/<row_id>", views.NetworkDetail.as_view()),
    path("subnets", views.SubnetList.as_view()),
    path("subnets/<row_id>", views.SubnetDetail.as_view()),
    path("ports", views.PortList.as_view()),
    path("ports/<row_id>", views.PortDetail.as_view()),
    path("security-groups", views.SecurityGroupList.as_view()),
    path("security-groups/<row_id>", views.SecurityGroupDetail.as_view()),
    path("security-group-rules", views.RuleList.as_view()),
    path("security-group-rules/<row_id>", views.RuleDetail.as_view()),
    path("floatingips", views.FloatingIpList.as_view()),
    path("floatingips/<row_id>", views.FloatingIpDetail.as_view()),
    *tag_paths("networks", views.Networks),
    *tag_paths("subnets", views.Subnets),
    *tag_paths("ports", views.Ports),
    *tag_paths("security-groups", views.SecurityGroups),
    *tag_paths("floatingips", views.FloatingIps),
    *tag_paths("routers", routers.Routers),
    path("routers", routers.RouterList.as_view()),
    path("routers/<row_id>", routers.RouterDetail.as_view()),
    path("routers/<row_id>/add_router_interface", routers.AddInterface.as_view()),
    path("routers/<row_id>/remove_router_interface", routers.RemoveInterface.as_view()),
    path("routers/<row_id>/add_extraroutes", routers.AddRoutes.as_view()),
    path("routers/<row_id>/remove_extraroutes", routers.RemoveRoutes.as_view()),
    path("ports/<row_id>/bindings", bindings.BindingList.as_view()),
    path("ports/<row_id>/bindings/<host>", bindings.BindingDetail.as_view()),
    path("ports/<row_id>/bindings/<host>/activate", bindings.BindingActivation.as_view()),
    path("rbac-policies", access.AccessList.as_view()),
    path("rbac-policies/<row_id>", access.AccessDetail.as_view()),
    path("address-groups", address_groups.AddressGroupList.as_view()),
    path("address-groups/<row_id>", address_groups.AddressGroupDetail.as_view()),
    path("address-groups/<row_id>/add_addresses", address_groups.AddAddresses.as_view()),
    path("address-groups/<row_id>/remove_addresses", address_groups.RemoveAddresses.as_view()),
    path("address-scopes", pools.ScopeList.as_view()),
    path("address-scopes/<row_id>", pools.ScopeDetail.as_view()),
    path("subnetpools", pools.PoolList.as_view()),
    path("subnetpools/<row_id>", pools.PoolDetail.as_view()),
    path("subnetpools/<row_id>/add_prefixes", pools.AddPrefixes.as_view()),
    path("subnetpools/<row_id>/remove_prefixes", pools.RemovePrefixes.as_view()),
    *tag_paths("subnetpools", pools.Pools),
    path("qos/policies", qos.QosPolicyList.as_view()),
    path("qos/policies/<row_id>", qos.QosPolicyDetail.as_view()),
    *tag_paths("qos/policies", qos.QosPolicies),
    *tag_paths("policies", qos.QosPolicies),
    *qos_rule_paths(),
    path("qos/rule-types", qos.RuleTypes.as_view()),
    path("qos/rule-types/<kind>", qos.RuleTypeDetail.as_view()),
    path("service-providers", availability.ProviderList.as_view()),
    path("availability_zones", availability.ZoneList.as_view()),
    path("agents", availability.AgentList.as_view()),
    path("agents/<agent_id>", availability.AgentDetail.as_view()),
    path("network-ip-availabilities", availability.UseList.as_view()),
    path("network-ip-availabilities/<network_id>", availability.UseDetail.as_view()),
    path("quotas", quotas.QuotaList.as_view()),
    path("quotas/<owner>", quotas.QuotaDetail.as_view()),
    path("quotas/<owner>/default", quotas.QuotaDefaults.as_view()),
    path("quotas/<owner>/details", quotas.QuotaUsage.as_view()),
    path("extensions", discovery.Extensions.as_view()),
    path("extensions/<alias>", discovery.ExtensionDetail.as_view()),
]

urlpatterns = [
    path("", discovery.Versions.as_view()),
    re_path(r"^v2\.0/?$", discovery.VersionDetail.as_view()),
    without_endings(r"^v2\.0/", V2, ".json"),
    re_path("", discovery.UnknownNetworkUrl.as_view()),
]
