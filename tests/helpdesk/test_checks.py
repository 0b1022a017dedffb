from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.conf import settings as site
from django.test import override_settings

from helpdesk import checks

pytestmark = pytest.mark.pure


def ids(messages):
    return [message.id for message in messages]


@pytest.fixture
def installed(monkeypatch):
    """Lets `check_apps` see the given apps."""

    def see(names):
        configs = [SimpleNamespace(name=name) for name in names]
        monkeypatch.setattr(checks, "apps", SimpleNamespace(get_app_configs=lambda: configs))

    return see


def test_site_of_the_tests_passes_all():
    for check in (checks.check_apps, checks.check_settings, checks.check_urls, checks.check_tasks):
        assert check() == []


def test_missing_app_is_named(installed):
    installed(["helpdesk", *checks.REQUIRED_APPS[1:]])
    (error,) = checks.check_apps()
    assert (error.id, "django_mailbox" in error.hint) == ("helpdesk.E001", True)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["helpdesk", *checks.REQUIRED_APPS], []),
        (["helpdesk", *checks.REQUIRED_APPS, "modelsearch"], ["helpdesk.E002"]),
        ([*checks.REQUIRED_APPS, "helpdesk"], ["helpdesk.E003"]),
    ],
)
def test_apps_in_a_wrong_order_or_doubled_are_refused(installed, names, expected):
    installed(names)
    assert ids(checks.check_apps()) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"SITE_URL": "https://help.example", "SYSTEM_ID": "07"}, []),
        ({"SITE_ULR": "https://help.example"}, ["helpdesk.E011"]),
        ({"SITE_URL": "help.example"}, ["helpdesk.E012"]),
        ({"SITE_URL": "https://help.example/"}, ["helpdesk.E012"]),
        ({"SYSTEM_ID": "7"}, ["helpdesk.E013"]),
        ({"SYSTEM_ID": 10}, []),
        ({"AUDIT_DAYS": 364}, ["helpdesk.W014"]),
        ({"AUDIT_DAYS": "long"}, ["helpdesk.W014"]),
        ({"AUDIT_DAYS": 365}, []),
        ([], ["helpdesk.E010"]),
    ],
)
def test_settings_that_cannot_work_are_told(given, expected):
    with override_settings(HELPDESK=given):
        assert ids(checks.check_settings()) == expected


def test_misspelt_setting_is_corrected_in_the_hint():
    with override_settings(HELPDESK={"SITE_ULR": "https://help.example"}):
        assert checks.check_settings()[0].hint == "Did you mean SITE_URL?"


def test_status_links_that_lead_nowhere_are_refused():
    with override_settings(HELPDESK={**site.HELPDESK, "STATUS_VIEW": "elsewhere"}):
        assert ids(checks.check_urls()) == ["helpdesk.E020"]


@pytest.mark.parametrize("tasks", [{}, {"default": {}}, {"other": {"BACKEND": "x"}}])
def test_missing_engine_for_tasks_is_refused(tasks):
    with override_settings(TASKS=tasks):
        assert ids(checks.check_tasks()) == ["helpdesk.E030"]


@pytest.mark.parametrize(
    ("backend", "given", "expected"),
    [
        ("django_tasks_db.DatabaseBackend", {}, ["helpdesk.E040", "helpdesk.W043"]),
        ("django_tasks.backends.immediate.ImmediateBackend", None, ["helpdesk.W042"]),
        ("django_tasks_db.DatabaseBackend", {"MAILROOM": True}, ["helpdesk.E041"]),
        ("django_tasks_db.DatabaseBackend", {"ENCRYPTION_KEYS": ["short"]}, ["helpdesk.E044"]),
        ("django_tasks_db.DatabaseBackend", {"ENCRYPTION_KEYS": ["k" * 32]}, []),
        ("django_tasks_db.DatabaseBackend", None, []),
    ],
)
def test_what_is_not_for_production_is_named(backend, given, expected):
    good = {"SITE_URL": "https://help.example", "DEFAULT_FROM": "help@help.example"}
    helpdesk = {} if given == {} else {**good, **(given or {})}
    with override_settings(HELPDESK=helpdesk, TASKS={"default": {"BACKEND": backend}}):
        assert ids(checks.check_deployment()) == expected


def test_a_journal_among_the_files_is_told(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HELPDESK = {
        **settings.HELPDESK,
        "ERASURE_JOURNAL": str(tmp_path / "media" / "erasures"),
    }
    (found,) = checks.check_journal()
    assert found.id == "helpdesk.W045"
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": ""}  # beside it
    assert checks.check_journal() == []


def test_a_journal_that_cannot_be_written_is_told(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "file" / "x")}
    (found,) = checks.check_journal()
    assert found.id == "helpdesk.E046"
