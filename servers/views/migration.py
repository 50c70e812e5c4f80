"""``/servers/{id}/migrations`` and ``/os-migrations``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.response import Response

from compute_site.api.microversions.answers import LINKS
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.models import Migration
from servers.moves.live import abort_live_migration, force_live_migration
from servers.policies import migration as rules
from servers.read.find import find_server
from servers.read.moves import MoveQuery, find_live_move, list_moves, live_moves
from servers.serializers.migration import (
    ForceComplete,
    LiveMigrationAnswer,
    MigrationAnswer,
    MigrationListQuery,
    aborts_early,
    is_paged,
)


class Migrations(ComputeView):
    """The live migrations of a server that go on."""

    since = "2.23"
    contracts = {
        "GET": Contract(
            summary="List the live migrations of a server that go on",
            query=NoQuery,
            answer={"migrations": [LiveMigrationAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        shows_hosts = request.caller.may(rules.INDEX_HOST, project_id=instance.project_id)
        moves = live_moves(instance)
        shown = self.show_all(LiveMigrationAnswer, moves, shows_hosts=shows_hosts)
        return self.answer({"migrations": shown})


class OneMigration(ComputeView):
    """A live migration of a server that goes on."""

    since = "2.23"
    contracts = {
        "GET": Contract(
            summary="Show a live migration that goes on",
            query=NoQuery,
            answer={"migration": LiveMigrationAnswer},
        ),
        "DELETE": Contract(
            summary="Abort a live migration", since="2.24", status=202, faults=(400, 409)
        ),
    }

    def get(self, request: ComputeRequest, server_id: str, migration_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        move = find_live_move(instance, migration_id)
        return self.answer({"migration": self.show(LiveMigrationAnswer, move, shows_hosts=True)})

    def delete(self, request: ComputeRequest, server_id: str, migration_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        early = aborts_early(request.version)
        abort_live_migration(request.caller, instance, migration_id, early=early)
        return self.accepted()


class MigrationAction(ComputeView):
    """What can be done with a live migration that goes on."""

    since = "2.22"
    contracts = {
        "POST": Contract(
            summary="Let a live migration end soon",
            body=ForceComplete,
            example={"force_complete": None},
            status=202,
            faults=(400, 409),
        ),
    }

    def post(self, request: ComputeRequest, server_id: str, migration_id: str) -> Response:
        self.read(ForceComplete)
        instance = find_server(request.caller, server_id, rules.FORCE_COMPLETE)
        force_live_migration(request.caller, instance, migration_id)
        return self.accepted()


class AllMigrations(ComputeView):
    """The moves of all servers."""

    contracts = {
        "GET": Contract(
            summary="List moves of servers",
            query=MigrationListQuery,
            answer={"migrations": [MigrationAnswer], "migrations_links": LINKS},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        query: MoveQuery = self.read_query(MigrationListQuery)
        request.caller.permit(rules.CLOUD_INDEX)
        if query.project_id != request.caller.project_id:
            request.caller.permit(rules.CLOUD_INDEX_ALL_PROJECTS)
        moves = list_moves(query)
        shows_hosts = request.caller.may(rules.CLOUD_INDEX_HOST)
        shown = self.show_all(MigrationAnswer, moves, shows_hosts=shows_hosts)
        return self.answer({"migrations": shown, **self._next_page(moves, query)})

    def _next_page(self, moves: Sequence[Migration], query: MoveQuery) -> dict[str, Any]:
        if not is_paged(self.request.version) or not moves or len(moves) < query.paging.limit:
            return {}
        last = str(moves[-1].uuid)
        return {"migrations_links": self.links.next_page(self.request, "os-migrations", last)}
