"""The German catalogues are whole, and what a reader of one language sees is in that language."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import allauth
import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.core.management import call_command
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext
from wagtail.users.models import UserProfile

from helpdesk.models import OutboundMail, Queue, Ticket
from portal.models import (
    ArticlePage,
    FieldSet,
    HomePage,
    IntakeFormPage,
    QueueOrderPage,
    QueuePage,
    ServiceIndexPage,
    ServicePage,
    User,
)

ROOT = Path(__file__).parent.parent
CATALOGUES = sorted(ROOT.glob("*/locale/*/LC_MESSAGES/django.po"))
DU = re.compile(r"\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|%[a-z]\b")


def entries(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [entry for entry in read_po(file) if entry.id]


def pairs(entry: Message) -> Iterator[tuple[str, str]]:
    """Yield each English form with its translation; the plural stands for all but the first."""
    english = [entry.id] if isinstance(entry.id, str) else list(entry.id)
    translated = [entry.string] if isinstance(entry.string, str) else list(entry.string)
    yield from zip(english, translated, strict=True)


def by_key(path: Path) -> dict[tuple[str | None, str], object]:
    return {
        (entry.context, english): translated
        for entry in entries(path)
        for english, translated in pairs(entry)
    }


HELPDESK, PORTAL = (
    ROOT / package / "locale/de/LC_MESSAGES/django.po" for package in ("helpdesk", "portal")
)


@pytest.mark.pure
def test_every_string_of_the_source_is_translated() -> None:
    command = [sys.executable, str(ROOT / "bin" / "messages.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@pytest.mark.pure
@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_translations_keep_placeholders_and_edges(path: Path) -> None:
    for entry in entries(path):
        for english, translated in pairs(entry):
            assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(translated))
            for edge in (r"^\s*", r"\s*$"):
                assert re.search(edge, english)[0] == re.search(edge, translated)[0], english


@pytest.mark.pure
def test_same_string_has_the_same_translation_in_both_catalogues() -> None:
    """The site's catalogue wins: its word would stand on the help desk's screens, too."""
    extension, site = by_key(HELPDESK), by_key(PORTAL)
    both = extension.keys() & site.keys()
    assert {key: site[key] for key in both} == {key: extension[key] for key in both}


@pytest.mark.pure
def test_nobody_is_called_du() -> None:
    """allauth's German says “Du”: the site's catalogue replaces what stands on our screens."""
    theirs = Path(allauth.__file__).parent / "locale/de/LC_MESSAGES/django.po"
    familiar = {
        key
        for entry in entries(theirs)
        if any(
            place.startswith(("account/", "templates/account/")) for place, _line in entry.locations
        )
        for key in [(entry.context, entry.id)]
        if DU.search(str(entry.string))
    }
    assert familiar - by_key(PORTAL).keys() == set()
    ours = [str(text) for path in (HELPDESK, PORTAL) for text in by_key(path).values()]
    assert [text for text in ours if DU.search(text)] == []


@pytest.mark.pure
@pytest.mark.parametrize(
    ("language", "words", "days"),
    [
        ("de", "Diese Anfrage ist geschlossen. Bitte stellen Sie eine neue.", "3 Tage"),
        ("en", "This request is closed. Please write a new one.", "3 days"),
        ("en-gb", "This request is closed. Please write a new one.", "3 days"),
    ],
)
def test_english_is_not_replaced_by_the_default_language(
    language: str, words: str, days: str
) -> None:
    """English has no catalogue: the strings themselves are English."""
    with translation.override(language):
        assert gettext("This request is closed. Please write a new one.") == words
        assert ngettext("%(n)d day", "%(n)d days", 3) % {"n": 3} == days


# --- screens -------------------------------------------------------------------------------------

NOT_READ = re.compile(r"(?s)<(script|style|svg|template)\b.*?</\1>")
SPOKEN = re.compile(r'(?:aria-label|title|placeholder|alt)="([^"]+)"')


def lines_of(page: str) -> set[str]:
    """Return what is read on a page: its texts between two tags, and its spoken attributes."""
    page = NOT_READ.sub("", page)
    found = [*re.split(r"<[^>]+>", page), *SPOKEN.findall(page)]
    return {" ".join(html.unescape(text).split()) for text in found}


def sentences() -> dict[str, str]:
    """Return what is certain not to be a name or content: several words, without a placeholder."""
    return {
        english: german
        for path in (HELPDESK, PORTAL)
        for (_context, english), german in by_key(path).items()
        if " " in english and english != german and "%" not in english
    }


def strings(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


#: What the administrator visits, who may see everything.
ADMIN = [
    "",
    *(f"helpdesk/{name}/" for name in ("tickets", "new", "failures", "queues", "queues/new")),
    *(f"helpdesk/{name}/" for name in ("customers", "calendars", "promises/new", "states/new")),
    *(f"helpdesk/{name}/" for name in ("accounts", "accounts/create", "inbound", "outbound")),
    *(f"helpdesk/{name}/" for name in ("journal", "tasks")),
]


class TestScreens(TestCase):
    """A class because loading the demo takes seconds: all tests below look at one demo."""

    @classmethod
    def setUpTestData(cls) -> None:
        call_command("demo", stdout=StringIO())

    def test_german_screens_have_no_english_sentence(self) -> None:
        read = self.read("de") - self.content()
        assert read & set(sentences()) == set()
        assert len(read & set(sentences().values())) > 50  # else nothing was looked at

    def test_english_screens_have_no_german_sentence(self) -> None:
        read = self.read("en") - self.content()
        assert read & set(sentences().values()) == set()
        assert len(read & set(sentences())) > 50

    def content(self) -> set[str]:
        """Return what people wrote into forms, and the names of queues: it is in the language of its page."""
        found = set(Queue.objects.values_list("name", flat=True))
        for kind in (IntakeFormPage, QueueOrderPage, FieldSet):
            for one in kind.objects.all():
                found |= set(strings(one.fields.get_prep_value()))
        return found

    def read(self, language: str) -> set[str]:
        """Return everything read on the key screens by people who read `language`."""
        found: set[str] = set()
        for username, addresses in (
            ("", self.public_addresses(language)),
            ("kranich", [f"{self.prefix(language)}/requests/"]),
            ("amsel", self.admin_addresses()),
        ):
            client = self.client_of(username, language)
            for address in addresses:
                response = client.get(address)
                assert response.status_code == 200, address
                found |= lines_of(response.content.decode())
        return found

    def client_of(self, username: str, language: str) -> Client:
        client = Client(headers={"accept-language": language})
        if username:
            user = User.objects.get(username=username)
            UserProfile.objects.update_or_create(
                user=user, defaults={"preferred_language": language}
            )
            client.force_login(user)
        return client

    def prefix(self, language: str) -> str:
        return {"de": "", "en": "/en"}[language]

    def public_addresses(self, language: str) -> list[str]:
        kinds = (HomePage, ServiceIndexPage, ServicePage, QueuePage, IntakeFormPage, ArticlePage)
        live = [kind.objects.live().filter(locale__language_code=language) for kind in kinds]
        mails = OutboundMail.objects.filter(
            kind=OutboundMail.Kind.RECEIPT, ticket__language=language
        )
        links = [re.search(r"https?://[^/]+(/\S*status/\S+)", mail.body)[1] for mail in mails]
        assert links
        return [
            *(pages.first().url for pages in live),
            f"{self.prefix(language)}/search/?q=zzz",
            f"{self.prefix(language)}/accounts/login/",
            *links,
            *(f"{link}close/" for link in links[:1]),
        ]

    def admin_addresses(self) -> list[str]:
        form = IntakeFormPage.objects.live().first()
        tickets = Ticket.objects.order_by("pk").values_list("pk", flat=True)
        return [
            *(f"/admin/{path}" for path in ADMIN),
            f"/admin/helpdesk/queues/edit/{Queue.objects.first().pk}/",
            f"/admin/pages/{form.pk}/edit/",
            *(reverse("helpdesk_agents:ticket", args=[pk]) for pk in tickets[::4]),
        ]
