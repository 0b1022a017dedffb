"""How long requests are kept, for the privacy notice: what each public form and queue page promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.models import get_page_models

from helpdesk import conf
from helpdesk.models import queue_map
from helpdesk.pages.intake import IntakeFormMixin
from helpdesk.pages.queue import QueuePageMixin


@dataclass(frozen=True)
class Kept:
    """One row of the table. `period` is in words."""

    url: str
    title: str
    period: str
    basis: str


def page_types() -> list[Any]:
    """Return the types of pages that take requests or name a queue; an order of a queue is a form, too."""
    kinds = (IntakeFormMixin, QueuePageMixin)
    return [model for model in get_page_models() if issubclass(model, kinds)]


def kept(locale: Any) -> list[Kept]:
    """Return the rows for all live public forms and queue pages of a language, by title. A constant number of queries."""
    queues = queue_map()
    rows = []
    for model in page_types():
        pages = model.objects.live().public().filter(locale=locale)
        pages = pages.select_related("locale").defer_streamfields()
        for page in pages.order_by("title", "pk"):
            queue = queues[page.queue_id]
            days = getattr(page, "retention_days", None)
            if days is None:
                days = queue.inherited("retention_days")
            if days is None:
                days = conf.get("RETENTION_DAYS")
            basis = getattr(page, "legal_basis", "") or queue.inherited_words(
                "legal_basis", locale.language_code
            )
            rows.append(Kept(page.url or "", page.title, _period(int(str(days))), str(basis)))
    return sorted(rows, key=lambda row: row.title.casefold())


def _period(days: int) -> str:
    if days and days % 365 == 0:
        years = days // 365
        return ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
    if not days:
        return _("until it is closed")
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
