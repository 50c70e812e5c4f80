"""Query sets whose SQL is made once give what the query sets give."""

from __future__ import annotations

import uuid

import pytest
from django.db.models import Q
from pytest_django import DjangoAssertNumQueries

from compute_site.db.compiled import MOST_VALUES, CompiledQuery
from compute_site.neighbours.image.models import Image
from tests.world.callers import caller_of
from tests.world.cast import BETA, Cast
from tests.world.factories import make_image

FIND = CompiledQuery(
    lambda caller, *ids: (
        Image.objects.visible_to(caller)
        .filter(pk__in=ids)
        .order_by("name")
        .values_list("name", "properties")
    )
)


@pytest.fixture
def images(cast: Cast) -> list[uuid.UUID]:
    """One of everybody's, with a property, and a private one of beta."""
    return [
        make_image(name="a", properties={"os_type": "linux"}).pk,
        make_image(name="b", visibility="private", owner_id=BETA).pk,
    ]


def test_values_are_put_in_at_each_use(cast: Cast, images: list[uuid.UUID]) -> None:
    caller = caller_of(cast.outsider)
    assert FIND.rows(caller, images[0]) == [("a", {"os_type": "linux"})]
    assert FIND.rows(caller, images[1]) == [("b", {})]
    assert FIND.rows(caller, uuid.uuid4()) == []
    assert FIND.rows(caller, *images) == [("a", {"os_type": "linux"}), ("b", {})]


def test_everybody_sees_what_the_query_set_shows_them(cast: Cast, images: list[uuid.UUID]) -> None:
    for _ in range(2):
        assert [name for name, _ in FIND.rows(caller_of(cast.member), *images)] == ["a"]
        assert [name for name, _ in FIND.rows(caller_of(cast.outsider), *images)] == ["a", "b"]
        assert [name for name, _ in FIND.rows(caller_of(cast.admin), *images)] == ["a", "b"]


def test_the_query_set_is_built_once_for_each_number_of_values(
    cast: Cast, images: list[uuid.UUID]
) -> None:
    built = []

    def build(_: object, *ids: uuid.UUID) -> object:
        built.append(len(ids))
        return Image.objects.filter(pk__in=ids).values_list("name")

    query = CompiledQuery(build)  # type: ignore[arg-type]
    for _ in range(3):
        query.rows(caller_of(cast.member), images[0])
        query.rows(caller_of(cast.member), *images)
    assert built == [1, 2]


def test_long_lists_are_not_kept(
    cast: Cast, images: list[uuid.UUID], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [*images, *(uuid.uuid4() for _ in range(MOST_VALUES))]
    with django_assert_num_queries(1):
        assert len(FIND.rows(caller_of(cast.outsider), *ids)) == 2


def test_texts_and_constants_have_their_places(cast: Cast, images: list[uuid.UUID]) -> None:
    query = CompiledQuery(
        lambda caller, name: Image.objects.filter(
            Q(name=name, visibility="private", owner=caller.project_id)
        ).values_list("pk")
    )
    assert query.rows(caller_of(cast.outsider), "b") == [(images[1],)]
    assert query.rows(caller_of(cast.outsider), "a") == []
    assert query.rows(caller_of(cast.member), "b") == []
