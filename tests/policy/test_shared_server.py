"""One server shared with somebody of another project, through HTTP."""

from __future__ import annotations

import pytest
from guardian.shortcuts import assign_perm, remove_perm

from servers.policies import server as policies
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance

pytestmark = pytest.mark.django_db


def test_a_shared_server_is_shown_to_whom_it_is_shared_with(
    as_outsider: ApiClient, cast: Cast
) -> None:
    shared, other = make_instance(), make_instance()
    as_outsider.get(f"/servers/{shared.uuid}").expect(404)

    assign_perm(policies.SHOW, cast.outsider.user, shared)

    shown = as_outsider.get(f"/servers/{shared.uuid}").expect(200).json["server"]
    assert shown["id"] == str(shared.uuid)
    as_outsider.get(f"/servers/{other.uuid}").expect(404)


def test_sharing_the_sight_of_a_server_shares_nothing_else(
    as_outsider: ApiClient, cast: Cast
) -> None:
    shared = make_instance()
    assign_perm(policies.SHOW, cast.outsider.user, shared)

    as_outsider.delete(f"/servers/{shared.uuid}").expect(404)

    shared.refresh_from_db()
    assert shared.deleted_at is None
    assert shared.task_state is None


def test_a_shared_server_is_not_listed(as_outsider: ApiClient, cast: Cast) -> None:
    assign_perm(policies.SHOW, cast.outsider.user, make_instance())

    assert as_outsider.get("/servers").expect(200).json["servers"] == []


def test_what_is_no_longer_shared_is_gone_at_once(as_outsider: ApiClient, cast: Cast) -> None:
    shared = make_instance()
    assign_perm(policies.SHOW, cast.outsider.user, shared)
    as_outsider.get(f"/servers/{shared.uuid}").expect(200)

    remove_perm(policies.SHOW, cast.outsider.user, shared)

    as_outsider.get(f"/servers/{shared.uuid}").expect(404)


def test_a_reader_may_be_given_one_server_to_delete(as_reader: ApiClient, cast: Cast) -> None:
    given, other = make_instance(), make_instance()
    assign_perm(policies.DELETE, cast.reader.user, given)

    as_reader.delete(f"/servers/{given.uuid}").expect(204)
    refused = as_reader.delete(f"/servers/{other.uuid}").expect(403)

    assert refused.fault == "forbidden"
    assert policies.DELETE in refused.message
