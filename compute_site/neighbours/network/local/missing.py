"""What a request names and is not there for the caller: 404 in the network API, as in Neutron.

The classes bear the names that Neutron's clients know.
"""

from __future__ import annotations

from compute_site.faults import NotFound


class NetworkNotFound(NotFound):
    """The network does not exist, or the caller does not see it."""

    code = "no_such_network"


class SubnetNotFound(NotFound):
    """The subnet does not exist, the caller does not see it, or nothing of this is in it."""

    code = "no_such_subnet"


class PortNotFound(NotFound):
    """The port does not exist, the caller does not see it, or it is none of this router."""

    code = "no_such_port"


class SecurityGroupNotFound(NotFound):
    """The security group does not exist, or the caller does not see it."""

    code = "no_such_security_group"


class QosPolicyNotFound(NotFound):
    """The QoS policy does not exist, or the caller does not see it."""

    code = "no_such_qos_policy"


class AddressGroupNotFound(NotFound):
    """The address group does not exist, or the caller does not see it."""

    code = "no_such_address_group"


class AddressScopeNotFound(NotFound):
    """The address scope does not exist, or the caller does not see it."""

    code = "no_such_address_scope"


class SubnetPoolNotFound(NotFound):
    """The subnet pool does not exist, or the caller does not see it."""

    code = "no_such_subnet_pool"


class AgentNotFound(NotFound):
    """There are no agents here."""

    code = "no_such_agent"
