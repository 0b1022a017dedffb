"""Pages that describe: services and articles. Their body is the site's own."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.models import Page
from wagtail.search import index

from . import acceptance
from .base import PagePart, PromisingMixin
from .intake import IntakeFormMixin


class SummaryMixin(PagePart):
    """A page with a sentence or two about itself, for lists and search."""

    summary = models.CharField(
        _("summary"),
        max_length=250,
        blank=True,
        help_text=_("One or two sentences for lists and search."),
    )

    summary_panels = [FieldPanel("summary")]
    summary_search_fields = [index.SearchField("summary"), index.AutocompleteField("summary")]

    class Meta:
        abstract = True


class ServicePageMixin(PromisingMixin, SummaryMixin):
    """A page that describes a service; forms and articles below it belong to it."""

    service_panels = [*SummaryMixin.summary_panels, FieldPanel("promise")]
    shipped_template = "helpdesk/pages/service.html"

    class Meta:
        abstract = True

    def get_template(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return [self.template, self.shipped_template]

    def parts(self) -> tuple[list[Page], list[Page]]:
        """Return the live, public pages right below in the order of the tree: forms, and others."""
        children = self.get_children().live().public().select_related("locale").specific()
        forms = [page for page in children if isinstance(page, IntakeFormMixin)]
        acceptance.mark(forms)
        return forms, [page for page in children if not isinstance(page, IntakeFormMixin)]

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        context["forms"], context["articles"] = self.parts()
        return context


class ArticlePageMixin(SummaryMixin):
    """A page that answers a question."""

    shipped_template = "helpdesk/pages/article.html"

    class Meta:
        abstract = True

    def get_template(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return [self.template, self.shipped_template]
