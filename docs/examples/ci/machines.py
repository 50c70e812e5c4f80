"""A small client, to be tested: it makes servers, and leaves nothing behind when that fails."""

from __future__ import annotations

from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.exceptions import ResourceFailure, ResourceTimeout

LOOK_SECONDS = 0.2


class Failed(Exception):
    """The server could not be made; what there was of it is deleted."""


class TookTooLong(Failed):
    """It was not ready in time."""


def make_server(cloud: Connection, name: str, *, timeout: float = 60) -> Server:
    """A server that runs.

    Raises:
        Failed: the cloud could not make it.
        TookTooLong: nor could it within ``timeout`` seconds.
    """
    server = cloud.compute.create_server(
        name=name,
        image_id=cloud.image.find_image("cirros", ignore_missing=False).id,
        flavor_id=cloud.compute.find_flavor("m1.tiny", ignore_missing=False).id,
        networks=[{"uuid": cloud.network.find_network("private", ignore_missing=False).id}],
    )
    try:
        return cloud.compute.wait_for_server(server, interval=LOOK_SECONDS, wait=timeout)
    except ResourceFailure:
        fault = cloud.compute.get_server(server).fault or {}
        delete_server(cloud, server)
        raise Failed(fault.get("message", "The cloud does not say why.")) from None
    except ResourceTimeout:
        delete_server(cloud, server)
        raise TookTooLong(f"{name} was not ready after {timeout} seconds") from None


def delete_server(cloud: Connection, server: Server) -> None:
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, interval=LOOK_SECONDS, wait=60)
