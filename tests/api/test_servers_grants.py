"""``/servers/{id}/grants``: one server shared with somebody of another project."""

from __future__ import annotations

import pytest
from guardian.models import UserObjectPermission

from servers.models import Instance
from servers.policies import action as actions
from servers.policies import grant as policies
from servers.policies import server as servers
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance

pytestmark = pytest.mark.django_db


def path(server: Instance, *parts: str) -> str:
    return "/".join((f"/servers/{server.uuid}/grants", *parts))


def body(*rules: str) -> dict[str, dict[str, list[str]]]:
    return {"grant": {"rules": list(rules)}}


def test_a_manager_shares_a_server_and_it_counts_at_once(
    as_manager: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    shared, other = make_instance(), make_instance()
    url = path(shared, cast.outsider.user_id)
    as_outsider.get(f"/servers/{shared.uuid}").expect(404)

    answer = as_manager.put(url, body(servers.SHOW, servers.DELETE)).expect(200).json
    assert answer["grant"] == {
        "user_id": cast.outsider.user_id,
        "user_name": cast.outsider.name,
        "rules": sorted([servers.SHOW, servers.DELETE]),
    }
    assert as_manager.get(path(shared)).expect(200).json["grants"] == [answer["grant"]]

    as_outsider.get(f"/servers/{shared.uuid}").expect(200)
    as_outsider.get(f"/servers/{other.uuid}").expect(404)
    as_outsider.delete(f"/servers/{shared.uuid}").expect(204)


def test_what_is_granted_replaces_what_was(
    as_manager: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    shared = make_instance()
    url = path(shared, cast.outsider.user_id)
    as_manager.put(url, body(servers.SHOW, servers.DELETE)).expect(200)
    as_manager.put(url, body(servers.SHOW)).expect(200)

    as_outsider.delete(f"/servers/{shared.uuid}").expect(404)
    assert UserObjectPermission.objects.count() == 1


def test_what_is_taken_back_is_gone_at_once(
    as_manager: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    shared = make_instance()
    url = path(shared, cast.outsider.user_id)
    as_manager.put(url, body(servers.SHOW)).expect(200)

    as_manager.delete(url).expect(204)

    as_outsider.get(f"/servers/{shared.uuid}").expect(404)
    assert as_manager.get(path(shared)).expect(200).json["grants"] == []
    assert "holds no rule" in as_manager.delete(url).expect(404).message


def test_nobody_grants_what_they_do_not_hold(as_manager: ApiClient, cast: Cast) -> None:
    server = make_instance()
    refused = as_manager.put(path(server, cast.outsider.user_id), body(actions.RESET_STATE))
    assert actions.RESET_STATE in refused.expect(403).message
    assert not UserObjectPermission.objects.exists()


def test_an_admin_shares_servers_of_every_project(
    as_admin: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    server = make_instance()
    as_admin.put(path(server, cast.outsider.user_id), body(servers.SHOW)).expect(200)
    as_outsider.get(f"/servers/{server.uuid}").expect(200)


def test_members_see_with_whom_a_server_is_shared_but_do_not_share(
    as_member: ApiClient, as_reader: ApiClient, cast: Cast
) -> None:
    server = make_instance()
    assert as_member.get(path(server)).expect(200).json == {"grants": []}
    url = path(server, cast.outsider.user_id)
    assert policies.UPDATE in as_member.put(url, body(servers.SHOW)).expect(403).message
    assert policies.DELETE in as_member.delete(url).expect(403).message
    as_reader.get(path(server)).expect(403)


def test_a_server_of_another_project_is_not_there(as_outsider: ApiClient, cast: Cast) -> None:
    server = make_instance()
    as_outsider.get(path(server)).expect(404)
    as_outsider.put(path(server, cast.outsider.user_id), body(servers.SHOW)).expect(404)


@pytest.mark.parametrize("rule", ["no-such-rule", servers.CREATE])
def test_rules_that_are_not_about_one_server_are_refused(
    as_manager: ApiClient, cast: Cast, rule: str
) -> None:
    refused = as_manager.put(path(make_instance(), cast.outsider.user_id), body(rule)).expect(400)
    assert rule in refused.message


@pytest.mark.parametrize("wrong", [{}, {"grant": {"rules": []}}, {"grant": {"rules": "all"}}])
def test_a_wrong_body_is_refused(as_manager: ApiClient, cast: Cast, wrong: object) -> None:
    as_manager.put(path(make_instance(), cast.outsider.user_id), wrong).expect(400)


def test_nobody_is_not_granted_anything(as_manager: ApiClient) -> None:
    assert (
        "nobody"
        in as_manager.put(path(make_instance(), "nobody"), body(servers.SHOW)).expect(404).message
    )
