"""``/servers/{id}/os-security-groups``, and, until 2.35, ``/os-security-groups`` and
``/os-security-group-rules``, which pass requests on to the network service.
"""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.db.paging import cut_list
from servers.attachments.ports import list_groups as groups_of_server
from servers.policies import security_group as rules
from servers.proxies.security_groups import (
    change_group,
    create_group,
    create_rule,
    delete_group,
    delete_rule,
    find_group,
    list_groups,
)
from servers.read.find import find_server
from servers.serializers.security_group import (
    RULE_ANSWER,
    SecurityGroupAnswer,
    SecurityGroupListQuery,
    SecurityGroupRuleCreate,
    SecurityGroupWrite,
    show_rule,
)

EXAMPLE = {"security_group": {"name": "web", "description": "what the world may reach"}}


class ServerSecurityGroups(ComputeView):
    """The security groups of a server."""

    contracts = {
        "GET": Contract(
            summary="List the security groups of a server",
            query=NoQuery,
            answer={"security_groups": [SecurityGroupAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.LIST)
        groups = groups_of_server(request.caller, instance)
        return self.answer({"security_groups": self.show_all(SecurityGroupAnswer, groups)})


class SecurityGroups(ComputeView):
    """The security groups of the project."""

    until = "2.35"
    contracts = {
        "GET": Contract(
            summary="List security groups",
            query=SecurityGroupListQuery,
            answer={"security_groups": [SecurityGroupAnswer]},
        ),
        "POST": Contract(
            summary="Create a security group",
            body=SecurityGroupWrite,
            example=EXAMPLE,
            answer={"security_group": SecurityGroupAnswer},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        asked = self.read_query(SecurityGroupListQuery)
        request.caller.permit(rules.GET)
        found = list_groups(request.caller, every_project="all_tenants" in asked)
        page = cut_list(found, asked)
        return self.answer({"security_groups": self.show_all(SecurityGroupAnswer, page)})

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(SecurityGroupWrite)
        request.caller.permit(rules.CREATE)
        made = create_group(request.caller, order)
        return self.answer({"security_group": self.show(SecurityGroupAnswer, made)})


class SecurityGroup(ComputeView):
    """One security group."""

    until = "2.35"
    contracts = {
        "GET": Contract(
            summary="Show a security group", answer={"security_group": SecurityGroupAnswer}
        ),
        "PUT": Contract(
            summary="Rename a security group",
            body=SecurityGroupWrite,
            example=EXAMPLE,
            answer={"security_group": SecurityGroupAnswer},
        ),
        "DELETE": Contract(summary="Delete a security group", status=202),
    }

    def get(self, request: ComputeRequest, security_group_id: str) -> Response:
        request.caller.permit(rules.SHOW)
        found = find_group(request.caller, security_group_id)
        return self.answer({"security_group": self.show(SecurityGroupAnswer, found)})

    def put(self, request: ComputeRequest, security_group_id: str) -> Response:
        order = self.read(SecurityGroupWrite)
        request.caller.permit(rules.UPDATE)
        changed = change_group(request.caller, security_group_id, order)
        return self.answer({"security_group": self.show(SecurityGroupAnswer, changed)})

    def delete(self, request: ComputeRequest, security_group_id: str) -> Response:
        request.caller.permit(rules.DELETE)
        delete_group(request.caller, security_group_id)
        return self.accepted()


class SecurityGroupRules(ComputeView):
    """The rules of security groups, which are listed with their groups."""

    until = "2.35"
    contracts = {
        "POST": Contract(
            summary="Create a security group rule",
            body=SecurityGroupRuleCreate,
            example={
                "security_group_rule": {
                    "parent_group_id": demo.SERVER,
                    "ip_protocol": "tcp",
                    "from_port": 22,
                    "to_port": 22,
                }
            },
            answer={"security_group_rule": RULE_ANSWER},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(SecurityGroupRuleCreate)
        request.caller.permit(rules.CREATE_RULE)
        return self.answer({"security_group_rule": show_rule(create_rule(request.caller, order))})


class SecurityGroupRule(ComputeView):
    """One rule."""

    until = "2.35"
    contracts = {"DELETE": Contract(summary="Delete a security group rule", status=202)}

    def delete(self, request: ComputeRequest, rule_id: str) -> Response:
        request.caller.permit(rules.DELETE_RULE)
        delete_rule(request.caller, rule_id)
        return self.accepted()
