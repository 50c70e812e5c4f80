"""Servers in the admin: importing this package registers the pages and the panels."""

from servers.admin import (
    aggregates,
    archive,
    dashboard,
    groups,
    history,
    host_agents,
    hosts,
    instance,
    jobs,
    moves,
    providers,
    requests,
)

__all__ = [
    "aggregates",
    "archive",
    "dashboard",
    "groups",
    "history",
    "host_agents",
    "hosts",
    "instance",
    "jobs",
    "moves",
    "providers",
    "requests",
]
