from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from helpdesk.models import AuditEntry, AuditKind
from portal.models import NameFrom, User
from tests import factories as f

pytestmark = pytest.mark.django_db


IT = "cn=it-left,ou=groups,dc=uni,dc=example"


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


# --- groups ---------------------------------------------------------------------------------------


def groups(name: str) -> set[str]:
    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


@pytest.fixture
def teams(accounts, settings):
    """ada01 has to get the group, bob02 to lose it; another group of bob02's was given by hand."""
    settings.LDAP["GROUPS"] = f"{IT} => IT"
    it, by_hand = Group.objects.create(name="IT"), Group.objects.create(name="By hand")
    User.objects.get(username="bob02").groups.add(it, by_hand)
    accounts.group("it-left", "ada01")
    yield accounts
    accounts.drop_group("it-left")


def test_groups_follow_the_directory_without_a_log_in(teams):
    run()
    assert groups("bob02") == {"IT", "By hand"}
    last = AuditEntry.objects.latest("pk").pk
    assert run("--groups") == ["left99", "ada01:", "+IT", "bob02:", "-IT"]
    assert (groups("ada01"), groups("bob02")) == ({"IT"}, {"By hand"})
    rows = AuditEntry.objects.filter(pk__gt=last, kind__startswith="member.").order_by("pk")
    assert [(row.kind, row.subject_name, row.data["by"]) for row in rows] == [
        (AuditKind.MEMBER_ADDED, "ada01", "ldap"),
        (AuditKind.MEMBER_REMOVED, "bob02", "ldap"),
    ]
    assert run("--groups") == ["left99"]


def test_who_may_not_log_in_any_more_keeps_none_of_the_map(teams, settings):
    run("--groups")
    settings.LDAP["DENIED_GROUP"] = IT
    assert run("--groups") == ["left99", "ada01:", "-IT"]
    assert groups("ada01") == set()


def test_if_too_many_would_lose_a_group_the_settings_are_wrong(teams, settings):
    it = Group.objects.get(name="IT")
    for number in range(6):
        name = f"many{number}"
        teams.person(name, "M", "M")
        f.UserFactory(username=name, name_from=NameFrom.DOOR).groups.add(it)
    with pytest.raises(CommandError, match="7 of 9"):
        run("--groups")
    for number in range(6):
        teams.remove(f"many{number}")
    assert groups("many0") == {"IT"}
