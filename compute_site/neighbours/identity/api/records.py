"""The views that most things of the identity API share: a list, and one thing by its id.

What differs is a ``Kind``: the table of a view.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.leaving import LastServers
from compute_site.identity.models import Project
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import Listed, chosen, cut
from compute_site.neighbours.identity.api.representation import show_list
from compute_site.neighbours.identity.api.serializers import IdentityBody
from compute_site.waiting.held import hold


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Things of one kind. ``rules``: what is done → the rule; what is missing needs none.

    ``domain``: the attribute with the domain that one belongs to, which roles in a domain are for.
    """

    noun: str
    plural: str
    rows: Callable[[], QuerySet[Any]]
    rules: Mapping[str, str]
    body: type[IdentityBody]
    listed: Listed
    order: str
    show: Callable[..., dict[str, Any]]
    make: Callable[..., Any]
    change: Callable[..., Any]
    remove: Callable[..., None]
    domain: str | None = None

    def find(self, key: str) -> Any:
        """Raises: NoSuchThing."""
        return self.there(self.look_up(key), key)

    def there(self, thing: Any, key: str) -> Any:
        """What ``look_up`` found by the key.

        Raises:
            NoSuchThing: it found nothing.
        """
        if thing is None:
            raise NoSuchThing(f"There is no {self.noun} {key[:100]}.")
        return thing

    def look_up(self, key: str) -> Any:
        return None if "\0" in key else self.rows().filter(pk=key).first()

    def domain_of(self, thing: Any) -> str | None:
        return getattr(thing, self.domain) if self.domain is not None and thing else None


class KindView(IdentityView):
    of: ClassVar[Kind]
    bodies: ClassVar[Mapping[str, tuple[str, type[IdentityBody]]]] = {}
    """For the OpenAPI document: method → what the body has, and its serializer."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "of" in cls.__dict__:
            cls.bodies = dict.fromkeys(("post", "patch"), (cls.of.noun, cls.of.body))

    def show(self, thing: Any) -> dict[str, Any]:
        return self.of.show(thing, root=self.root)

    def permit_on(self, what: str, thing: Any) -> ValidToken:
        """The caller, who may do this with the thing."""
        rule = self.of.rules.get(what)
        if rule is None:
            return self.caller()
        return self.permit(rule, domain_id=self.of.domain_of(thing))

    def find_permitted(self, what: str, key: str) -> tuple[Any, ValidToken]:
        """Who may not is told that, also of what is not there.

        Raises:
            PolicyRefused: the rule is not granted.
            NoSuchThing: there is no such thing.
        """
        thing = self.of.look_up(key)
        caller = self.permit_on(what, thing)
        return self.of.there(thing, key), caller


class RecordList(KindView):
    """``GET`` and ``POST`` of a kind."""

    query_parameters: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "of" in cls.__dict__:
            cls.query_parameters = cls.of.listed.parameters

    def get(self, request: Request) -> Response:
        rows = chosen(self.in_reach(self.of.rows()), request.GET, self.of.listed)
        found, more = cut(rows, request.GET, self.of.order)
        items = [self.show(thing) for thing in found]
        url = request.build_absolute_uri()
        return Response(show_list(self.of.plural, items, url=url, more=more))

    def in_reach(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that the caller may list: with a token for a domain, those that belong to it."""
        rule = self.of.rules.get("list")
        if rule is None:
            self.caller()
            return rows
        _, domain_id = self.reach(rule)
        if domain_id is None:
            return rows
        return rows.filter(**{str(self.of.domain): domain_id})

    def post(self, request: Request) -> Response:
        self.reach_to_make()
        members = self.of.body.read_body(self.read_body())
        members, caller = self.placed(members)
        thing = self.of.make(members, by=caller.user_id)
        return Response({self.of.noun: self.show_made(thing)}, status=201)

    def show_made(self, thing: Any) -> dict[str, Any]:
        return self.show(thing)

    def reach_to_make(self) -> ValidToken:
        """Who may make none at all is told so before the body is read."""
        caller, _ = self.reach(self.of.rules["create"])
        return caller

    def placed(self, members: dict[str, Any]) -> tuple[dict[str, Any], ValidToken]:
        """The members with their domain, and the caller, who may make it there."""
        return members, self.permit(self.of.rules["create"])


class DomainRecordList(RecordList):
    """Of things that belong to a domain: that of the body, or else that of the token."""

    def placed(self, members: dict[str, Any]) -> tuple[dict[str, Any], ValidToken]:
        domain_id = members.get("domain_id") or home_of(self.caller())
        caller = self.permit(self.of.rules["create"], domain_id=domain_id)
        return {**members, "domain_id": domain_id}, caller


class RecordDetail(KindView):
    """``GET``, ``PATCH`` and ``DELETE`` of one thing."""

    def get(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        thing, _ = self.find_permitted("get", key)
        return Response({self.of.noun: self.show(thing)})

    def patch(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        thing, caller = self.find_permitted("update", key)
        members = self.of.body.read_body(self.read_body(), partial=True)
        changed = self.of.change(thing, members, by=caller.user_id)
        return Response({self.of.noun: self.show(changed)})

    def delete(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        thing, caller = self.find_permitted("delete", key)
        if not self.waits(request, thing):
            self.of.remove(thing, by=caller.user_id)
        return Response(status=204)

    def waits(self, request: Request, thing: Any) -> bool:
        """Does the deletion wait for something? It is then answered anew."""
        return False


class OwnerDetail(RecordDetail):
    """Of a project or user: its deletion waits for servers that are being deleted."""

    def waits(self, request: Request, thing: Any) -> bool:
        last = LastServers(thing)
        return last.helps() and hold(request.META, last)


def home_of(caller: ValidToken) -> str:
    """The domain of what the caller makes and names none for: that of the token, or its project."""
    if caller.token.domain_id is not None:
        return caller.token.domain_id
    if caller.token.project_id is not None:
        return Project.objects.values_list("domain_id", flat=True).get(pk=caller.token.project_id)
    return DOMAIN_ID
