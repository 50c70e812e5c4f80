"""A host whose guests are ended, and started again by its agent."""

from __future__ import annotations

from openstack.compute.v2.server import Server

from servers.agent.hypervisor.libvirt.own_daemon import OwnDaemon
from tests.guests.machines import run, wait_until
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
    assert run("pgrep", "-f", guest.id, check=False) == ""
    assert OwnDaemon(host.state).pid() is None
    left = host.run("ip", "-br", "link", "show", "type", "bridge")
    assert "csb" not in left
    assert "cs-network-" not in host.run("ip", "netns", "list")

    host.start_agent()

    world.until_says(guest, "guest: ready", times=boots + 1)
    assert world.ssh(guest, "hostname") == "shared"
    assert world.until(guest, "ACTIVE").power_state == 1
    wait_until(lambda: are_up(world), told=host.agent_log)
