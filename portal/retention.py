"""How long requests are kept, for the privacy notice: what each public form and queue page promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from wagtail.models import get_page_models

from helpdesk.actions import terms_of
from helpdesk.models import RetentionSettings, queue_map
from helpdesk.pages.intake import IntakeFormMixin
from helpdesk.pages.queue import QueuePageMixin
from helpdesk.rules.terms import ANONYMISE, Terms, in_effect, period_words


@dataclass(frozen=True)
class Kept:
    """One row of the table, in words. `steps` is what goes earlier or stays without a person."""

    url: str
    title: str
    period: str
    basis: str
    purpose: str = ""
    steps: tuple[str, ...] = ()


def page_types() -> list[Any]:
    """Return the types of pages that take requests or name a queue; an order of a queue is a form, too."""
    kinds = (IntakeFormMixin, QueuePageMixin)
    return [model for model in get_page_models() if issubclass(model, kinds)]


def kept(locale: Any) -> list[Kept]:
    """Return the rows for all live public forms and queue pages of a language, by title. A constant number of queries."""
    queues, settings = queue_map(), RetentionSettings.current()
    language = locale.language_code
    promised: dict[int, Terms] = {}
    rows = []
    for model in page_types():
        pages = model.objects.live().public().filter(locale=locale)
        pages = pages.select_related("locale").defer_streamfields()
        for page in pages.order_by("title", "pk"):
            if page.queue_id not in promised:
                queue = queues[page.queue_id]
                promised[queue.pk] = terms_of(queue, language=language, settings=settings)
            terms = promised[page.queue_id]
            if isinstance(page, IntakeFormMixin):
                terms = page.storage_terms(terms)
            rows.append(_row(page, terms, language))
    return sorted(rows, key=lambda row: row.title.casefold())


def objection(locale: Any) -> str:
    """Return what an objection to the longer storage brings, in a sentence in a language."""
    days = RetentionSettings.current().days_with_objection()
    with translation.override(locale.language_code):
        words = _(
            "Whoever objects to the longer storage has the request deleted %(period)s after it is closed."
        )
        return words % {"period": period_words(days, locale.language_code)}


def _row(page: Any, terms: Terms, language: str) -> Kept:
    with translation.override(language):
        period = period_words(terms.retention_days, language)
        return Kept(
            url=page.url or "",
            title=page.title,
            period=period if terms.retention_days else _("until it is closed"),
            basis=terms.legal_basis,
            purpose=terms.purpose,
            steps=tuple(_steps(terms, language)),
        )


def _steps(terms: Terms, language: str) -> list[str]:
    _days, files, persons, end = in_effect(terms)
    found = [
        words % {"period": period_words(days, language)}
        for days, words in (
            (files, _("Files: %(period)s")),
            (persons, _("Names and other personal details: %(period)s")),
        )
        if days is not None
    ]
    if end == ANONYMISE:
        found.append(_("What is about no person stays for statistics."))
    return found
