"""The town's page types."""

from __future__ import annotations

from wagtail.models import Page

from helpdesk.pages.intake import IntakeFormMixin
from helpdesk.pages.queue import QueuePageMixin


class OfficePage(QueuePageMixin, Page):
    """The public face of a queue."""

    content_panels = [*Page.content_panels, *QueuePageMixin.queue_panels]
    search_fields = [*Page.search_fields, *QueuePageMixin.queue_search_fields]


class ReportPage(IntakeFormMixin, Page):
    """A form; each submission opens a ticket."""

    content_panels = [*Page.content_panels, *IntakeFormMixin.intake_panels]
    search_fields = [*Page.search_fields, *IntakeFormMixin.intake_search_fields]
