"""Builds the demo's pages: a tree in German, its translation into English, both published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models.signals import post_save
from django.utils import timezone
from modelsearch.index import insert_or_update_object
from modelsearch.signal_handlers import post_save_signal_handler
from wagtail.models import Locale, Page, ReferenceIndex, Site
from wagtail.signal_handlers import disable_reference_index_auto_update

from helpdesk.models import Queue, TicketType
from portal.models import (
    AccessibilityStatementPage,
    ArticlePage,
    HomePage,
    IntakeFormPage,
    PrivacyPage,
    QueueOrderPage,
    QueuePage,
    ServiceIndexPage,
    ServicePage,
    SiteSettings,
)

from .blocks import Node, Words, linked
from .content_site import HOME
from .field_sets import fields_of, make_field_sets

KINDS: dict[str, type[Page]] = {
    "home": HomePage,
    "index": ServiceIndexPage,
    "service": ServicePage,
    "queue": QueuePage,
    "form": IntakeFormPage,
    "order": QueueOrderPage,
    "article": ArticlePage,
    "privacy": PrivacyPage,
    "accessibility": AccessibilityStatementPage,
}
#: queue → ticket type of its form
TYPES = {
    "faults": "fault",
    "support": "question",
    "enrolment": "enrolment",
    "procurement": "procurement",
    "other": "other",
}
Pages = dict[tuple[str, str], Page]  # (key, language)


def make_pages(queues: dict[str, Queue]) -> Pages:
    """Make the site with all pages, published in both languages; return them by key and language."""
    german = Locale.objects.get_or_create(language_code="de")[0]
    english = Locale.objects.get_or_create(language_code="en")[0]
    pages: Pages = {}
    with _no_indexing():
        make_field_sets(german, english)
        _write(pages, german, english, queues)
        _open_site(pages)
    for page in pages.values():
        insert_or_update_object(page)
        ReferenceIndex.create_or_update_for_object(page)
    return pages


@contextmanager
def _no_indexing() -> Iterator[None]:
    """Queue no task for each save of a page: every page is indexed once, when all are there."""
    try:
        for model in KINDS.values():
            post_save.disconnect(post_save_signal_handler, sender=model)
        with disable_reference_index_auto_update():
            yield
    finally:
        for model in KINDS.values():
            post_save.connect(post_save_signal_handler, sender=model)


def _write(pages: Pages, german: Locale, english: Locale, queues: dict[str, Queue]) -> None:
    """Make the German tree, copy it for translation, and publish both when all links are known."""
    _plant(HOME, Page.get_first_root_node(), german, queues, pages)
    nodes = _walk(HOME)
    for node in nodes:
        source = pages[node.key, "de"]
        # the copy starts with its own slug: a later change would leave redirects behind
        source.slug = node.en.slug.removesuffix("-en")
        copy = source.copy_for_translation(english)
        source.slug = node.de.slug
        _speak(copy, node, node.en, "en")
        copy.save()
        pages[node.key, "en"] = copy
    for language in ("de", "en"):
        ids = {node.key: pages[node.key, language].pk for node in nodes}
        for node in nodes:
            # read anew: the tree has counted children since this page was made
            page = KINDS[node.kind].objects.get(pk=ids[node.key])
            pages[node.key, language] = page
            words = node.de if language == "de" else node.en
            if node.kind == "home":
                page.ask_page_id = ids["other-form"]
            elif node.kind == "accessibility":
                page.prepared_on = page.reviewed_on = timezone.localdate()
                page.feedback_page_id = ids["other-form"]
            if words.body:
                page.body = linked(list(words.body), ids, node.key)
            page.save_revision().publish()


def _walk(node: Node) -> list[Node]:
    return [node, *(one for child in node.children for one in _walk(child))]


def _plant(
    node: Node, parent: Page, locale: Locale, queues: dict[str, Queue], pages: Pages
) -> None:
    page = KINDS[node.kind](locale=locale, live=False)
    if node.queue:
        page.queue = queues[node.queue]
    if node.kind == "form":
        page.ticket_type = TicketType.objects.filter(slug=TYPES[node.queue]).first()
    _speak(page, node, node.de, "de")
    parent.add_child(instance=page)
    pages[node.key, "de"] = page
    for child in node.children:
        _plant(child, page, locale, queues, pages)


def _speak(page: Any, node: Node, words: Words, language: str) -> None:
    """Put the words of one language into a page; links to other pages come later."""
    page.slug, page.title, page.draft_title = words.slug, words.title, words.title
    page.search_description = words.summary
    if hasattr(page, "summary"):
        page.summary = words.summary
    for name, value in words.more:
        setattr(page, name, value)
    if node.kind in ("form", "order"):
        # the queue's own says it in German
        page.fields = fields_of(node.queue, language)


def _open_site(pages: Pages) -> None:
    """Make the demo's home page the site's, in place of Wagtail's welcome page."""
    home = pages["home", "de"]
    site = Site.objects.filter(is_default_site=True).first() or Site(
        hostname="localhost", is_default_site=True
    )
    welcome = site.root_page if site.root_page_id else None
    site.root_page = home
    site.site_name = "Universität Lindental"
    site.save()
    if welcome is not None:
        welcome.delete()
    SiteSettings.objects.update_or_create(
        site=site,
        defaults={
            "organisation": "Universität Lindental",
            "contact_email": "beratung@desk.example",
            "contact_phone": "555-1200",
            "imprint_page": pages["imprint", "de"].page_ptr,
            "privacy_page": pages["privacy", "de"].page_ptr,
            "accessibility_page": pages["accessibility", "de"].page_ptr,
        },
    )
