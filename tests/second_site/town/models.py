"""The town's page types, and a table of its own."""

from __future__ import annotations

from django.db import models
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


class Inspection(models.Model):
    """What somebody saw on the spot. It goes with its ticket, and its picture goes with it."""

    ticket = models.ForeignKey("helpdesk.Ticket", models.CASCADE, related_name="inspections")
    seen = models.TextField()
    picture = models.FileField(upload_to="inspections", blank=True)

    def __str__(self):
        return f"{self.ticket_id}"
