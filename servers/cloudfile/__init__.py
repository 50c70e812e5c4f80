"""Sections of the cloud file: hosts, aggregates and cells, key pairs, server groups."""

from __future__ import annotations

from servers.cloudfile import hosts, keypairs, server_groups

SECTIONS = (*hosts.SECTIONS, *keypairs.SECTIONS, *server_groups.SECTIONS)
