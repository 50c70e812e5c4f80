"""A host whose guests are ended, and started again by its agent."""

from __future__ import annotations

from openstack.compute.v2.server import Server

from tests.guests.machines import wait_until
from tests.guests.world import MARKS, World, are_up

pytestmark = MARKS


def test_a_guest_that_ran_starts_again_after_its_host_was_halted(
    world: World, guest: Server
) -> None:
    host = world.host_of(guest)
    boots = world.console(guest).count("guest: boots=")
    host.stop_agent()

    told = host._agent("halt", "--seconds", "20")

    assert "Guests that ended here" in told
    assert guest.id not in host.virsh("list", "--uuid")
    left = host.run("ip", "-br", "link", "show", "type", "bridge")
    assert "csb" not in left
    assert "cs-network-" not in host.run("ip", "netns", "list")

    host.start_agent()

    world.until_says(guest, "guest: ready", times=boots + 1)
    assert world.ssh(guest, "hostname") == "shared"
    assert world.until(guest, "ACTIVE").power_state == 1
    wait_until(lambda: are_up(world), told=host.agent_log)
