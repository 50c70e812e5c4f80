"""The models of servers; one module for each noun."""

from servers.models.action import InstanceAction, InstanceActionEvent, ServerFault
from servers.models.aggregate import Aggregate
from servers.models.allocation import Allocation, Consumer, ConsumerType
from servers.models.archived_server import ArchivedServer
from servers.models.block_device import BlockDevice
from servers.models.build_request import BuildRequest
from servers.models.cell import Cell
from servers.models.compute_node import ComputeNode
from servers.models.console_token import ConsoleToken
from servers.models.hardware import HardwareClaim, HostHardware, PciDevice
from servers.models.host_agent import HostAgent, HostOrder
from servers.models.injection import Injection
from servers.models.instance import Instance
from servers.models.instance_mapping import InstanceMapping
from servers.models.kept_request import KeptRequest
from servers.models.keypair import KeyPair
from servers.models.migration import Migration, MigrationStatus, MigrationType
from servers.models.provider import (
    Inventory,
    ProviderAggregate,
    ProviderTrait,
    ResourceClass,
    ResourceProvider,
    Trait,
)
from servers.models.request_spec import RequestSpec
from servers.models.rollup import Rollup, RollupKind
from servers.models.scheduling import SchedulingReport
from servers.models.server_group import ServerGroup, ServerGroupMember
from servers.models.server_step import ServerStep
from servers.models.service import Service
from servers.models.states import PowerState, TaskState, VmState
from servers.models.tag import Tag

__all__ = [
    "Aggregate",
    "Allocation",
    "ArchivedServer",
    "BlockDevice",
    "BuildRequest",
    "Cell",
    "ComputeNode",
    "ConsoleToken",
    "Consumer",
    "ConsumerType",
    "HardwareClaim",
    "HostAgent",
    "HostHardware",
    "HostOrder",
    "Injection",
    "Instance",
    "InstanceAction",
    "InstanceActionEvent",
    "InstanceMapping",
    "Inventory",
    "KeptRequest",
    "KeyPair",
    "Migration",
    "MigrationStatus",
    "MigrationType",
    "PciDevice",
    "PowerState",
    "ProviderAggregate",
    "ProviderTrait",
    "RequestSpec",
    "ResourceClass",
    "ResourceProvider",
    "Rollup",
    "RollupKind",
    "SchedulingReport",
    "ServerFault",
    "ServerGroup",
    "ServerGroupMember",
    "ServerStep",
    "Service",
    "Tag",
    "TaskState",
    "Trait",
    "VmState",
]
