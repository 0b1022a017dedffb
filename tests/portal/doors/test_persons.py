"""The directory as the help desk's source of people."""

from __future__ import annotations

import pytest

from helpdesk import persons
from helpdesk.persons import DirectoryDown, Person
from tests.servers.ldap import directory


@pytest.fixture
def source(ldap_door, settings):
    settings.HELPDESK = {**settings.HELPDESK, "PERSONS": "portal.doors.persons.find"}
    return ldap_door


def names(text: str) -> list[str]:
    return sorted(one.login_name for one in persons.find(text))


def test_a_person_has_what_a_ticket_needs(source):
    source.change(
        "dn: uid=bob02,ou=people,dc=uni,dc=example\nchangetype: modify\n"
        "replace: telephoneNumber\ntelephoneNumber: +49 211 1\n-\nreplace: ou\nou: Library\n"
    )
    assert persons.find("bob02") == [
        Person("bob02", "Bob Brown", ("bob.brown@uni.example",), "+49 211 1", "Library")
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lovel", ["ada01"]),
        ("ADA", ["ada01"]),
        ("ada lovelace", ["ada01"]),
        ("Lovelace, Ada", []),
        ("lovelace ada", ["ada01"]),
        ("ada brown", []),
        ("a.lovelace@uni", ["ada01"]),
        ("eve@mail", ["eve03"]),
        ("ov", []),
        ("velace", []),
        ("", []),
        ("   ", []),
    ],
)
def test_people_are_found_by_how_their_names_begin(source, text, found):
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "***",
        "*)(uid=*",
        "ada*",
        "a)(|(uid=*)",
        "\\2a\\2a\\2a",
        "(objectClass=*)",
        "\x00\x00\x00",
        "a\x00\x00",
        "\u200b\u00ad\u200b",
    ],
)
def test_nothing_typed_is_a_filter(source, text):
    assert names(text) == []


def test_more_people_than_shown_are_no_error():
    with directory(limits="sizelimit 5") as server:
        for number in range(12):
            server.person(f"mas{number}", "Max", "Master")
        with pytest.MonkeyPatch.context() as patch:
            from django.conf import settings

            patch.setattr(settings, "LDAP", server.settings())
            patch.setattr(
                settings, "HELPDESK", {**settings.HELPDESK, "PERSONS": "portal.doors.persons.find"}
            )
            assert len(persons.find("master")) == 5


def test_ten_are_shown_at_most(source):
    for number in range(12):
        source.person(f"zzz{number:02}", "Zoe", "Zander")
    assert len(persons.find("zander")) == 10
    for number in range(12):
        source.remove(f"zzz{number:02}")


@pytest.mark.parametrize(
    "change",
    [{"URL": "ldap://127.0.0.1:9"}, {"BIND_PASSWORD": "wrong"}, {"PERSONS_FILTER": "(broken"}],
)
def test_a_directory_that_cannot_be_asked_is_said_to_be_down(source, settings, change, caplog):
    settings.LDAP.update(change)
    with pytest.raises(DirectoryDown):
        persons.find("lovelace")
    assert "lovelace" not in caplog.text


def test_without_a_directory_nobody_is_found(settings):
    from portal.doors import persons as source

    assert source.find("lovelace") == []
