"""The language switch keeps the place: on pages, on what has no page, and where something is missing."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from wagtail.models import Locale

from helpdesk.customers import access
from portal.models import ArticlePage
from tests import factories as f
from tests import page_factories as p
from tests.portal.test_navigation import html, link

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


def translated(page, **changes):
    copy = page.copy_for_translation(Locale.objects.get(language_code="en"))
    for name, value in changes.items():
        setattr(copy, name, value)
    copy.save_revision().publish()
    return type(page).objects.get(pk=copy.pk)


def test_a_page_without_a_translation_leads_to_the_nearest_above_it_which_says_so(client, tree):
    catalogue = translated(tree.services, slug="services")
    service = p.make_service(tree.services, "Drucken")
    article = p.make_article(service, "Papierstau")
    target = link(html(client, article.url), "English")
    assert target == f"{catalogue.url}?untranslated={article.pk}"
    arrived = html(client, target)
    note = arrived.split('class="notice untranslated"')[1].split("</p>")[0]
    assert f'href="{article.url}" lang="de" hreflang="de">Papierstau</a>' in note
    assert "untranslated" not in html(client, catalogue.url)
    # the switch back leads to the catalogue in German, not round in circles
    assert link(arrived, "Deutsch").startswith("/dienste/")


@pytest.mark.parametrize("value", ["999999", "x", "-1", "²", "1" * 40])
def test_what_is_no_such_page_is_not_spoken_of(client, tree, value):
    assert "notice untranslated" not in html(client, f"/en/?untranslated={value}")


def test_a_draft_or_private_page_is_not_named(client, tree):
    secret = p.make_article(tree.home, "Geheim", live=False)
    assert "Geheim" not in html(client, f"/en/?untranslated={secret.pk}")


def test_a_page_that_is_translated_meanwhile_is_not_called_missing(client, tree):
    article = p.make_article(tree.home, "Neu")
    translated(article, slug="new")
    assert "notice untranslated" not in html(client, f"/en/?untranslated={article.pk}")


def test_forms_and_thank_you_pages_keep_the_place(client, tree):
    form = p.make_form(tree.home)
    copy = translated(form, slug="report")
    assert link(html(client, form.url), "English") == copy.url
    thanks = p.sent(client, form)["Location"]
    there = link(html(client, thanks), "English").replace("&amp;", "&")
    assert there.startswith(f"{copy.url}?done=")
    assert "Your request has arrived" in html(client, there)


@pytest.mark.parametrize(
    "path", ["/search/?q=Drucken&p=2", "/accounts/login/?next=/dienste/", "/accounts/signup/"]
)
def test_what_has_no_page_keeps_its_query(client, tree, path):
    found = link(html(client, path), "English").replace("&amp;", "&")
    assert found == f"/en{path}"


def test_my_requests_and_a_request_by_its_link_keep_the_place(client, tree):
    ticket = f.make_ticket(f.QueueFactory(), customer=f.CustomerFactory())
    with translation.override("de"):
        by_link = access.by_link(access.status_token(ticket)).url()
    for path in ("/requests/", by_link):
        page = client.get(path, follow=True)
        here = page.request["PATH_INFO"]
        assert link(page.content.decode(), "English").startswith(f"/en{here}")


@pytest.mark.parametrize("path", ["/gibt-es-nicht/", "/dienste/auch-nicht/?x=1"])
def test_an_error_is_read_in_the_other_language_at_the_same_address(client, tree, path):
    page = client.get(path)
    assert page.status_code == 404
    text = page.content.decode()
    there = link(text, "English")
    assert there == f"/en{path}"
    assert "hreflang" not in text.split("<body")[0]  # an error is nothing for search engines
    other = client.get(there)
    assert other.status_code == 404
    assert 'lang="en"' in other.content.decode()


def test_a_form_that_was_open_too_long_says_so_in_the_frame_and_in_both_languages(tree):
    client = Client(enforce_csrf_checks=True)
    for path, lang in (("/accounts/login/", "de"), ("/en/accounts/login/", "en")):
        page = client.post(path, {"login": "x"})
        assert page.status_code == 403
        text = page.content.decode()
        assert f'<html lang="{lang}">' in text
        assert "site-header" in text


def test_lang_and_hreflang_are_right(client, tree):
    article = p.make_article(tree.home, "Datenschutz", slug="datenschutz")
    copy = translated(article, slug="privacy")
    for page, lang in ((article, "de"), (copy, "en")):
        text = html(client, page.url)
        assert f'<html lang="{lang}">' in text
        alternates = re.findall(
            r'rel="alternate" hreflang="(\w+)" href="http://testserver([^"]+)"', text
        )
        assert dict(alternates) == {"de": article.url, "en": copy.url}
    ArticlePage.objects.get(pk=copy.pk).unpublish()
    assert 'rel="alternate"' not in html(client, article.url)


def test_the_frame_asks_the_same_on_every_depth(client, tree):
    page, counts = tree.services, []
    for level in range(5):
        make = p.make_article if level else p.make_service
        page = make(page, f"Ebene {level}")
        html(client, page.url)
        with CaptureQueriesContext(connection) as queries:
            html(client, page.url)
        counts.append(len(queries))
    # Wagtail asks twice for each part of an address on the way to the page; the frame adds nothing to that
    steps = {after - before for before, after in zip(counts[1:], counts[2:], strict=False)}
    assert steps == {2}, counts
