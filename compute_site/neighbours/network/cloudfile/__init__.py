"""Sections of the cloud file: networks, subnets, security groups and ports."""

from __future__ import annotations

from compute_site.neighbours.network.cloudfile import networks, ports

SECTIONS = (*networks.SECTIONS, *ports.SECTIONS)
