"""Intake forms of the site."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.models import Page

from helpdesk.pages.field_sets import FieldSetMixin
from helpdesk.pages.intake import IntakeFormMixin


class FieldSet(FieldSetMixin):
    """Questions that many forms share."""

    class Meta(FieldSetMixin.Meta):
        abstract = False


class IntakeFormPage(IntakeFormMixin, Page):
    """A form; each submission opens a ticket."""

    content_panels = [*Page.content_panels, *IntakeFormMixin.intake_panels]
    search_fields = [*Page.search_fields, *IntakeFormMixin.intake_search_fields]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = _("form")
        verbose_name_plural = _("forms")
