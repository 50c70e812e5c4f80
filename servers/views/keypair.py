"""``/os-keypairs``."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.answers import LINKS
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.keypairs.keypairs import (
    create_keypair,
    delete_keypair,
    find_keypair,
    list_keypairs,
    permit_keypairs,
)
from servers.policies import keypair as rules
from servers.serializers.keypair import (
    KeyPairAnswer,
    KeyPairCreate,
    KeyPairCreated,
    KeyPairItem,
    KeyPairListQuery,
    KeyPairQuery,
    created_status,
    deleted_status,
)


class KeyPairs(ComputeView):
    """The key pairs of a user."""

    contracts = {
        "GET": Contract(
            summary="List key pairs",
            query=KeyPairListQuery,
            answer={"keypairs": [KeyPairItem], "keypairs_links": LINKS},
        ),
        "POST": Contract(
            summary="Import or make a key pair",
            body=KeyPairCreate,
            answer={"keypair": KeyPairCreated},
            status=201,
            faults=(403, 409),
            example={"keypair": {"name": "mine", "public_key": demo.PUBLIC_KEY}},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        search = self.read_query(KeyPairListQuery)
        permit_keypairs(request.caller, rules.INDEX, search.user_id)
        keypairs = list_keypairs(request.caller, search)
        answer: dict[str, Any] = {"keypairs": self.show_all(KeyPairItem, keypairs)}
        if keypairs and len(keypairs) == search.paging.limit:
            known = KeyPairListQuery.at(request.version).entries
            answer["keypairs_links"] = self.links.next_page(
                request, "os-keypairs", keypairs[-1].name, known
            )
        return self.answer(answer)

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(KeyPairCreate)
        permit_keypairs(request.caller, rules.CREATE, order.user_id)
        kept = create_keypair(request.caller, order)
        return self.answer(
            {"keypair": self.show(KeyPairCreated, kept)}, status=created_status(request.version)
        )


class OneKeyPair(ComputeView):
    """One key pair of a user."""

    contracts = {
        "GET": Contract(
            summary="Show a key pair", query=KeyPairQuery, answer={"keypair": KeyPairAnswer}
        ),
        "DELETE": Contract(summary="Delete a key pair", query=KeyPairQuery, status=204),
    }

    def get(self, request: ComputeRequest, name: str) -> Response:
        user_id = self.read_query(KeyPairQuery)
        permit_keypairs(request.caller, rules.SHOW, user_id)
        keypair = find_keypair(request.caller, user_id, name)
        return self.answer({"keypair": self.show(KeyPairAnswer, keypair)})

    def delete(self, request: ComputeRequest, name: str) -> Response:
        user_id = self.read_query(KeyPairQuery)
        permit_keypairs(request.caller, rules.DELETE, user_id)
        delete_keypair(request.caller, user_id, name)
        return self.answer(status=deleted_status(request.version))
