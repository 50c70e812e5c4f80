"""``/os-aggregates``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.actions import check_names_action
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.hosts.aggregates import (
    create_aggregate,
    delete_aggregate,
    find_aggregate,
    list_aggregates,
    update_aggregate,
)
from servers.policies import aggregate as rules
from servers.serializers.aggregate import (
    AggregateActionBody,
    AggregateAnswer,
    AggregateChange,
    AggregateCreate,
    AggregateCreated,
    ImagesBody,
)
from servers.serializers.identifier import read_number

ONE = {"aggregate": AggregateAnswer}


class Aggregates(ComputeView):
    """All aggregates."""

    contracts = {
        "GET": Contract(
            summary="List aggregates", query=NoQuery, answer={"aggregates": [AggregateAnswer]}
        ),
        "POST": Contract(
            summary="Create an aggregate",
            body=AggregateCreate,
            answer={"aggregate": AggregateCreated},
            faults=(403, 409),
            example={"aggregate": {"name": "rack-1", "availability_zone": "east"}},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.INDEX)
        return self.answer({"aggregates": self.show_all(AggregateAnswer, list_aggregates())})

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(AggregateCreate)
        request.caller.permit(rules.CREATE)
        aggregate = create_aggregate(order.name, order.zone)
        return self.answer({"aggregate": self.show(AggregateCreated, aggregate)})


class OneAggregate(ComputeView):
    """One aggregate."""

    contracts = {
        "GET": Contract(summary="Show an aggregate", query=NoQuery, answer=ONE),
        "PUT": Contract(
            summary="Change the name or the zone of an aggregate",
            body=AggregateChange,
            answer=ONE,
            faults=(403, 409),
            example={"aggregate": {"name": "rack-2"}},
        ),
        "DELETE": Contract(summary="Delete an aggregate"),
    }

    def get(self, request: ComputeRequest, aggregate_id: str) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.SHOW)
        aggregate = find_aggregate(read_number(aggregate_id))
        return self.answer({"aggregate": self.show(AggregateAnswer, aggregate)})

    def put(self, request: ComputeRequest, aggregate_id: str) -> Response:
        update = self.read(AggregateChange)
        request.caller.permit(rules.UPDATE)
        aggregate = update_aggregate(read_number(aggregate_id), update)
        return self.answer({"aggregate": self.show(AggregateAnswer, aggregate)})

    def delete(self, request: ComputeRequest, aggregate_id: str) -> Response:
        request.caller.permit(rules.DELETE)
        delete_aggregate(read_number(aggregate_id))
        return self.answer()


class AggregateActions(ComputeView):
    """Adds and removes hosts, and changes the metadata."""

    contracts = {
        "POST": Contract(
            summary="Add or remove a host, or change the metadata",
            body=AggregateActionBody,
            answer=ONE,
            faults=(403, 409),
            example={"set_metadata": {"metadata": {"ssd": "true"}}},
        ),
    }

    def post(self, request: ComputeRequest, aggregate_id: str) -> Response:
        check_names_action(self.body)
        action = self.read(AggregateActionBody)
        request.caller.permit(action.rule)
        aggregate = action.act(read_number(aggregate_id), action.argument)
        return self.answer({"aggregate": self.show(AggregateAnswer, aggregate)})


class AggregateImages(ComputeView):
    """Images that the hosts shall fetch in advance. The request is checked; simulated hosts need no
    images.
    """

    since = "2.81"
    contracts = {
        "POST": Contract(
            summary="Ask the hosts of an aggregate to fetch images",
            body=ImagesBody,
            status=202,
            example={"cache": [{"id": demo.IMAGE}]},
        ),
    }

    def post(self, request: ComputeRequest, aggregate_id: str) -> Response:
        self.read(ImagesBody)
        request.caller.permit(rules.IMAGES)
        find_aggregate(read_number(aggregate_id))
        return self.answer(status=202)
