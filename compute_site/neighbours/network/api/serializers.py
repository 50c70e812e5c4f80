"""The bodies of requests to the network API."""

from __future__ import annotations

from compute_site.neighbours.network.api import shapes
from compute_site.neighbours.serializers import BodySerializer


class NetworkCreate(BodySerializer):
    shape = shapes.NEW_NETWORK


class NetworkUpdate(BodySerializer):
    shape = shapes.CHANGED_NETWORK


class SubnetCreate(BodySerializer):
    shape = shapes.NEW_SUBNET


class SubnetUpdate(BodySerializer):
    shape = shapes.CHANGED_SUBNET


class PortCreate(BodySerializer):
    shape = shapes.NEW_PORT


class PortUpdate(BodySerializer):
    shape = shapes.CHANGED_PORT


class SecurityGroupCreate(BodySerializer):
    shape = shapes.NEW_SECURITY_GROUP


class SecurityGroupUpdate(BodySerializer):
    shape = shapes.CHANGED_SECURITY_GROUP


class RuleCreate(BodySerializer):
    shape = shapes.NEW_RULE


class RuleUpdate(BodySerializer):
    shape = shapes.CHANGED_RULE


class FloatingIpCreate(BodySerializer):
    shape = shapes.NEW_FLOATING_IP


class FloatingIpUpdate(BodySerializer):
    shape = shapes.CHANGED_FLOATING_IP


class Tags(BodySerializer):
    shape = shapes.TAGS
    rest = "rest"


class RouterCreate(BodySerializer):
    shape = shapes.NEW_ROUTER


class RouterUpdate(BodySerializer):
    shape = shapes.CHANGED_ROUTER


class RouterInterface(BodySerializer):
    shape = shapes.INTERFACE


class AccessCreate(BodySerializer):
    shape = shapes.NEW_ACCESS


class AccessUpdate(BodySerializer):
    shape = shapes.CHANGED_ACCESS


class QosPolicyCreate(BodySerializer):
    shape = shapes.NEW_QOS_POLICY


class QosPolicyUpdate(BodySerializer):
    shape = shapes.CHANGED_QOS_POLICY


class BindingCreate(BodySerializer):
    shape = shapes.NEW_BINDING


class BindingUpdate(BodySerializer):
    shape = shapes.CHANGED_BINDING


class ExtraRoutes(BodySerializer):
    shape = shapes.EXTRA_ROUTES


class ScopeCreate(BodySerializer):
    shape = shapes.NEW_SCOPE


class ScopeUpdate(BodySerializer):
    shape = shapes.CHANGED_SCOPE


class PoolCreate(BodySerializer):
    shape = shapes.NEW_POOL


class PoolUpdate(BodySerializer):
    shape = shapes.CHANGED_POOL


class Prefixes(BodySerializer):
    shape = shapes.PREFIXES


class AddressGroupCreate(BodySerializer):
    shape = shapes.NEW_ADDRESS_GROUP


class AddressGroupUpdate(BodySerializer):
    shape = shapes.CHANGED_ADDRESS_GROUP


class Addresses(BodySerializer):
    shape = shapes.ADDRESSES
