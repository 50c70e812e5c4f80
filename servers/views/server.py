"""``/servers``, ``/servers/detail`` and ``/servers/{id}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.answers import TEXT
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.waiting.held import TooManyWait, hold
from servers.create import create_servers
from servers.delete.delete import delete_server
from servers.edit.update import ServerUpdate, update_server
from servers.policies import server as rules
from servers.read.find import details_of, find_details, find_server
from servers.read.list_request import ListRequest, plan_query
from servers.read.listing import ServerQuery, list_details, list_names
from servers.read.waiting import StatusWait, StatusWanted
from servers.serializers.server import (
    ServerAnswer,
    ServerShown,
    ServerSummary,
    ServerUpdated,
    parts_for,
)
from servers.serializers.server_action import ServerActionBody
from servers.serializers.server_create import ServerCreate
from servers.serializers.server_created import ServerCreated, echo_groups
from servers.serializers.server_list import ServerListQuery
from servers.serializers.server_update import ServerChange
from servers.serializers.server_wait import ServerWaitQuery
from servers.views.choices import Choices, choices_of


class Servers(ComputeView):
    """All servers of a project."""

    contracts = {
        "GET": Contract(
            summary="List servers", query=ServerListQuery, answer={"servers": [ServerSummary]}
        ),
        "POST": Contract(
            summary="Create one or more servers",
            body=ServerCreate,
            example=demo.NEW_SERVER,
            answer={"server": ServerCreated},
            other_answer={"reservation_id": TEXT},
            status=202,
            faults=(403, 409, 413, 415),
            headers={"Location": "The server that was made, the first one of several."},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        request.caller.permit(rules.INDEX)
        order: ListRequest = self.read_query(ServerListQuery)
        query = plan_query(request.caller, order, rules.INDEX_ALL_PROJECTS)
        names = list_names(request.caller, query)
        servers = self.show_all(ServerSummary, names)
        return self.answer({"servers": servers, **next_page(self, "servers", names, query)})

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(ServerCreate)
        created = create_servers(request.caller, order)
        if order.return_reservation_id:
            return self.answer({"reservation_id": created.reservation_id}, status=202)
        server = self.show(
            ServerCreated,
            created,
            security_groups=echo_groups(order.security_groups_echo),
            show_password=settings.OPTIONS.enable_instance_password,
        )
        location = self.links.self_link("servers", created.uuid)
        return self.answer({"server": server}, status=202, headers={"Location": location})

    def choices(self) -> Mapping[str, Choices]:
        return choices_of(self.request.caller)

    @property
    def trial(self) -> str:
        return f"{self.request.path.rpartition('/')[0]}/servers/dry-run"


class ServersDetail(ComputeView):
    """All servers of a project, with all that can be told of them."""

    contracts = {
        "GET": Contract(
            summary="List servers in detail",
            query=ServerListQuery,
            answer={"servers": [ServerAnswer]},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        request.caller.permit(rules.DETAIL)
        order: ListRequest = self.read_query(ServerListQuery)
        query = plan_query(request.caller, order, rules.DETAIL_ALL_PROJECTS)
        parts = parts_for(request.caller, request.version)
        page = list_details(request.caller, query, parts)
        servers = self.show_all(ServerAnswer, page.rows, details=page)
        links = next_page(self, "servers/detail", page.rows, query)
        return self.answer({"servers": servers, **links})


class Server(ComputeView):
    """One server."""

    contracts = {
        "GET": Contract(
            summary="Show a server, now or when it has a certain status",
            query=ServerWaitQuery,
            answer={"server": ServerShown},
            faults=(403, TooManyWait.status),
        ),
        "PUT": Contract(
            summary="Change a server",
            body=ServerChange,
            example={"server": {"name": "new-name"}},
            answer={"server": ServerUpdated},
            faults=(403, 409),
        ),
        "DELETE": Contract(summary="Delete a server", status=204, faults=(403, 409)),
    }

    @property
    def actions(self) -> tuple[str, type[ServerActionBody]]:
        return f"{self.request.path}/action", ServerActionBody

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        wanted: StatusWanted | None = self.read_query(ServerWaitQuery)
        parts = parts_for(request.caller, request.version, groups=True)
        details = find_details(request.caller, server_id, rules.SHOW, parts)
        if wanted is not None and not wanted.is_met_by(details.rows[0].status):
            if hold(request.META, StatusWait(server_id, wanted)):
                return self.accepted()
            details = find_details(request.caller, server_id, rules.SHOW, parts)
        shown = self.show(ServerShown, details.rows[0], details=details)
        return self.answer({"server": shown})

    def put(self, request: ComputeRequest, server_id: str) -> Response:
        update: ServerUpdate = self.read(ServerChange)
        instance = find_server(request.caller, server_id, rules.UPDATE)
        update_server(instance, update)
        parts = parts_for(request.caller, request.version, groups=True)
        details = details_of(instance, parts)
        shown = self.show(ServerUpdated, details.rows[0], details=details)
        return self.answer({"server": shown})

    def delete(self, request: ComputeRequest, server_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        delete_server(request.caller, instance)
        return self.answer(status=204)


def next_page(
    view: ComputeView, collection: str, page: Sequence[Any], query: ServerQuery | None
) -> dict[str, Any]:
    """The link to the next page, where this one is full."""
    if query is None or not page or len(page) < query.limit:
        return {}
    known = ServerListQuery.at(view.request.version).entries
    return {"servers_links": view.links.next_page(view.request, collection, page[-1].uuid, known)}
