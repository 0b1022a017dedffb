"""What all tests share."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from unittest import TestCase

import hypothesis
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.utils import translation
from pytest_django import DjangoDbBlocker

from tests import databases, rendering

hypothesis.settings.register_profile(
    "ci",
    max_examples=25,
    # the same examples each time: what lands does not hang on luck; `HYPOTHESIS_PROFILE=deep` looks further
    derandomize=True,
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.register_profile(
    "deep", hypothesis.settings.get_profile("ci"), max_examples=2000, derandomize=False
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish() -> None:
    """Look for garbage less often: what was imported and collected stays to the end, and is most of what there is.

    Going through it again and again took a tenth of the time of a run.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def _files_of_this_run_go_with_it() -> Iterator[None]:
    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _pages_are_noted_whole(django_test_environment: None) -> None:
    rendering.note_whole_pages_only()


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Messages are compared in the language of the code; what is German says so itself."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _nothing_counted_yet() -> None:
    """Rows made by a test go with it and their numbers come again; what was counted under them has to go, too."""
    cache.clear()


@pytest.fixture(autouse=True)
def _types_are_known(request: pytest.FixtureRequest) -> None:
    """Content types are asked for once a process, whoever is first: no test is to have that one query more."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        request.getfixturevalue("db")
        ContentType.objects.get_for_models(*apps.get_models(), for_concrete_models=False)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    """Copy a database that has had its migrations, where there is one (bin/test.py makes it)."""
    template = connection.settings_dict["TEST"]["TEMPLATE"]
    if template and connection.vendor == "sqlite":
        with databases.copied_from(template):
            yield
    else:
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Keep what a new database holds: Django keeps it on the connection of this very context.

    While Playwright's event loop runs, Django hands out another connection, without it, and a test that
    wants these rows back would silently go without.
    """
    _START.append(getattr(connection, "_test_serialized_contents", ""))
    with django_db_blocker.unblock():
        databases.keep_start()


_START: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if _START and _empties_the_database(item):
        connection._test_serialized_contents = _START[0]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Say of a test what follows from what it asks for."""
    if _empties_the_database(item):
        mark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
        item.add_marker(mark, append=False)
    if not _may_ask_a_database(item):
        item.add_marker(pytest.mark.anywhere)
    if group := _shares_with(item):
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: alone at the end it would keep one process waiting."""
    long = {"xdist_group", "kill"}
    items.sort(key=lambda item: long.isdisjoint(mark.name for mark in item.iter_markers()))


def _may_ask_a_database(item: pytest.Item) -> bool:
    """Tell whether the engine can make a difference; pytest-django lets nobody else near it."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return (
        item.get_closest_marker("django_db") is not None
        or item.get_closest_marker("kill") is not None
        or issubclass(getattr(item, "cls", None) or object, TestCase)
        or bool(fixtures & {"db", "transactional_db", "live_server", "django_db_setup"})
    )


def _shares_with(item: pytest.Item) -> str:
    """Name the module or class whose tests share what is made once for them; they run in one process."""
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    ours = (found[-1] for found in definitions.values() if found[-1].baseid.startswith("tests/"))
    shared = any(one.scope in ("module", "class") for one in ours)
    return item.nodeid.partition("::")[0] if shared else ""


def _empties_the_database(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    by_mark = mark is not None and bool(mark.kwargs.get("transaction"))
    fixtures = set(getattr(item, "fixturenames", ()))
    return by_mark or bool(
        fixtures & {"transactional_db", "live_server", "django_db_reset_sequences"}
    )
