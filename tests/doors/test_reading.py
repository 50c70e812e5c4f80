"""What a project has is not read from another one, at no URL of the site."""

from __future__ import annotations

import uuid

from django.apps import apps
from django.db import models
from django.views.generic import RedirectView

from compute_site.identity.models import Project
from compute_site.neighbours.network.models import NetworkAccess
from tests.doors.routes import PAGES
from tests.doors.table import Row
from tests.doors.world import World
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.routes import ROUTES, Route, newest_of

NOWHERE = {"Consumer", "Quota", "Router"}
"""Kinds whose ids stand in no answer, and routers: the owner of an external network sees the ports
by which they lead out.
"""


def reading() -> list[Route]:
    """Every URL that can be read, but for the pages of people."""
    return [
        route
        for route in sorted(ROUTES, key=lambda route: route.path)
        if "GET" in route.methods
        and not route.path.startswith(PAGES)
        and route.view is not RedirectView
    ]


def ids_of_alpha() -> dict[str, str]:
    """The kinds of all rows of the project, by their UUIDs; without what is open to the other."""
    opened = NetworkAccess.objects.filter(target_project=BETA).values_list("network", flat=True)
    found: dict[str, str] = {}
    for model in apps.get_models():
        for name in ("project", "owner"):
            fields = {field.name: field for field in model._meta.fields}
            field = fields.get(name)
            if not isinstance(field, models.ForeignKey) or field.related_model is not Project:
                continue
            for row in model._default_manager.filter(**{name: ALPHA}):
                word = getattr(row, "uuid", None) or row.pk
                if isinstance(word, uuid.UUID) and word not in opened:
                    found[str(word)] = model.__name__
    return {word: kind for word, kind in found.items() if kind not in NOWHERE}


def test_another_project_reads_nothing_of_what_a_project_has(cast: Cast) -> None:
    world = World(cast)
    hidden = ids_of_alpha()
    known = {*world.names, *world.people[cast.member.name], "row_id"}
    admin, outsider = ApiClient(cast.admin), ApiClient(cast.outsider)
    shown: set[str] = set()
    leaks = []
    for route in reading():
        strange = dict.fromkeys(set(route.names) - known, "x")
        path = world.path(
            Row(
                method="GET",
                path=route.path.removeprefix("/"),
                role=None,
                status=200,
                names=strange,
            ),
            cast.member,
        )
        newest = newest_of(route.path)
        whole = admin.get(path, headers=newest).content.decode(errors="replace")
        shown |= {word for word in hidden if word in whole}
        answer = outsider.get(path, headers=newest)
        text = answer.content.decode(errors="replace")
        echoed = path if answer.status >= 400 else ""  # a refusal says what was asked for
        leaks += [
            f"{path} shows the {kind} {word}"
            for word, kind in hidden.items()
            if word in text and word not in echoed
        ]
    assert not leaks, "\n".join(leaks)
    assert {hidden[word] for word in shown} == set(hidden.values())  # all of it can be seen
