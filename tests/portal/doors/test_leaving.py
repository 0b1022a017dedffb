from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from helpdesk.models import AuditEntry
from portal.models import NameFrom, User
from tests import factories as f

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("accounts_gone", *arguments, stdout=out)
    return out.getvalue().split()


@pytest.fixture
def accounts(ldap_door):
    """Two who are there, one who is gone, and some whom the directory never knew."""
    for name in ("ada01", "bob02", "left99"):
        f.UserFactory(username=name, name_from=NameFrom.DOOR)
    f.UserFactory(username="local")
    f.UserFactory(username="boss", name_from=NameFrom.DOOR, is_superuser=True)
    f.UserFactory(username="off", name_from=NameFrom.DOOR, is_active=False)
    return ldap_door


def active() -> set[str]:
    return set(User.objects.filter(is_active=True).values_list("username", flat=True))


def test_who_left_is_listed_and_switched_off_only_if_asked(accounts):
    before, last = active(), AuditEntry.objects.latest("pk").pk
    assert run() == ["left99"]
    assert active() == before
    assert run("--switch-off") == ["left99"]
    assert active() == before - {"left99"}
    assert AuditEntry.objects.filter(pk__gt=last).get().subject_name == "left99"
    assert run("--switch-off") == []


@pytest.mark.parametrize(
    "change",
    [
        {"URL": "ldap://127.0.0.1:9"},
        {"BIND_PASSWORD": "wrong"},
        {"SEARCH_BASE": "ou=none,dc=uni,dc=example"},
        {"URL": ""},
    ],
)
def test_a_directory_that_cannot_be_asked_switches_nobody_off(accounts, settings, change):
    settings.LDAP.update(change)
    before = active()
    with pytest.raises(CommandError):
        run("--switch-off")
    assert active() == before


def test_a_wrong_search_switches_nobody_off(accounts, settings):
    for number in range(5):
        f.UserFactory(username=f"there{number}", name_from=NameFrom.DOOR)
    settings.LDAP["USER_FILTER"] = "(cn={name})"
    before = active()
    with pytest.raises(CommandError, match="8 of 8"):
        run("--switch-off")
    assert active() == before
