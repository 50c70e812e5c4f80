"""Agents and site come to newer releases one after the other: which protocol they speak then.

No release speaks a second protocol yet. Here the site, or the agent, says that it does.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from servers.agent.client import SiteFailed
from servers.hosts import agents
from servers.models import HostAgent
from tests.agents.test_host_api import BEAT, Host, joined
from tests.agents.test_life import act, becomes, create
from tests.world.agents import at_work, jobs_at_work, join, make_agent, wait_until
from tests.world.cast import make_cast
from tests.world.client import ApiClient


def spoken() -> int:
    return HostAgent.objects.get().protocol


@pytest.fixture
def host(db: None, monkeypatch: pytest.MonkeyPatch) -> Host:
    """It has joined with the protocol 1; the site speaks 2, too, by now."""
    host = joined("real")
    assert spoken() == 1
    monkeypatch.setattr(agents, "PROTOCOLS", (1, 2))
    return host


@pytest.mark.parametrize(
    ("protocols", "chosen"), [([1], 1), ([2, 1], 2), ([2, 3], 2), ([1, 2, 3], 2)]
)
def test_the_newest_that_both_speak_is_spoken_from_the_next_heartbeat_on(
    host: Host, protocols: list[int], chosen: int
) -> None:
    status, told = host.post("heartbeat", {**BEAT, "protocols": protocols})
    assert (status, told["protocol"], spoken()) == (200, chosen, chosen)
    other = Host("other")
    assert other.join(agents.add_host("other", cell="cell1"), protocols=protocols) == 201
    assert HostAgent.objects.get(service__host="other").protocol == chosen


def test_an_agent_that_does_not_tell_speaks_what_it_joined_with(host: Host) -> None:
    status, told = host.post("heartbeat", BEAT)
    assert (status, told["protocol"], spoken()) == (200, 1, 1)


@pytest.mark.parametrize("protocols", [[3], [0], []])
def test_an_agent_without_a_common_protocol_is_told_and_counts_as_silent(
    host: Host, protocols: list[int]
) -> None:
    service = HostAgent.objects.get().service
    status, told = host.post("heartbeat", {**BEAT, "protocols": protocols, "version": "9"})
    assert (status, told["error"]["code"]) == (400, "protocol_unknown")
    assert "This site speaks the protocols 1, 2 with agents" in told["error"]["message"]
    seen = service.last_seen_up
    service.refresh_from_db()
    assert service.last_seen_up == seen
    assert (spoken(), HostAgent.objects.get().version) == (1, "0.1")


@pytest.mark.parametrize("protocols", ["1", [-1], [None]])
def test_what_are_no_protocols_is_refused_by_name(host: Host, protocols: object) -> None:
    status, told = host.post("heartbeat", {**BEAT, "protocols": protocols})
    assert status == 400
    assert "protocols" in told["error"]["message"]


def test_servers_live_on_while_site_and_agent_go_to_a_newer_protocol(
    transactional_db: None,
    live_server: LiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = ApiClient(make_cast().member)
    join(live_server.url, tmp_path)
    with jobs_at_work():
        with at_work(make_agent(tmp_path)) as agent:
            server = create(member)
            becomes(server, "active", 1)

            monkeypatch.setattr(agents, "PROTOCOLS", (1, 2))  # the site first
            agent._beat()
            assert (agent.protocol, spoken()) == (1, 1)
            act(member, server, **{"os-stop": None})
            becomes(server, "stopped", 4)

        monkeypatch.setattr("servers.agent.loop.PROTOCOLS", [1, 2])  # then the host
        with at_work(make_agent(tmp_path)) as agent:
            wait_until(lambda: agent.protocol == 2)
            assert spoken() == 2
            act(member, server, **{"os-start": None})
            becomes(server, "active", 1)

        monkeypatch.setattr(agents, "PROTOCOLS", (2,))  # the older one is dropped
        monkeypatch.setattr("servers.agent.loop.PROTOCOLS", [1])  # for hosts that were left behind
        late = make_agent(tmp_path)
        with pytest.raises(
            SiteFailed, match="speaks the protocols 2 with agents, and this agent 1"
        ):
            late._beat()
        assert late.hypervisor.power_states() == {str(server.uuid): 1}
