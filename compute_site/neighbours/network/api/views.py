"""The network API v2.0 of networks, subnets, ports, security groups and floating IPs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Fault, NotFound
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers
from compute_site.neighbours.network.api.filters import (
    BY_TAGS,
    Narrow,
    by_number,
    by_switch,
    narrow_by_addresses,
    narrow_by_groups,
    narrow_by_router,
    narrow_by_status,
)
from compute_site.neighbours.network.api.representation import (
    show_binding,
    show_floating_ip,
    show_network,
    show_port,
    show_provider,
    show_rule,
    show_security_group,
    show_subnet,
)
from compute_site.neighbours.network.local import changes, floating
from compute_site.neighbours.network.local.rights import hide
from compute_site.neighbours.network.models import (
    FloatingIp,
    Network,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.serializers import Asked, BodySerializer
from compute_site.neighbours.service_view import (
    Filter,
    MarkerUnknown,
    ServiceView,
    UnknownFilter,
    by_address,
    by_id,
)
from compute_site.words import LOOSE_TRUE

OWNER = {"project_id": Filter("project"), "tenant_id": Filter("project")}
DESCRIBED = {
    **OWNER,
    "id": by_id(),
    "description": Filter("description"),
    "revision_number": by_number("revision_number"),
}
"""What all kinds but rules are filtered by."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: the rule to see it, the serializers of its bodies, and the functions that
    make, change and delete it.
    """

    seen: str

    new: type[BodySerializer]
    create: Callable[[Caller, Mapping[str, Any], Collection[str]], Any]
    changed: type[BodySerializer]
    change: Callable[[Caller, Any, Mapping[str, Any], Collection[str]], None]
    delete: Callable[[Caller, Any], None]
    tagged: str = ""
    """The rule to tag it."""


class UnknownOrder(BadRequest):
    """Nothing is sorted in such an order."""

    code = "unknown_order"


class RevisionPassed(Fault):
    """The object has another revision than the client asks for."""

    status = 412
    code = "revision_passed"


OF_LISTS = frozenset(("fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir"))
"""Parameters of every list."""
IF_MATCH = re.compile(r"revision_number=([0-9]{1,18})")
MOST_AT_ONCE = 100


class NetworkView(ServiceView):
    """``noun`` is the key of one object; with an s it is the key of the list."""

    noun: ClassVar[str]
    kind: ClassVar[Kind]
    order: ClassVar[tuple[str, ...]] = ("name", "pk")
    narrowed: ClassVar[Mapping[str, Narrow]] = BY_TAGS
    """Filters that are not the values of one column."""
    sorted_by: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        "project_id": "project_id",
        "tenant_id": "project_id",
        **{key: key for key in ("name", "description", "created_at", "updated_at")},
        "revision_number": "revision_number",
    }
    """The keys that lists are sorted by, and their columns."""

    def show_error(self, fault: Fault) -> dict[str, Any]:
        kind = type(fault).__name__
        return {"NeutronError": {"type": kind, "message": fault.detail, "detail": ""}}

    def rows(self) -> QuerySet[Any]:
        """The rows that the caller may see, with the relations that are shown."""
        raise NotImplementedError

    def show(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def plural(self) -> str:
        return f"{self.noun}s".replace("_", "-")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that match the query string.

        Raises:
            UnknownFilter: lists are not filtered by one of its parameters.
        """
        known = self.filters.keys() | self.narrowed.keys() | OF_LISTS
        unknown = sorted(set(self.request.GET) - known)
        if unknown:
            raise UnknownFilter(
                f"{self.plural} are not filtered by {', '.join(unknown)[:200]}; they are by "
                f"{', '.join(sorted(self.filters.keys() | self.narrowed.keys()))}."
            )
        for name, narrow in self.narrowed.items():
            words = self.request.GET.getlist(name)
            if words:
                rows = narrow(rows, words)
        return super().filtered(rows)

    @property
    def asked_order(self) -> list[str]:
        """The columns to sort by, with the id at the end.

        Raises:
            UnknownOrder: a key or direction is none, or there is not one direction for each key.
        """
        keys, ways = (self.request.GET.getlist(name) for name in ("sort_key", "sort_dir"))
        if len(keys) != len(ways):
            raise UnknownOrder("Give one sort_dir for each sort_key.")
        if set(ways) - {"asc", "desc"}:
            raise UnknownOrder("A sort_dir is asc or desc.")
        unknown = [key for key in keys if key not in self.sorted_by]
        if unknown:
            raise UnknownOrder(
                f"{self.plural} are not sorted by {unknown[0][:100]}; they are by "
                f"{', '.join(sorted(self.sorted_by))}."
            )
        columns = [self.sorted_by[key] for key in keys]
        order = [
            f"-{column}" if way == "desc" else column
            for column, way in zip(columns, ways, strict=True)
        ]
        return [*order, "pk"] if order else list(self.order)

    @property
    def is_reversed(self) -> bool:
        """Is the page before the marker asked for, and not the one behind it?"""
        return self.request.GET.get("page_reverse", "").lower() in LOOSE_TRUE

    @property
    def limit(self) -> int:
        return super().limit or settings.OPTIONS.max_page_size  # Neutron: 0 is no limit

    def page(self, rows: QuerySet[Any], *order: str) -> list[Any]:
        try:
            if not self.is_reversed:
                return super().page(rows, *order)
            turned = (key.removeprefix("-") if key.startswith("-") else f"-{key}" for key in order)
            return super().page(rows, *turned)[::-1]
        except MarkerUnknown as error:
            raise NotFound(error.detail) from None

    def check_revision(self, row: Any) -> None:
        """``If-Match: revision_number=3`` lets only a change of that revision through.

        Raises:
            RevisionPassed: the object has changed since.
        """
        match = IF_MATCH.fullmatch(self.request.headers.get("If-Match", ""))
        current = getattr(row, "revision_number", 0)
        if match is not None and int(match[1]) != current:
            raise RevisionPassed(f"You ask for revision {match[1]}; the object has {current}.")

    def show_asked(self, row: Any) -> dict[str, Any]:
        """The object; only the keys in the parameter ``fields``, if that is given."""
        shown = self.show(row)
        asked = self.request.GET.getlist("fields")
        return {key: shown[key] for key in asked if key in shown} if asked else shown


class ListView(NetworkView):
    """``GET`` and ``POST /network/v2.0/{nouns}``"""

    def get(self, request: Request) -> Response:
        self.caller.permit(self.kind.seen)
        rows = self.page(self.filtered(self.rows()), *self.asked_order)
        body: dict[str, Any] = {f"{self.noun}s": [self.show_asked(row) for row in rows]}
        if "limit" in request.GET and self.more and rows:
            rel, edge = ("previous", rows[0]) if self.is_reversed else ("next", rows[-1])
            url = self.next_url(f"{self.root}/network/v2.0/{self.plural}", edge)
            body[f"{self.noun}s_links"] = [{"rel": rel, "href": url}]
        return Response(body)

    def post(self, request: Request) -> Response:
        body = self.read_body()
        if isinstance(body, dict) and f"{self.noun}s" in body:
            return self.post_several(body[f"{self.noun}s"])
        asked = self.read_object(body, self.noun, self.kind.new)
        row = self.kind.create(self.caller, asked.values, asked.given)
        return Response({self.noun: self.show(self.rows().get(pk=row.pk))}, status=201)

    def post_several(self, entries: Any) -> Response:
        """All of them, or none.

        Raises:
            BadRequest: there is none, or one does not have the shape; its number is told.
        """
        if not isinstance(entries, list) or not entries:
            raise BadRequest(f"Send at least one object under {self.noun}s.")
        if len(entries) > MOST_AT_ONCE:
            raise BadRequest(f"Send at most {MOST_AT_ONCE} objects at once.")
        asked = [self.read_entry(number, entry) for number, entry in enumerate(entries)]
        with transaction.atomic():
            made = [self.kind.create(self.caller, one.values, one.given).pk for one in asked]
            found = self.rows().in_bulk(made)
        return Response({f"{self.noun}s": [self.show(found[pk]) for pk in made]}, status=201)

    def read_entry(self, number: int, entry: Any) -> Asked:
        where = f"{self.noun}s.{number}"
        if not isinstance(entry, dict):
            raise BadRequest(f"{where}: send an object.", field=where)
        context = self.serializer_context
        return self.kind.new.read(entry, field=where, where=f"{where}: ", context=context)


class DetailView(NetworkView):
    """``GET``, ``PUT`` and ``DELETE /network/v2.0/{nouns}/{id}``"""

    def get(self, request: Request, row_id: str) -> Response:
        return Response({self.noun: self.show_asked(self.find_row(row_id))})

    def put(self, request: Request, row_id: str) -> Response:
        row = self.find_row(row_id)
        self.check_revision(row)
        asked = self.read(self.noun, self.kind.changed)
        self.kind.change(self.caller, row, asked.values, asked.given)
        return Response({self.noun: self.show(self.rows().get(pk=row.pk))})

    def delete(self, request: Request, row_id: str) -> Response:
        row = self.find_row(row_id)
        self.check_revision(row)
        self.kind.delete(self.caller, row)
        return Response(status=204)

    def find_row(self, row_id: str) -> Any:
        self.caller.permit(self.kind.seen)
        return self.find(self.rows(), row_id, self.noun.replace("_", " "))


class Networks(NetworkView):
    noun = "network"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("status", "admin_state_up", "shared", "mtu")},
    }
    kind = Kind(
        seen=policies.GET_NETWORK,
        new=serializers.NetworkCreate,
        create=changes.create_network,
        changed=serializers.NetworkUpdate,
        change=changes.change,
        delete=changes.delete_network,
        tagged=policies.UPDATE_NETWORK,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "status": Filter("status"),
        "shared": by_switch("shared"),
        "router:external": by_switch("external"),
        "is_default": by_switch("is_default"),
        "admin_state_up": by_switch("admin_state_up"),
        "provider:network_type": Filter("network_type"),
        "provider:physical_network": Filter("physical_network"),
        "provider:segmentation_id": by_number("segmentation_id"),
        "mtu": by_number("mtu"),
        "port_security_enabled": by_switch("port_security_enabled"),
    }

    def rows(self) -> QuerySet[Network]:
        return Network.objects.visible_to(self.caller).prefetch_related("subnets")

    def show(self, row: Network) -> dict[str, Any]:
        provider = hide(self.caller, policies.GET_NETWORK, row.project_id, show_provider(row))
        return show_network(row) | provider


class Subnets(NetworkView):
    noun = "subnet"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("network_id", "cidr", "ip_version", "gateway_ip", "enable_dhcp")},
    }
    kind = Kind(
        seen=policies.GET_SUBNET,
        new=serializers.SubnetCreate,
        create=changes.create_subnet,
        changed=serializers.SubnetUpdate,
        change=changes.change,
        delete=changes.delete_subnet,
        tagged=policies.UPDATE_SUBNET,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "network_id": by_id("network"),
        "cidr": Filter("cidr"),
        "ip_version": by_number("ip_version"),
        "gateway_ip": by_address("gateway_ip"),
        "ipv6_address_mode": Filter("ipv6_address_mode"),
        "ipv6_ra_mode": Filter("ipv6_ra_mode"),
        "router:external": by_switch("network__external"),
        "enable_dhcp": by_switch("enable_dhcp"),
    }

    def rows(self) -> QuerySet[Subnet]:
        return Subnet.objects.visible_to(self.caller).select_related("network")

    def show(self, row: Subnet) -> dict[str, Any]:
        return show_subnet(row)


class Ports(NetworkView):
    noun = "port"
    sorted_by: ClassVar[Mapping[str, str]] = {
        **NetworkView.sorted_by,
        **{key: key for key in ("network_id", "device_id", "device_owner", "mac_address")},
        **{key: key for key in ("status", "admin_state_up")},
    }
    kind = Kind(
        seen=policies.GET_PORT,
        new=serializers.PortCreate,
        create=changes.create_port,
        changed=serializers.PortUpdate,
        change=changes.change,
        delete=changes.delete_port,
        tagged=policies.UPDATE_PORT,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "network_id": by_id("network"),
        "device_id": Filter("device_id"),
        "device_owner": Filter("device_owner"),
        "mac_address": Filter("mac_address"),
        "status": Filter("status"),
        "admin_state_up": by_switch("admin_state_up"),
        "port_security_enabled": by_switch("port_security_enabled"),
        "ip_allocation": Filter("ip_allocation"),
        "dns_name": Filter("dns_name"),
        "binding:host_id": Filter("binding_host"),
        "binding:vnic_type": Filter("vnic_type"),
        "binding:vif_type": Filter("vif_type"),
    }
    narrowed: ClassVar[Mapping[str, Narrow]] = {
        "fixed_ips": narrow_by_addresses,
        "security_groups": narrow_by_groups,
        **BY_TAGS,
    }

    def rows(self) -> QuerySet[Port]:
        visible = Port.objects.visible_to(self.caller)
        return visible.prefetch_related("fixed_ips", "security_groups")

    def show(self, row: Port) -> dict[str, Any]:
        binding = hide(self.caller, policies.GET_PORT, row.project_id, show_binding(row))
        return show_port(row) | binding


class SecurityGroups(NetworkView):
    noun = "security_group"
    kind = Kind(
        seen=policies.GET_GROUP,
        new=serializers.SecurityGroupCreate,
        create=changes.create_group,
        changed=serializers.SecurityGroupUpdate,
        change=changes.change_group,
        delete=changes.delete_group,
        tagged=policies.UPDATE_GROUP,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "stateful": by_switch("stateful"),
    }

    def rows(self) -> QuerySet[SecurityGroup]:
        return SecurityGroup.objects.visible_to(self.caller).prefetch_related("rules__group")

    def show(self, row: SecurityGroup) -> dict[str, Any]:
        return show_security_group(row)


class Rules(NetworkView):
    noun = "security_group_rule"
    order = ("created_at", "pk")
    narrowed: ClassVar[Mapping[str, Narrow]] = {}
    sorted_by: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        **{key: key for key in ("created_at", "direction", "ethertype", "protocol")},
        **{key: key for key in ("port_range_min", "port_range_max", "remote_ip_prefix")},
    }
    kind = Kind(
        seen=policies.GET_RULE,
        new=serializers.RuleCreate,
        create=changes.create_rule,
        changed=serializers.RuleUpdate,
        change=changes.change_rule,
        delete=changes.delete_rule,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        "id": by_id(),
        "security_group_id": by_id("group"),
        "direction": Filter("direction"),
        "ethertype": Filter("ethertype"),
        "protocol": Filter("protocol"),
        "port_range_min": by_number("port_range_min"),
        "port_range_max": by_number("port_range_max"),
        "remote_ip_prefix": Filter("remote_ip_prefix"),
        "remote_group_id": by_id("remote_group"),
        "description": Filter("description"),
        "project_id": Filter("group__project"),
        "tenant_id": Filter("group__project"),
    }

    def rows(self) -> QuerySet[SecurityGroupRule]:
        groups = SecurityGroup.objects.visible_to(self.caller)
        return SecurityGroupRule.objects.filter(group__in=groups).select_related("group")

    def show(self, row: SecurityGroupRule) -> dict[str, Any]:
        return show_rule(row)


class FloatingIps(NetworkView):
    noun = "floatingip"
    order = ("address", "pk")
    sorted_by: ClassVar[Mapping[str, str]] = {
        **{key: column for key, column in NetworkView.sorted_by.items() if key != "name"},
        "floating_ip_address": "address",
        "fixed_ip_address": "fixed_address",
        "floating_network_id": "outside__network_id",
        "port_id": "port_id",
    }
    kind = Kind(
        seen=policies.GET_FLOATING_IP,
        new=serializers.FloatingIpCreate,
        create=floating.create_floating_ip,
        changed=serializers.FloatingIpUpdate,
        change=floating.change_floating_ip,
        delete=floating.delete_floating_ip,
        tagged=policies.UPDATE_FLOATING_IP,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "port_id": by_id("port"),
        "floating_network_id": by_id("outside__network"),
        "floating_ip_address": by_address("address"),
        "fixed_ip_address": by_address("fixed_address"),
    }
    narrowed: ClassVar[Mapping[str, Narrow]] = {
        "status": narrow_by_status,
        "router_id": narrow_by_router,
        **BY_TAGS,
    }

    def rows(self) -> QuerySet[FloatingIp]:
        return FloatingIp.objects.visible_to(self.caller).select_related("outside", "port")

    def show(self, row: FloatingIp) -> dict[str, Any]:
        return show_floating_ip(row)


class TaggedView(NetworkView):
    """Below the URL of one object."""

    def find_tagged(self, row_id: str) -> Any:
        self.caller.permit(self.kind.seen)
        return self.find(self.rows(), row_id, self.noun.replace("_", " "))


class TagsView(TaggedView):
    """``/network/v2.0/{nouns}/{id}/tags``"""

    def get(self, request: Request, row_id: str) -> Response:
        return Response({"tags": self.find_tagged(row_id).tags})

    def put(self, request: Request, row_id: str) -> Response:
        row, body = self.find_tagged(row_id), self.read_body()
        wanted = body.get("tags") if isinstance(body, dict) else None
        return Response({"tags": changes.set_tags(self.caller, row, self.kind.tagged, wanted)})

    def post(self, request: Request, row_id: str) -> Response:
        row, body = self.find_tagged(row_id), self.read_body()
        more = body.get("tags") if isinstance(body, dict) else None
        wanted = [*row.tags, *more] if isinstance(more, list) else more
        changes.set_tags(self.caller, row, self.kind.tagged, wanted)
        return Response(status=201)

    def delete(self, request: Request, row_id: str) -> Response:
        changes.set_tags(self.caller, self.find_tagged(row_id), self.kind.tagged, [])
        return Response(status=204)


class TagView(TaggedView):
    """``/network/v2.0/{nouns}/{id}/tags/{tag}``"""

    def get(self, request: Request, row_id: str, tag: str) -> Response:
        changes.check_tagged(self.find_tagged(row_id), tag)
        return Response(status=204)

    def put(self, request: Request, row_id: str, tag: str) -> Response:
        row = self.find_tagged(row_id)
        changes.set_tags(self.caller, row, self.kind.tagged, [*row.tags, tag])
        return Response(status=201)

    def delete(self, request: Request, row_id: str, tag: str) -> Response:
        changes.remove_tag(self.caller, self.find_tagged(row_id), self.kind.tagged, tag)
        return Response(status=204)


def tags_of(kind: type[NetworkView]) -> tuple[Any, Any]:
    """The views of all tags and of one tag of such objects."""
    views = (
        type(f"{base.__name__}Of{kind.__name__}", (base, kind), {"__doc__": base.__doc__})
        for base in (TagsView, TagView)
    )
    several, one = (view.as_view() for view in views)  # type: ignore[attr-defined] # they are views
    return several, one


class NetworkList(Networks, ListView):
    pass


class NetworkDetail(Networks, DetailView):
    pass


class SubnetList(Subnets, ListView):
    pass


class SubnetDetail(Subnets, DetailView):
    pass


class PortList(Ports, ListView):
    pass


class PortDetail(Ports, DetailView):
    pass


class SecurityGroupList(SecurityGroups, ListView):
    pass


class SecurityGroupDetail(SecurityGroups, DetailView):
    pass


class RuleList(Rules, ListView):
    pass


class RuleDetail(Rules, DetailView):
    pass


class FloatingIpList(FloatingIps, ListView):
    pass


class FloatingIpDetail(FloatingIps, DetailView):
    pass
