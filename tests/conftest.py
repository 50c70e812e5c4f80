"""Fixtures for all tests: the fixed cast, and a client that speaks for one of it."""

from __future__ import annotations

import dataclasses
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware
from xdist.remote import Producer

from compute_site.db.notices import notices
from compute_site.identity.passwords import memory
from tests.world.cast import Cast, make_cast
from tests.world.client import ApiClient
from tests.world.costs import CostReport, cost_of
from tests.world.databases import make_template
from tests.world.restoring import end_restoring, keep_rows, restore_rows
from tests.world.sharing import DearestFirst

os.environ.setdefault(  # nobody needs what the tests write after a crash of the machine
    "COMPUTE_SITE_EMBEDDED_SETTINGS", "fsync=off,full_page_writes=off"
)
hypothesis.settings.register_profile("steady", deadline=None)  # a slow machine is no fault
hypothesis.settings.load_profile("steady")
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(CostReport(), "costs of the tests")


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process more than there are processors, as some tests wait for other processes; unless
    the surroundings say how many.
    """
    told = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return None if told else len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> DearestFirst:
    return DearestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``make test-fast`` leaves out the files that cost most."""
    for item in items:
        if cost_of(item.nodeid):
            item.add_marker("thorough")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end: looking through it for garbage again
    and again, all modules and thousands of tests, finds none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """The database of the tests is a copy: the migrations run once for all processes."""
    with django_db_blocker.unblock():
        settings.DATABASES["default"]["TEST"]["TEMPLATE"] = make_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The cast is made once, before the first test. What a test commits is taken back. Where no
    test needs a database, pytest-django has made none, and that of the site stays untouched.
    """
    if not str(connection.settings_dict["NAME"]).startswith("test_"):
        yield
        return
    with django_db_blocker.unblock():
        make_cast()
        keep_rows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _test: restore_rows())
        yield
    end_restoring()
    notices.stop()  # what listens keeps its database from being dropped


@pytest.fixture(scope="session", autouse=True)
def _image_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Images of tests leave their data in no folder of the site."""
    store = tmp_path_factory.mktemp("images")
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, image_store_dir=store)


@pytest.fixture(scope="session", autouse=True)
def _static_files() -> Iterator[None]:
    """The static files are looked up once, not again for each client."""
    look_up = WhiteNoiseMiddleware.add_files_from_finders
    known: dict[str, object] = {}

    def add_known(middleware: WhiteNoiseMiddleware) -> None:
        if not known:
            look_up(middleware)
            known.update(middleware.files)
        middleware.files.update(known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_known)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_hosts() -> None:
    """Nobody waits for simulated hosts."""
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, fake_driver_delay_seconds=0)


@pytest.fixture(scope="session", autouse=True)
def _short_streams() -> None:
    """Whoever asks for every URL shall not wait for events."""
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, event_stream_seconds=0)


@pytest.fixture
def cast(db: None) -> Cast:
    """Projects and users."""
    return Cast()


@pytest.fixture(autouse=True)
def _forget_passwords() -> Iterator[None]:
    yield
    memory.forget_all()


@pytest.fixture
def anonymous(db: None) -> ApiClient:
    return ApiClient()


@pytest.fixture
def as_member(cast: Cast) -> ApiClient:
    return ApiClient(cast.member)


@pytest.fixture
def as_second_member(cast: Cast) -> ApiClient:
    return ApiClient(cast.second_member)


@pytest.fixture
def as_reader(cast: Cast) -> ApiClient:
    return ApiClient(cast.reader)


@pytest.fixture
def as_manager(cast: Cast) -> ApiClient:
    return ApiClient(cast.manager)


@pytest.fixture
def as_outsider(cast: Cast) -> ApiClient:
    """The member of the other project."""
    return ApiClient(cast.outsider)


@pytest.fixture
def as_admin(cast: Cast) -> ApiClient:
    return ApiClient(cast.admin)


@pytest.fixture
def statements(db: None) -> Callable[[], AbstractContextManager[CaptureQueriesContext]]:
    """``with statements() as seen: …`` counts SQL: ``len(seen)``; ``seen.captured_queries`` has
    the texts.
    """
    return lambda: CaptureQueriesContext(connection)
