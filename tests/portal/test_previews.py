"""Editors see each kind of page in the frame of its site before it is published, in both languages."""

from __future__ import annotations

import pytest
from wagtail.models import Locale

from portal.models import AccessibilityStatementPage, ArticlePage, PrivacyPage, ServicePage
from portal.statements import start
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["de", "en"])
def test_each_kind_of_page_has_its_preview_in_its_language(language):
    tree = p.make_site()
    home = tree.home if language == "de" else tree.english
    locale = Locale.objects.get(language_code=language)
    drafts = [
        ArticlePage(title="Artikel", slug="a", locale=locale, live=False),
        ServicePage(title="Dienst", slug="d", locale=locale, live=False),
    ]
    for model in (AccessibilityStatementPage, PrivacyPage):
        texts = dict(start(model.__name__, language))
        texts.pop("purposes", None)
        drafts.append(model(**texts, slug=model.__name__.lower(), locale=locale, live=False))
    for draft in drafts:
        home.add_child(instance=draft)
    form = p.make_form(home, p.ALL_FIELDS, locale=locale)
    queue_page = p.make_queue_page(home, f.QueueFactory(), locale=locale)
    for page in (home, *drafts, form, queue_page):
        for mode, _label in page.preview_modes:
            answer = page.make_preview_request(preview_mode=mode)
            assert answer.status_code == 200, (page, mode)
            text = answer.render().content.decode() if hasattr(answer, "render") else ""
            text = text or answer.content.decode()
            assert f'<html lang="{language}">' in text, (page, mode)
            assert "site-header" in text
