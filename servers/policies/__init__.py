"""The policy rules of servers; importing this package declares them."""

from servers.policies import server

__all__ = ["server"]
