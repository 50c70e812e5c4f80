"""One site and two hosts for all tests, and one guest for those that only need one that runs."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from openstack.compute.v2.server import Server

from tests.guests.world import World, a_world


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


@pytest.fixture(scope="session")
def shared(world: World) -> Server:
    """A guest that runs when a test begins, and must when it ends."""
    text = base64.b64encode(b"#!/bin/sh\necho hello from user data\n").decode()
    motd = {"path": "/etc/motd", "contents": base64.b64encode(b"hello from a file\n").decode()}
    server = world.create("shared", config_drive=True, user_data=text, personality=[motd])
    world.until(server, "ACTIVE")
    world.until_says(server, "guest: ready")
    return server


@pytest.fixture
def guest(world: World, shared: Server) -> Server:
    """The shared one."""
    return world.until(shared, "ACTIVE", seconds=20)
