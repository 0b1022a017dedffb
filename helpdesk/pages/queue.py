"""The public face of a queue."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField
from wagtail.search import index

from helpdesk.models import Queue

from . import routing
from .base import PagePart


class QueuePageForm(WagtailAdminPageForm):
    """Offers the queues of the page's department, as forms do, and refuses to publish a second page of a queue.

    At the field it belongs to; drafts are free.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        if "queue" in fields:
            offered = routing.offered_queues(self.instance, self.parent_page, self.for_user)
            kept = offered | Queue.objects.filter(pk=self.instance.queue_id)
            fields["queue"].queryset = kept.distinct()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if not self.is_deferred_validation and data.get("queue"):
            self.instance.queue = data["queue"]
            other = self.instance.live_rival()
            if other is not None:
                self.add_error("queue", rival_error(other))
        return data


def rival_error(other: Any) -> ValidationError:
    """Return the error that names the page which shows the queue already."""
    return ValidationError(
        _(
            "The page “%(page)s” already shows this queue in this language. Unpublish that page "
            "first, or choose another queue."
        ),
        code="second_page",
        params={"page": other.title},
    )


class QueuePageMixin(PagePart):
    """A page that shows a queue: what it is for, its address, its hours, what is promised.

    A queue has at most one live page in each language (aliases are the same page). Where the page
    says nothing, the queue speaks.
    """

    queue = models.ForeignKey(Queue, models.PROTECT, verbose_name=_("queue"), related_name="+")
    summary = models.CharField(
        _("summary"),
        max_length=250,
        blank=True,
        help_text=_("One or two sentences for lists and search."),
    )
    purpose = RichTextField(
        _("purpose"),
        blank=True,
        features=["bold", "italic", "link", "ol", "ul", "h3"],
        help_text=_("What belongs here, for customers. Empty: as the queue says."),
    )
    hours = models.CharField(
        _("hours"), max_length=250, blank=True, help_text=_("Empty: as the queue's calendar says.")
    )
    promise = RichTextField(
        _("promise"),
        blank=True,
        features=["bold", "italic", "link"],
        help_text=_("When an answer may be expected, in words."),
    )

    queue_panels = [
        FieldPanel("queue"),
        FieldPanel("summary"),
        FieldPanel("purpose"),
        FieldPanel("hours"),
        FieldPanel("promise"),
    ]
    queue_search_fields = [index.SearchField("summary"), index.SearchField("purpose")]

    base_form_class = QueuePageForm
    shipped_template = "helpdesk/pages/queue.html"

    live: bool  # Wagtail's

    class Meta:
        abstract = True

    def get_template(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return [self.template, self.shipped_template]

    def live_rival(self) -> Any:
        """Return another live page of the same queue and language, or None."""
        if self.queue_id is None or self.locale_id is None or self.alias_of_id is not None:
            return None
        others = type(self)._default_manager.filter(
            live=True, queue=self.queue_id, locale=self.locale_id, alias_of=None
        )
        return others.exclude(pk=self.pk).first()

    def save(self, clean: bool = True, **kwargs: Any) -> None:
        """Save; a copy of a live page starts as a draft, and a second page is not published.

        Raises `ValidationError` where no form could refuse before (a schedule, code).
        """
        other = self.live_rival() if self.live else None
        if other is not None and self._state.adding:
            self.live, self.has_unpublished_changes = False, True
        elif other is not None and clean:
            raise ValidationError({"queue": rival_error(other)})
        super().save(clean=clean, **kwargs)

    def address(self) -> str:
        """Return the mail address that leads into the queue."""
        return self.queue.main_address()

    def shown_hours(self) -> str:
        """Return the hours in words: the page's, else the calendar's."""
        calendar = self.queue.inherited("calendar")
        return self.hours or getattr(calendar, "opening_hours", "")
