"""Servers in the admin: importing this package registers the pages and the panels."""

from servers.admin import dashboard, groups, history, hosts, instance, jobs, orders

__all__ = ["dashboard", "groups", "history", "hosts", "instance", "jobs", "orders"]
