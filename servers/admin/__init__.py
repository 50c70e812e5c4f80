"""Servers in the admin: importing this package registers the pages and the panels."""

from servers.admin import (
    activity,
    aggregates,
    archive,
    charts,
    dashboard,
    groups,
    history,
    host_agents,
    hosts,
    injections,
    instance,
    jobs,
    moves,
    providers,
    requests,
    search,
)

__all__ = [
    "activity",
    "aggregates",
    "archive",
    "charts",
    "dashboard",
    "groups",
    "history",
    "host_agents",
    "hosts",
    "injections",
    "instance",
    "jobs",
    "moves",
    "providers",
    "requests",
    "search",
]
