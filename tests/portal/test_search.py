from __future__ import annotations

import pytest
from wagtail.models import PageViewRestriction

from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


def found(client, words, prefix=""):
    response = client.get(f"{prefix}/search/", {"q": words})
    assert response.status_code == 200
    return [page.title for page in response.context["pages"]]


def test_search_finds_pages_by_title_summary_and_text(client, tree):
    p.make_service(tree.services, "Drucken", summary="Toner bestellen")
    p.make_article(tree.home, "Papierstau", body='[{"type": "text", "value": "<p>Klappe</p>"}]')
    assert found(client, "drucken") == ["Drucken"]
    assert found(client, "Toner") == ["Drucken"]
    assert found(client, "klappe") == ["Papierstau"]


def test_search_wants_all_words(client, tree):
    p.make_service(tree.services, "Drucken")
    p.make_service(tree.services, "Drucken in Farbe")
    assert found(client, "drucken farbe") == ["Drucken in Farbe"]


def test_search_finds_the_beginning_of_a_word_when_nothing_else_fits(client, tree):
    p.make_service(tree.services, "Drucken")
    assert found(client, "druck") == ["Drucken"]


def test_search_leaves_out_drafts_private_pages_and_the_other_language(client, tree):
    p.make_service(tree.services, "Drucken Entwurf", live=False)
    private = p.make_service(tree.services, "Drucken intern")
    PageViewRestriction.objects.create(page=private, restriction_type="login")
    p.make_article(tree.english, "Drucken in English")
    assert found(client, "drucken") == []
    assert found(client, "drucken", "/en") == ["Drucken in English"]


@pytest.mark.parametrize(
    "words", ["", "   ", '"', "* OR (", "'; --", "x" * 5000, "\u0000", "NEAR("]
)
def test_search_stands_any_query(client, tree, words):
    assert found(client, words) == []


def test_search_says_that_nothing_was_found(client, tree):
    response = client.get("/search/", {"q": "xyzzy"})
    assert "xyzzy" in response.content.decode()


def test_search_is_shown_in_pages(client, tree):
    for number in range(12):
        p.make_service(tree.services, f"Drucken {number}")
    response = client.get("/search/", {"q": "drucken", "p": "2"})
    assert len(response.context["pages"]) == 2
    assert 'aria-current="page">2<' in response.content.decode()
    assert client.get("/search/", {"q": "drucken", "p": "99"}).status_code == 200
