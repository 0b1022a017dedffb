"""What this site adds to a queue that was ordered (`HELPDESK["ORDERED_QUEUES"]`): drafts of its page and of a form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import get_language_info, override
from django.utils.translation import gettext as _
from wagtail.models import Page

from helpdesk.actions import PlannedPage, SiteSide
from helpdesk.models import QueueOrder
from portal.models import IntakeFormPage, NameFrom, QueuePage


class OrderedQueues(SiteSide):
    """A page of the queue and below it the standard form, in each language in which there is a page above."""

    def planned(self, order: QueueOrder, above: Page) -> Sequence[PlannedPage]:
        return [row for parent in _parents(above) for row in _rows(order, parent)]

    def make(self, order: QueueOrder, above: Page) -> Sequence[PlannedPage]:
        for parent in _parents(above):
            with override(parent.locale.language_code):
                page = _queue_page(order, parent) or _make_queue_page(order, parent, above)
                if _form(order, page) is None:
                    _make_form(order, page)
        return self.planned(order, above)

    def refuses(self, order: QueueOrder, above: Page) -> str:
        kind = above.specific_class
        if kind is None or QueuePage not in kind.allowed_subpage_models():
            words = _("A page of a queue cannot stand below “%(page)s”: choose another page.")
            return words % {"page": above.title}
        return ""

    def vouches_for(self, user: Any) -> bool:
        """Whoever signs up chooses a log-in name; only a door or an administrator knows whose it is."""
        return bool(user.name_from != NameFrom.SELF)


def _parents(above: Page) -> list[Page]:
    """Return the page below which the drafts come, in each language, that of `above` first."""
    translations = above.get_translations().select_related("locale").order_by("locale")
    return [above, *(page for page in translations if page.alias_of_id is None)]


def _rows(order: QueueOrder, parent: Page) -> Iterator[PlannedPage]:
    language = get_language_info(parent.locale.language_code)["name_translated"]
    page = _queue_page(order, parent)
    form = _form(order, page) if page is not None else None
    with override(parent.locale.language_code):
        form_title = _form_title()
    yield PlannedPage(
        _("queue page (%(language)s)") % {"language": language},
        page.title if page else order.name,
        _edit_url(page),
    )
    yield PlannedPage(
        _("form (%(language)s)") % {"language": language},
        form.title if form else form_title,
        _edit_url(form),
    )


def _edit_url(page: Page | None) -> str:
    return reverse("wagtailadmin_pages:edit", args=[page.pk]) if page is not None else ""


def _queue_page(order: QueueOrder, parent: Page) -> QueuePage | None:
    """Return the page of the queue in the language of `parent`, wherever it stands by now."""
    if order.queue_id is None:
        return None
    rows = QueuePage.objects.filter(queue=order.queue_id, locale=parent.locale_id, alias_of=None)
    return rows.order_by("pk").first()


def _form(order: QueueOrder, page: QueuePage) -> IntakeFormPage | None:
    rows = IntakeFormPage.objects.filter(queue=order.queue_id, locale=page.locale_id, alias_of=None)
    return rows.order_by("pk").first()


def _source(order: QueueOrder, model: Any, of: Page) -> Any:
    """Return the first page of the queue in another language: what is made now is its translation."""
    rows = model.objects.filter(queue=order.queue_id, alias_of=None).exclude(locale=of.locale_id)
    return rows.order_by("pk").first()


def _make_queue_page(order: QueueOrder, parent: Page, above: Page) -> QueuePage:
    source = _source(order, QueuePage, parent)
    if source is not None and source.get_parent().get_translation_or_none(parent.locale):
        page = source.copy_for_translation(parent.locale)
    else:
        page = QueuePage(
            title=order.name,
            queue=order.queue,
            hours=order.hours,
            summary=" ".join(order.purpose.split())[:250],
            locale=parent.locale,
            live=False,
        )
        Page.objects.get(pk=parent.pk).add_child(instance=page)
    page.save_revision()
    return page


def _form_title() -> str:
    return _("Write to us")


def _make_form(order: QueueOrder, page: QueuePage) -> None:
    source = _source(order, IntakeFormPage, page)
    if source is not None and source.get_parent().get_translation_or_none(page.locale):
        form = source.copy_for_translation(page.locale)
        form.title = form.draft_title = _form_title()
        form.slug = slugify(form.title)
        form.fields = _fields(str(source.translation_key))
        form.save()  # a draft's revision alone leaves title and address as they are in the other language
    else:
        form = IntakeFormPage(
            title=_form_title(), queue=order.queue, locale=page.locale, live=False
        )
        form.fields = _fields(str(form.translation_key))
        Page.objects.get(pk=page.pk).add_child(instance=form)
    form.save_revision()


def _fields(seed: str) -> list[dict[str, Any]]:
    """Return the standard questions in the active language; the same ids in all languages of a form."""
    questions = (
        ("text", _("What is it about?"), {"required": True, "in_subject": True}),
        ("long_text", _("Please describe your request"), {"required": True}),
        ("files", _("Files"), {"max_files": 3, "max_megabytes": 10}),
    )
    return [
        {
            "type": kind,
            "id": str(uuid5(NAMESPACE_URL, f"{seed}/{kind}")),
            "value": {"label": label, **options},
        }
        for kind, label, options in questions
    ]
