"""The records of servers; one noun a module."""

from servers.models.action import Fault, InstanceAction, InstanceActionEvent
from servers.models.archived_server import ArchivedServer
from servers.models.block_device import BlockDevice
from servers.models.build_request import BuildRequest
from servers.models.buried_order import BuriedOrder
from servers.models.cell import Cell
from servers.models.console_token import ConsoleToken
from servers.models.host import Aggregate, Allocation, ComputeNode, Service
from servers.models.instance import Instance
from servers.models.instance_mapping import InstanceMapping
from servers.models.keypair import KeyPair
from servers.models.migration import Migration, MigrationStatus, MigrationType
from servers.models.request_spec import RequestSpec
from servers.models.server_group import ServerGroup, ServerGroupMember
from servers.models.states import PowerState, TaskState, VmState
from servers.models.tag import Tag

__all__ = [
    "Aggregate",
    "Allocation",
    "ArchivedServer",
    "BlockDevice",
    "BuildRequest",
    "BuriedOrder",
    "Cell",
    "ComputeNode",
    "ConsoleToken",
    "Fault",
    "Instance",
    "InstanceAction",
    "InstanceActionEvent",
    "InstanceMapping",
    "KeyPair",
    "Migration",
    "MigrationStatus",
    "MigrationType",
    "PowerState",
    "RequestSpec",
    "ServerGroup",
    "ServerGroupMember",
    "Service",
    "Tag",
    "TaskState",
    "VmState",
]
