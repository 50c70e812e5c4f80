"""The network API v2.0 of QoS policies and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api import serializers, shapes
from compute_site.neighbours.network.api.availability import WholeList
from compute_site.neighbours.network.api.filters import DESCRIBED, Narrow, by_number, by_switch
from compute_site.neighbours.network.api.lists import ListView
from compute_site.neighbours.network.api.objects import DetailView, Kind, NetworkView
from compute_site.neighbours.network.api.representation import show_qos_policy, show_qos_rule
from compute_site.neighbours.network.local import qos
from compute_site.neighbours.network.models import QosPolicy, QosRule
from compute_site.neighbours.serializers import of_shape
from compute_site.neighbours.service_view import Filter, by_id


class QosPolicies(NetworkView):
    noun = "policy"
    nouns = "policies"
    kind = Kind(
        seen=policies.GET_QOS,
        new=serializers.QosPolicyCreate,
        create=qos.create_policy,
        changed=serializers.QosPolicyUpdate,
        change=qos.change_policy,
        delete=qos.delete_policy,
        tagged=policies.UPDATE_QOS,
    )
    filters: ClassVar[Mapping[str, Filter]] = {
        **DESCRIBED,
        "name": Filter("name"),
        "shared": by_switch("shared"),
    }

    @property
    def plural(self) -> str:
        return "qos/policies"

    def rows(self) -> QuerySet[QosPolicy]:
        return QosPolicy.objects.visible_to(self.caller).prefetch_related("rules")

    def show(self, row: QosPolicy) -> dict[str, Any]:
        return show_qos_policy(row)


class QosPolicyList(QosPolicies, ListView):
    takes_several = False


class QosPolicyDetail(QosPolicies, DetailView):
    pass


class RuleTypes(WholeList):
    """``GET /network/v2.0/qos/rule-types``"""

    known = ("type",)

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.GET_RULE_TYPE)
        self.check_parameters()
        kinds = [{"type": kind} for kind in sorted(shapes.QOS_RULES)]
        return Response({"rule_types": self.matching(kinds)})


class RuleTypeDetail(NetworkView):
    """``GET /network/v2.0/qos/rule-types/{type}``"""

    def get(self, request: Request, kind: str) -> Response:
        self.caller.permit(policies.GET_RULE_TYPE)
        if kind not in shapes.QOS_RULES:
            raise NotFound(f"There is no kind {kind} of QoS rules.")
        return Response({"rule_type": {"type": kind, "drivers": []}})


class QosRuleView(NetworkView):
    """The rules of one kind of one policy; ``rule_kind`` is the kind."""

    rule_kind: ClassVar[str]
    narrowed: ClassVar[Mapping[str, Narrow]] = {}
    order = (("direction", False), ("pk", False))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.caller.permit(policies.GET_QOS)
        seen = QosPolicy.objects.visible_to(self.caller)
        self.policy: QosPolicy = self.find(seen, self.kwargs.pop("policy_id"), "QoS policy")

    @property
    def plural(self) -> str:
        return f"qos/policies/{self.policy.pk}/{self.many}"

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns of the keys of the wire."""
        return shapes.QOS_COLUMNS[self.rule_kind]

    def rows(self) -> QuerySet[QosRule]:
        rules = QosRule.objects.filter(policy=self.policy, kind=self.rule_kind)
        return rules.select_related("policy")

    def show(self, row: QosRule) -> dict[str, Any]:
        return show_qos_rule(row, self.columns)

    def as_columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self.columns[key]: value for key, value in values.items()}


class QosRuleList(QosRuleView, ListView):
    """``GET`` and ``POST /network/v2.0/qos/policies/{policy_id}/{kind}_rules``"""

    def post(self, request: Request) -> Response:
        asked = self.read(self.noun, self.kind.new)
        values = self.as_columns(asked.values)
        made = qos.create_rule(self.caller, self.policy, self.rule_kind, values)
        return Response({self.noun: self.show(made)}, status=201)


class QosRuleDetail(QosRuleView, DetailView):
    """One of them."""

    def put(self, request: Request, row_id: str) -> Response:
        row = self.find_row(row_id)
        asked = self.read(self.noun, self.kind.changed)
        chosen = {key: asked.values[key] for key in asked.given}
        qos.change_rule(self.caller, row, self.as_columns(chosen))
        return Response({self.noun: self.show(row)})

    def delete(self, request: Request, row_id: str) -> Response:
        qos.delete_rule(self.caller, self.find_row(row_id))
        return Response(status=204)


def views_of(rule_kind: str) -> tuple[Any, Any]:
    """The views of the list and of one rule of a kind."""
    columns = shapes.QOS_COLUMNS[rule_kind]
    filters = {
        key: Filter(key) if key == "direction" else by_number(column)
        for key, column in columns.items()
    }
    members = {
        "rule_kind": rule_kind,
        "noun": f"{rule_kind}_rule",
        "sorted_by": {"id": "pk", **columns},
        "filters": {"id": by_id(), **filters},
        "kind": Kind(
            seen=policies.QOS_RULES[rule_kind, "get"],
            new=of_shape(shapes.QOS_RULES[rule_kind]),
            create=_unused,
            changed=of_shape(shapes.CHANGED_QOS_RULES[rule_kind]),
            change=_unused,
            delete=_unused,
        ),
    }
    several, one = (
        type(f"{base.__name__}_{rule_kind}", (base,), {**members, "__doc__": base.__doc__})
        for base in (QosRuleList, QosRuleDetail)
    )
    return several.as_view(), one.as_view()  # type: ignore[attr-defined] # they are views


def _unused(*_: Any) -> Any:
    """Rules are changed together with their policy; the views call that themselves."""
    raise NotFound("Rules are changed with their policy.")
