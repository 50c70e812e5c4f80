"""Sections of the cloud file: networks, subnets, security groups, ports and routers."""

from __future__ import annotations

from compute_site.neighbours.network.cloudfile import networks, ports, routers

SECTIONS = (*networks.SECTIONS, *ports.SECTIONS, *routers.SECTIONS)
