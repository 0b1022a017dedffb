"""Translations: which are missing or behind, who says so where, and how an editor answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Locale, Page

from portal import translations
from portal.translations import State, overview, stale_since
from tests import factories as f
from tests import page_factories as p
from tests.browser.stage import editors

pytestmark = pytest.mark.django_db
REPORT = "portal_translations"


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def english():
    return Locale.objects.get(language_code="en")


def published(page, hours_ago):
    moment = timezone.now() - timedelta(hours=hours_ago)
    Page.objects.filter(pk=page.pk).update(
        live=True, first_published_at=moment, last_published_at=moment
    )
    return Page.objects.get(pk=page.pk)


@pytest.fixture
def pair(tree, english):
    """A German article published an hour ago, and its English translation published two hours ago."""
    german = p.make_article(tree.home, "Datenschutz", slug="datenschutz")
    copy = german.copy_for_translation(english)
    return published(german, 1), published(copy, 2)


def login(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def editor(tree):
    user = f.UserFactory(is_staff=True)
    user.groups.add(editors(tree.home, tree.english))
    return user


def of(page):
    return [row for row in overview() if row.source == page.pk]


def test_a_translation_is_behind_once_its_source_was_published_later(pair):
    german, copy = pair
    (row,) = of(german)
    assert (row.state, row.page, row.language) == (State.STALE, copy.pk, "en")
    assert row.since == german.last_published_at
    assert stale_since(copy) == (german, german.last_published_at)
    assert stale_since(german) is None
    published(copy, 0)
    assert of(german) == []
    assert stale_since(Page.objects.get(pk=copy.pk)) is None


def test_missing_and_unpublished_translations_are_told_apart(tree, english):
    german = published(p.make_article(tree.home), 1)
    (row,) = of(german)
    assert (row.state, row.page) == (State.MISSING, None)
    copy = german.specific.copy_for_translation(english)
    (row,) = of(german)
    assert (row.state, row.page) == (State.DRAFT, copy.pk)
    german.unpublish()
    assert of(german) == []


def test_an_alias_follows_by_itself(tree, english):
    german = published(p.make_article(tree.home), 1)
    alias = german.specific.copy_for_translation(english, alias=True)
    published(alias, 2)
    assert of(german) == []
    assert stale_since(Page.objects.get(pk=alias.pk)) is None


def test_a_page_written_in_english_first_is_the_source_itself(tree, english):
    page = published(p.make_article(tree.english, "News", locale=english), 1)
    (row,) = of(page)
    assert (row.state, row.language) == (State.MISSING, "de")
    copy = page.specific.copy_for_translation(Locale.objects.get(language_code="de"))
    published(copy, 2)
    # from now on the German page is the one that the other follows
    assert stale_since(Page.objects.get(pk=copy.pk)) is None


def test_the_editor_is_warned_and_says_that_it_is_up_to_date(pair, editor):
    german, copy = pair
    browser = login(editor)
    edit = reverse("wagtailadmin_pages:edit", args=[copy.pk])
    answer = reverse("portal_translation_current", args=[copy.pk])
    page = browser.get(edit).content.decode()
    assert answer in page
    assert (
        answer
        not in browser.get(reverse("wagtailadmin_pages:edit", args=[german.pk])).content.decode()
    )
    assert browser.get(answer).status_code == 405
    assert browser.post(answer)["Location"] == edit
    assert stale_since(copy) is None
    assert answer not in browser.get(edit).content.decode()
    published(german, 0)
    published(copy, 2)
    assert stale_since(Page.objects.get(pk=copy.pk)) is None  # said up to date a moment ago
    translations.TranslationCheck.objects.update(checked_at=timezone.now() - timedelta(hours=3))
    assert stale_since(Page.objects.get(pk=copy.pk)) is not None


def test_who_may_not_edit_the_page_may_not_say_so(pair, tree):
    _german, copy = pair
    answer = reverse("portal_translation_current", args=[copy.pk])
    other = f.UserFactory(is_staff=True)
    other.groups.add(editors(tree.services))
    assert login(other).post(answer).status_code == 404
    assert login(f.UserFactory()).post(answer).status_code in (302, 403)
    assert stale_since(copy) is not None


def test_the_report_shows_what_an_editor_may_change(pair, editor, tree):
    german, copy = pair
    report = login(editor).get(reverse(REPORT))
    assert {row["title"] for row in report.context["rows"]} >= {"Datenschutz"}
    assert reverse("portal_translation_current", args=[copy.pk]) in report.content.decode()
    only = login(editor).get(reverse(REPORT), {"state": "missing"})
    assert "Datenschutz" not in {row["title"] for row in only.context["rows"]}
    other = f.UserFactory(is_staff=True)
    other.groups.add(editors(tree.services))
    titles = {row["title"] for row in login(other).get(reverse(REPORT)).context["rows"]}
    assert titles == {"Dienste"}
    agent = f.make_agent(f.QueueFactory())
    assert login(agent).get(reverse(REPORT)).status_code == 404


def test_the_report_asks_the_same_for_few_and_for_many(tree, editor):
    browser = login(editor)
    counts = []
    for number in (2, 60):
        for _one in range(number):
            published(p.make_article(tree.home, f"Seite {number}-{_one}"), 1)
        browser.get(reverse(REPORT))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse(REPORT))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    with CaptureQueriesContext(connection) as queries:
        overview()
    assert len(queries) == 3


@pytest.mark.parametrize("kind", ["form", "service", "article", "queue"])
def test_every_kind_of_page_is_translated_from_the_editor(kind, tree, english):
    make = {
        "form": lambda: p.make_form(tree.home, p.ALL_FIELDS),
        "service": lambda: p.make_service(tree.home),
        "article": lambda: p.make_article(tree.home),
        "queue": lambda: p.make_queue_page(tree.home, f.QueueFactory()),
    }
    page = make[kind]()
    admin = login(f.UserFactory(is_superuser=True, is_staff=True))
    url = reverse("simple_translation:submit_page_translation", args=[page.pk])
    assert admin.get(url).status_code == 200
    assert admin.post(url, {"locales": [english.pk]}).status_code == 302
    copy = page.get_translation(english)
    assert not copy.live
    assert copy.specific_class is type(page)
    if kind == "form":
        assert copy.fields.get_prep_value() == page.fields.get_prep_value()


def test_a_form_is_one_data_set_in_all_languages(client, tree, english):
    from helpdesk.models import Ticket

    form = p.make_form(tree.home)
    copy = form.copy_for_translation(english)
    copy.save_revision().publish()
    copy.refresh_from_db()
    for page in (form, copy):
        assert p.sent(client, page).status_code == 302
    tickets = Ticket.objects.order_by("pk")
    assert len({ticket.form_key for ticket in tickets}) == 1
    assert [ticket.language for ticket in tickets] == ["de", "en"]
    assert [[one["key"] for one in ticket.answers] for ticket in tickets] == [["room"], ["room"]]
