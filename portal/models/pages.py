"""What people read: the home page, the catalogue, services, queues and articles."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.search import index

from helpdesk.pages import acceptance
from helpdesk.pages.intake import IntakeFormMixin
from helpdesk.pages.queue import QueuePageMixin
from helpdesk.pages.service import ArticlePageMixin, ServicePageMixin, SummaryMixin
from portal.blocks import BodyBlock, ServiceBlock

#: Services shown on the home page; the catalogue shows all.
HOME_SERVICES = 9


class HomePage(SummaryMixin, Page):
    """The start: what this is, the search, the main ways, the services."""

    ask_page = models.ForeignKey(
        "wagtailcore.Page",
        models.SET_NULL,
        verbose_name=_("where people ask"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_(
            "A form or page for those who do not know whom to ask. Empty: the home page names only the catalogue."
        ),
    )
    body = StreamField(BodyBlock(), verbose_name=_("content"), blank=True)

    content_panels = [
        *Page.content_panels,
        *SummaryMixin.summary_panels,
        FieldPanel("ask_page"),
        FieldPanel("body"),
    ]
    search_fields = [
        *Page.search_fields,
        *SummaryMixin.summary_search_fields,
        index.SearchField("body"),
    ]
    subpage_types = [
        "portal.ServiceIndexPage",
        "portal.ServicePage",
        "portal.QueuePage",
        "portal.IntakeFormPage",
        "portal.QueueOrderPage",
        "portal.ArticlePage",
        "portal.AccessibilityStatementPage",
        "portal.PrivacyPage",
    ]
    parent_page_types = ["wagtailcore.Page"]

    class Meta:
        verbose_name = _("home page")
        verbose_name_plural = _("home pages")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        services = ServicePage.objects.live().public().descendant_of(self)
        context["services"] = services.select_related("locale").order_by("path")[:HOME_SERVICES]
        context["ask_url"] = self.ask_url(request)
        catalogues = ServiceIndexPage.objects.live().public().descendant_of(self)
        context["catalogue"] = catalogues.select_related("locale").order_by("path").first()
        return context

    def ask_url(self, request: HttpRequest) -> str:
        """Return where people ask: the page chosen, in this page's language if it is live there; '' if none is."""
        if self.ask_page_id is None:
            return ""
        pages = Page.objects.live().public().filter(locale=self.locale)
        pages = pages.filter(translation_key=self.ask_page.translation_key)
        page = pages.select_related("locale").first()
        return (page.get_url(request) or "") if page is not None else ""


class ServiceIndexPage(SummaryMixin, Page):
    """The catalogue: all services below it."""

    content_panels = [*Page.content_panels, *SummaryMixin.summary_panels]
    search_fields = [*Page.search_fields, *SummaryMixin.summary_search_fields]
    parent_page_types = ["portal.HomePage"]
    subpage_types = ["portal.ServicePage", "portal.QueuePage", "portal.ArticlePage"]

    class Meta:
        verbose_name = _("catalogue of services")
        verbose_name_plural = _("catalogues of services")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        services = ServicePage.objects.live().public().descendant_of(self)
        context["services"] = services.select_related("locale").order_by("title")
        queues = QueuePage.objects.live().public().child_of(self)
        context["queues"] = queues.select_related("locale").order_by("path")
        return context


class ServicePage(ServicePageMixin, Page):
    """One service: what it is, who may use it, what it costs, how to get it."""

    body = StreamField(ServiceBlock(), verbose_name=_("content"), blank=True)

    content_panels = [*Page.content_panels, *ServicePageMixin.service_panels, FieldPanel("body")]
    search_fields = [
        *Page.search_fields,
        *ServicePageMixin.summary_search_fields,
        index.SearchField("body"),
    ]
    parent_page_types = ["portal.ServiceIndexPage", "portal.HomePage"]
    subpage_types = [
        "portal.IntakeFormPage",
        "portal.QueueOrderPage",
        "portal.ArticlePage",
        "portal.QueuePage",
    ]

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")

    def audience(self) -> str:
        """Return who may use the service, as plain text for lists; '' if it is not said."""
        found = next((block for block in self.body if block.block_type == "audience"), None)
        return " ".join(strip_tags(found.value["text"].source).split()) if found else ""

    def main_blocks(self) -> list[Any]:
        """Return the blocks of the running text."""
        aside = self.body.stream_block.aside
        return [block for block in self.body if block.block_type not in aside]

    def side_blocks(self) -> list[Any]:
        """Return the blocks that stand beside the text."""
        aside = self.body.stream_block.aside
        return [block for block in self.body if block.block_type in aside]


class QueuePage(QueuePageMixin, Page):
    """The public face of a queue."""

    content_panels = [*Page.content_panels, *QueuePageMixin.queue_panels]
    search_fields = [*Page.search_fields, *QueuePageMixin.queue_search_fields]
    parent_page_types = ["portal.ServiceIndexPage", "portal.ServicePage", "portal.HomePage"]
    subpage_types = ["portal.IntakeFormPage", "portal.ArticlePage"]

    class Meta:
        verbose_name = _("queue page")
        verbose_name_plural = _("queue pages")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        children = list(self.get_children().live().public().select_related("locale").specific())
        acceptance.mark(child for child in children if isinstance(child, IntakeFormMixin))
        context["children"] = children
        return context


class ArticlePage(ArticlePageMixin, Page):
    """An answer, an instruction, or any other page of text."""

    body = StreamField(BodyBlock(), verbose_name=_("content"), blank=True)

    content_panels = [*Page.content_panels, *ArticlePageMixin.summary_panels, FieldPanel("body")]
    search_fields = [
        *Page.search_fields,
        *ArticlePageMixin.summary_search_fields,
        index.SearchField("body"),
    ]
    subpage_types = ["portal.ArticlePage"]

    class Meta:
        verbose_name = pgettext_lazy("page", "article")
        verbose_name_plural = pgettext_lazy("page", "articles")
