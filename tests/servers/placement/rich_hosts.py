"""Hosts that have more than a driver tells of, and ports that ask for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.network.models import FixedIp, Port
from servers.models import ComputeNode, ProviderTrait, ResourceClass, ResourceProvider, Trait
from tests.servers.placement.demand_cases import PORTS
from tests.world.factories import make_network, make_port


def enrich(node: ComputeNode, has: Mapping[str, Any]) -> dict[str, ResourceProvider]:
    """``has`` is written as ``demand_cases.RICH``; the children by name."""
    root = node.provider
    _fill(root, has)
    made: dict[str, ResourceProvider] = {}
    for child in has.get("children", ()):
        parent = made[child["parent"]] if "parent" in child else root
        name = f"{node.hypervisor_hostname} {child['name']}"
        made[child["name"]] = ResourceProvider.objects.create(name=name, parent=parent)
        _fill(made[child["name"]], child)
    for pool in has.get("sharing", ()):
        _share(pool, root)
    return made


def _share(pool: Mapping[str, Any], root: ResourceProvider) -> None:
    aggregate = uuid.uuid4()
    made = ResourceProvider.objects.create(name=pool["name"])
    _fill(made, pool)
    for provider in (made, root):
        provider.aggregates.create(aggregate=aggregate)


def _fill(provider: ResourceProvider, has: Mapping[str, Any]) -> None:
    for model, key in ((ResourceClass, "inventories"), (Trait, "traits")):
        model.objects.bulk_create(
            [model(name=name) for name in has.get(key, ()) if name.startswith("CUSTOM_")],
            ignore_conflicts=True,
        )
    for name, amounts in has.get("inventories", {}).items():
        values = {"max_unit": amounts["total"], **amounts}
        provider.inventories.update_or_create(resource_class=name, defaults=values)
    ProviderTrait.objects.bulk_create(
        [ProviderTrait(provider=provider, trait=trait) for trait in has.get("traits", ())],
        ignore_conflicts=True,
    )


def make_asking_port(kind: str) -> Port:
    """One of ``demand_cases.PORTS``, with an address, on a network of its own."""
    network = make_network(physical_network="one", network_type="vlan", segmentation_id=7)
    fields = dict(PORTS[kind])
    vnic_type = fields.pop("binding:vnic_type", "normal")
    port = make_port(network, vnic_type=vnic_type, **fields)
    subnet = network.subnets.get()
    address = subnet.allocation_pools[0]["start"]
    FixedIp.objects.create(port=port, network=network, subnet=subnet, address=address)
    return port
