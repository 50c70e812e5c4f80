"""Hosts and what they are grouped by: services, hypervisors, aggregates, zones."""
