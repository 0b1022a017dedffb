"""The page on which departments order a queue."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.models import Page

from helpdesk.pages.orders import QueueOrderPageMixin


class QueueOrderPage(QueueOrderPageMixin, Page):
    """A form; each submission is an order of a queue."""

    content_panels = [*Page.content_panels, *QueueOrderPageMixin.intake_panels]
    search_fields = [*Page.search_fields, *QueueOrderPageMixin.intake_search_fields]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = _("order of a queue")
        verbose_name_plural = _("orders of queues")
